-- What insert_missing_legacy is going to find in its window; to be asked before, in the same transaction.
with

in_window as (
    select event_id
    from {{ backfill_tracks }}
    where
        event_id is not null
        and created_at >= {{ parameter("window_start") }}
        and created_at < {{ parameter("window_end") }}
),

standing as (
    select distinct event_id
    from {{ tracks }}
),

final as (
    select
        count(standing.event_id) as standing,
        count(distinct if(standing.event_id is null, in_window.event_id, null)) as missing_ids
    from in_window
    left join standing on in_window.event_id = standing.event_id
)

select * from final
