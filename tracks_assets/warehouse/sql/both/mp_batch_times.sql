-- The first and the last time of the events that a window of days delivered; null where it delivered none.
select
    min(time) as first_time,
    max(time) as last_time
from {{ mp_master_event }}
where window_start >= {{ parameter("window_start") }} and window_start < {{ parameter("window_end") }}
