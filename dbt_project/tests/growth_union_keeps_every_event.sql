{#- The systems of which the union has more or fewer events than their own table. -#}
{{ config(severity='error') }}

with

sources as (
    select
        'posthog' as source,
        count(*) as events
    from {{ ref('posthog_tracks').render() }}
    union all
    select
        'mixpanel' as source,
        count(*) as events
    from {{ ref('mp_events').render() }}
),

united as (
    select
        source,
        count(*) as events
    from {{ ref('int_events_growth_union_events').render() }}
    group by source
)

select
    sources.source,
    sources.events,
    united.events as united_events
from sources
left join united on sources.source = united.source
where sources.events != coalesce(united.events, 0)
