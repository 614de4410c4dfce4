-- When rows were loaded into raw_tracks last.
select max(bq_ingested_timestamp) as newest
from {{ raw_tracks }}
