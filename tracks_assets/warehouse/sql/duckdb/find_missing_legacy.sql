-- The rows of the window whose id tracks does not hold, whatever its time there: keys only, never a payload.
create or replace temporary table missing_legacy as
with

in_window as (
    select
        rowid as row_id,
        event_id
    from {{ backfill_tracks }}
    where
        event_id is not null
        and created_at >= {{ parameter("window_start") }}
        and created_at < {{ parameter("window_end") }}
),

final as (
    select
        in_window.row_id,
        hash(in_window.event_id) as id_hash
    from in_window
    anti join {{ tracks }} as tracks on in_window.event_id = tracks.event_id
)

select * from final
