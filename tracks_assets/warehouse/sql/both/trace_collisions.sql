-- Every delivery of one id that belongs to another event than the row of tracks.
select
    created_at,
    event_name,
    user_id,
    bq_ingested_timestamp,
    event_inserted_at,
    window_start,
    source_file
from {{ tracks_collisions }}
where event_id = {{ parameter("event_id") }}
