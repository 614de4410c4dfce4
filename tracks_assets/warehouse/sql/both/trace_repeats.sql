-- Every delivery of one event whose content was stored already, and the stamps of the row that it repeated.
select
    event_inserted_at,
    bq_ingested_timestamp,
    stored_inserted_at,
    stored_ingested_timestamp
from {{ unchanged_redeliveries }}
where event_id = {{ parameter("event_id") }}
