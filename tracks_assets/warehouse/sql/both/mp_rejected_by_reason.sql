-- The rejected deliveries of a window, by day and reason.
select
    window_start,
    rejection_reason,
    count(*) as all_rows
from {{ mp_rejected_events }}
where window_start >= {{ parameter("window_start") }} and window_start < {{ parameter("window_end") }}
group by window_start, rejection_reason
order by window_start, rejection_reason
