-- The slices of a window whose newest load read fewer rows than an earlier one, as their log has it.
select
    window_start,
    rows_read,
    max(rows_read) over (partition by window_start) as most_rows
from {{ log }}
where window_start >= {{ parameter("window_start") }} and window_start < {{ parameter("window_end") }}
qualify
    row_number() over (partition by window_start order by bq_ingested_timestamp desc) = 1
    and rows_read < max(rows_read) over (partition by window_start)
order by window_start
