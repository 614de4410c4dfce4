{#-
    The events of PostHog and of Mixpanel in one shape.

    It is a view, so it costs nothing until it is read, and its rows are always those of its tables. A query that names
    events, days or columns reads only those. `render` keeps `dbt build --empty` from writing an empty view.
-#}
{{ config(materialized='view', alias='int_events_growth_union_events') }}

with

posthog_events as (
    select
        'posthog' as source,
        event_id,
        event_name,
        created_at as time,
        user_id,
        {{ platform(json_member('lib_values', '$lib'), 'device_os') | indent(8) }} as platform,
        app_version,
        {{ json_member('event_payload', '$geoip_country_code') | indent(8) }} as country,
        {{ json_member('event_payload', 'utm_source') | indent(8) }} as utm_source,
        {{ json_member('event_payload', 'utm_medium') | indent(8) }} as utm_medium,
        {{ json_member('event_payload', 'utm_campaign') | indent(8) }} as utm_campaign
    from {{ ref('posthog_tracks').render() }}
),

mixpanel_events as (
    select
        'mixpanel' as source,
        dedup_id as event_id,
        event_name,
        time,
        customer_id as user_id,
        {{ platform('mp_lib', 'device_os') | indent(8) }} as platform,
        app_version,
        country,
        utm_source,
        utm_medium,
        utm_campaign
    from {{ ref('mp_events').render() }}
),

final as (
    select * from posthog_events
    union all
    select * from mixpanel_events
)

select * from final
