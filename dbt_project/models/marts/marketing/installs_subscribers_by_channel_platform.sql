{#-
    Installs and subscribers by day, channel and platform.

    1. A user counts as an install once, on the day of the first event that is named in the var `install_events`, with the
       channel and the platform of that event. The same goes for subscribers and `subscribe_events`.
    2. The channel is utm_source, in lower case; without one it is 'direct'.
    3. An event without a user counts by itself.

    It is a table that is rebuilt in full: it has few rows, and an older event that arrives late, or a repair of tracks,
    changes which event of a user is the first. A rebuild reads the named events only. `render` keeps
    `dbt build --empty` from emptying it.
-#}
{{
    config(
        materialized='table',
        alias='installs_subscribers_by_channel_platform',
        tags=['marketing'],
    )
}}

with

events as (
    select
        {{ day_of('time') }} as day,
        coalesce(nullif(lower(trim(utm_source)), ''), 'direct') as channel,
        platform,
        time,
        source,
        event_id,
        {{ counted_user('user_id', 'source', 'event_id') | indent(8) }} as counted_user,
        event_name in ({{ named_events('install_events') }}) as is_install,
        event_name in ({{ named_events('subscribe_events') }}) as is_subscription
    from {{ ref('int_events_growth_union_events').render() }}
    where
        event_name in ({{ named_events('install_events') }})
        or event_name in ({{ named_events('subscribe_events') }})
),

numbered as (
    select
        *,
        row_number() over (
            partition by counted_user, is_install order by time asc, source asc, event_id asc
        ) as install_number,
        row_number() over (
            partition by counted_user, is_subscription order by time asc, source asc, event_id asc
        ) as subscription_number
    from events
),

firsts as (
    select
        day,
        channel,
        platform,
        is_install and install_number = 1 as is_first_install,
        is_subscription and subscription_number = 1 as is_first_subscription
    from numbered
),

final as (
    select
        day,
        channel,
        platform,
        count(case when is_first_install then 1 end) as installs,
        count(case when is_first_subscription then 1 end) as subscribers
    from firsts
    where is_first_install or is_first_subscription
    group by day, channel, platform
)

select * from final
