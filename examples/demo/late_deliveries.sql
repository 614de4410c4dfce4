-- The deliveries of a day of Mixpanel's whose events happened before it.
select count(*) as late
from {{ mp_master_event }}
where
    window_start = {{ parameter("day") }}
    and time < {{ parameter("day") }}
