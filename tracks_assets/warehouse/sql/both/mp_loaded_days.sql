-- The days of a window that were loaded, each with the number of files of its newest load.
select
    window_start,
    files
from {{ mp_processed_days }}
where window_start >= {{ parameter("window_start") }} and window_start < {{ parameter("window_end") }}
qualify row_number() over (partition by window_start order by bq_ingested_timestamp desc) = 1
order by window_start
