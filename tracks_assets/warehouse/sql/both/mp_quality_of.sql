-- The newest count of each day of a window.
select {{ shared.names(mp_daily_quality.columns) }}
from {{ mp_daily_quality }}
where window_start >= {{ parameter("window_start") }} and window_start < {{ parameter("window_end") }}
qualify row_number() over (partition by window_start order by measured_at desc) = 1
order by window_start
