-- Every row of one event in a table with the columns of tracks.
select
    created_at,
    event_name,
    user_id,
    bq_ingested_timestamp,
    event_inserted_at
from {{ table }}
where event_id = {{ parameter("event_id") }}
