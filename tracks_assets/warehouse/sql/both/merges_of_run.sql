-- What a run merged, hour by hour or day by day; of one that it merged again, the newest.
{% set merges = log | default(merge_log) %}
select {{ shared.names(merges.columns) }}
from {{ merges }}
where
    run_id = {{ parameter("run_id") }}
    and window_start >= {{ parameter("window_start") }}
    and window_start < {{ parameter("window_end") }}
qualify row_number() over (partition by window_start order by merged_at desc) = 1
order by window_start
