-- What the frozen table holds, hour by hour of a window; hours without rows are left out.
with

in_window as (
    select
        {{ dialect.hour_of("created_at") }} as created_hour,
        event_id,
        created_at
    from {{ backfill_tracks }}
    where
        created_at >= {{ parameter("window_start") }}
        and created_at < {{ parameter("window_end") }}
),

events as (
    select
        created_hour,
        event_id,
        count(*) as row_count,
        min(created_at) as oldest,
        max(created_at) as newest
    from in_window
    group by created_hour, event_id
),

final as (
    select
        created_hour,
        sum(row_count) as all_rows,
        count(event_id) as distinct_ids,
        min(oldest) as oldest,
        max(newest) as newest
    from events
    group by created_hour
)

select * from final
