-- What a run merged, hour by hour or day by day; of one that it merged again, the newest.
select {{ shared.names(merge_log.columns) }}
from {{ log | default(merge_log) }}
where
    run_id = {{ parameter("run_id") }}
    and window_start >= {{ parameter("window_start") }}
    and window_start < {{ parameter("window_end") }}
qualify row_number() over (partition by window_start order by merged_at desc) = 1
order by window_start
