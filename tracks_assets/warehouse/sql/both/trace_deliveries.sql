-- Every delivery of one event.
select
    created_at,
    event_name,
    user_id,
    bq_ingested_timestamp,
    event_inserted_at,
    window_start,
    source_file
from {{ raw_tracks }}
where event_id = {{ parameter("event_id") }}
