-- The deliveries of a window of export hours whose event had been exported before, with the time that the event had
-- first. A delivery is such a one if
-- - an earlier delivery of its event lies in the window,
-- - a merge recorded that it changed nothing in a row that PostHog had inserted earlier, or
-- - tracks holds its event at an earlier time: PostHog stamped it again.
-- Of tracks, only the days from stored_since on are read: so the cost is bounded, and an event that lies before has no
-- stored time here.
with

deliveries as (
    select
        event_id,
        created_at,
        event_inserted_at,
        window_start,
        source_file,
        {{ dialect.json_member("lib_values", "$lib") }} as lib,
        {{ dialect.json_member("lib_values", "$lib_version") }} as lib_version,
        {{ shared.minted_at(dialect) }} as minted_at,
        row_number() over (
            partition by event_id order by event_inserted_at asc nulls first, window_start asc, created_at asc
        ) as from_first
    from {{ raw_tracks }}
    where window_start >= {{ parameter("window_start") }} and window_start < {{ parameter("window_end") }}
),

recorded as (
    select distinct
        event_id,
        window_start
    from {{ unchanged_redeliveries }}
    where
        window_start >= {{ parameter("window_start") }}
        and window_start < {{ parameter("window_end") }}
        -- An hour that is loaded again repeats itself: that is no delivery of PostHog's.
        and event_inserted_at > stored_inserted_at
),

stored as (
    select
        event_id,
        min(created_at) as stored_created_at
    from {{ tracks }}
    where
        created_at >= {{ parameter("stored_since") }}
        and event_id in (select deliveries.event_id from deliveries)
    group by event_id
),

redelivered as (
    select
        deliveries.event_id,
        deliveries.lib,
        deliveries.lib_version,
        deliveries.window_start,
        deliveries.source_file,
        deliveries.event_inserted_at,
        deliveries.created_at,
        stored.stored_created_at,
        -- An id's time that the contract would refuse as an event's comes from a clock that was not set.
        case when deliveries.minted_at >= {{ parameter("earliest") }} then deliveries.minted_at end as id_time,
        deliveries.from_first
    from deliveries
    left join recorded
        on deliveries.event_id = recorded.event_id and deliveries.window_start = recorded.window_start
    left join stored on deliveries.event_id = stored.event_id
    where
        deliveries.from_first > 1
        or recorded.event_id is not null
        or stored.stored_created_at < deliveries.created_at
),

aged as (
    select
        event_id,
        lib,
        lib_version,
        window_start,
        source_file,
        event_inserted_at,
        created_at,
        stored_created_at,
        id_time,
        from_first,
        {{ dialect.seconds_between("created_at", "coalesce(id_time, stored_created_at)") }} as restamped_seconds,
        {{ dialect.seconds_between("window_start", "coalesce(id_time, stored_created_at)") }} / 3600 as age_hours
    from redelivered
),

{% if summed %}
events as (
    select
        lib,
        lib_version,
        restamped_seconds,
        case
            {% for limit in age_limits %}
            when age_hours < {{ limit }} then {{ loop.index0 }}
            {% endfor %}
            when age_hours is not null then {{ age_limits | length }}
        end as age_group,
        count(*) over (partition by event_id) as deliveries,
        row_number() over (partition by event_id order by from_first desc) as from_last
    from aged
),

final as (
    select
        lib,
        lib_version,
        age_group,
        count(*) as event_ids,
        sum(deliveries) as deliveries,
        sum(case when restamped_seconds > {{ restamped_seconds }} then 1 else 0 end) as restamped_ids,
        max(restamped_seconds) as most_restamped_seconds
    from events
    where from_last = 1
    group by lib, lib_version, age_group
)

select * from final
order by event_ids desc, lib asc nulls last, lib_version asc nulls last, age_group asc nulls last
{% else %}
final as (
    select
        event_id,
        lib,
        lib_version,
        id_time,
        stored_created_at,
        created_at as redelivered_created_at,
        restamped_seconds,
        age_hours,
        event_inserted_at,
        window_start,
        source_file
    from aged
)

select * from final
{% if most %}
order by restamped_seconds desc nulls last, event_id asc, window_start asc
limit {{ most }}
{% else %}
order by event_id asc, event_inserted_at asc nulls first, window_start asc, redelivered_created_at asc
{% endif %}
{% endif %}
