-- Counts each day of a window as it was delivered. keys_differ: the deliveries of another event than the first of their
-- (insert id, time). A key of these two parts takes them for that event, Mixpanel's own key of four parts does not.
insert into {{ mp_daily_quality }} ({{ shared.names(mp_daily_quality.columns) }})
with

delivered as (
    select
        window_start,
        mp_insert_id,
        time,
        {{ dialect.identity('', ['event_name', 'distinct_id']) }} as identity
    from {{ mp_master_event }}
    where window_start >= {{ parameter("window_start") }} and window_start < {{ parameter("window_end") }}
),

first_events as (
    select
        mp_insert_id,
        time,
        min({{ dialect.identity('', ['event_name', 'distinct_id']) }}) as identity
    from {{ mp_events }}
    where
        mp_insert_id is not null
        and time >= {{ parameter("first_time") }}
        and time <= {{ parameter("last_time") }}
    group by mp_insert_id, time
),

counted as (
    select
        window_start,
        1 as deliveries,
        0 as duplicates,
        0 as collisions,
        0 as refused,
        0 as keys_differ,
        case when mp_insert_id is null then 1 else 0 end as without_insert_id
    from delivered
    union all
    select
        window_start,
        0 as deliveries,
        case when rejection_reason = 'duplicate' then 1 else 0 end as duplicates,
        case when rejection_reason = 'collision' then 1 else 0 end as collisions,
        case when rejection_reason in ('duplicate', 'collision') then 0 else 1 end as refused,
        0 as keys_differ,
        0 as without_insert_id
    from {{ mp_rejected_events }}
    where window_start >= {{ parameter("window_start") }} and window_start < {{ parameter("window_end") }}
    union all
    select
        delivered.window_start,
        0 as deliveries,
        0 as duplicates,
        0 as collisions,
        0 as refused,
        1 as keys_differ,
        0 as without_insert_id
    from delivered
    inner join first_events
        on delivered.mp_insert_id = first_events.mp_insert_id and delivered.time = first_events.time
    where delivered.identity != first_events.identity
)

select
    window_start,
    {{ parameter("measured_at") }} as measured_at,
    sum(deliveries) as deliveries,
    sum(duplicates) as duplicates,
    sum(collisions) as collisions,
    sum(refused) as refused,
    sum(keys_differ) as keys_differ,
    sum(without_insert_id) as without_insert_id
from counted
group by window_start
