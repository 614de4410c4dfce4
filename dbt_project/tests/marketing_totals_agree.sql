{#- The totals that differ from the users whom the tables of events have with such an event. -#}
{{ config(severity='error') }}

with

events as (
    select
        event_name,
        {{ counted_user('user_id', "'posthog'", 'event_id') | indent(8) }} as counted_user
    from {{ ref('posthog_tracks').render() }}
    union all
    select
        event_name,
        {{ counted_user('customer_id', "'mixpanel'", 'dedup_id') | indent(8) }} as counted_user
    from {{ ref('mp_events').render() }}
),

expected as (
    select
        count(
            distinct case when event_name in ({{ named_events('install_events') }}) then counted_user end
        ) as installs,
        count(
            distinct case when event_name in ({{ named_events('subscribe_events') }}) then counted_user end
        ) as subscribers
    from events
),

found as (
    select
        coalesce(sum(installs), 0) as installs,
        coalesce(sum(subscribers), 0) as subscribers
    from {{ ref('installs_subscribers_by_channel_platform').render() }}
)

select
    expected.installs,
    expected.subscribers,
    found.installs as found_installs,
    found.subscribers as found_subscribers
from expected
cross join found
where expected.installs != found.installs or expected.subscribers != found.subscribers
