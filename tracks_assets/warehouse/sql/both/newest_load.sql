-- The last load of a slice, as its log has it.
select
    rows_read,
    fingerprint
from {{ log }}
where window_start = {{ parameter("window_start") }}
order by bq_ingested_timestamp desc
limit 1
