-- When each export hour since a moment was loaded first.
select
    window_start,
    min(bq_ingested_timestamp) as first_loaded_at
from {{ load_log }}
where window_start >= {{ parameter("since") }}
group by window_start
order by window_start
