-- The rows of the window whose id is taken by another event: in tracks, or by another row of the window.
create or replace temporary table collided_legacy as
with

in_window as (
    select
        rowid as row_id,
        event_id,
        {{ dialect.identity() }} as identity
    from {{ backfill_tracks }}
    where
        event_id is not null
        and created_at >= {{ parameter("window_start") }}
        and created_at < {{ parameter("window_end") }}
),

compared as (
    select
        in_window.row_id,
        bool_or(in_window.identity = {{ dialect.identity("tracks") }}) as is_stored
    from in_window
    inner join {{ tracks }} as tracks on in_window.event_id = tracks.event_id
    group by in_window.row_id
),

final as (
    select
        row_id,
        true as is_stored_id
    from compared
    where not is_stored
    union all
    select
        row_id,
        false as is_stored_id
    from repeated_legacy
    where is_collided
)

select * from final
