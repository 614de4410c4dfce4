-- When rows were loaded into raw_tracks last; from the log, because raw_tracks would be read in full.
select max(bq_ingested_timestamp) as newest
from {{ load_log }}
where rows_accepted > 0
