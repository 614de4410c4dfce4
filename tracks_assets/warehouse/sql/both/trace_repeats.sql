-- Every delivery of one event whose content stood already, and the stamps of the row that it repeated.
select
    event_inserted_at,
    bq_ingested_timestamp,
    standing_inserted_at,
    standing_ingested_timestamp
from {{ tracks_redelivered }}
where event_id = {{ parameter("event_id") }}
