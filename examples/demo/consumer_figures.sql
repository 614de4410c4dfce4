-- What the models of growth and marketing hold.
with

installs_and_subscribers as (
    select
        count(*) as marketing_rows,
        coalesce(sum(installs), 0) as installs,
        coalesce(sum(subscribers), 0) as subscribers
    from {{ installs_subscribers_by_channel_platform }}
),

events as (
    select
        count(case when source = 'posthog' then 1 end) as of_posthog,
        count(case when source = 'mixpanel' then 1 end) as of_mixpanel
    from {{ int_events_growth_union_events }}
)

select
    installs_and_subscribers.*,
    events.*
from installs_and_subscribers
cross join events
