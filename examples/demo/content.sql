-- The rows of tracks and of tracks_live, and a fingerprint of each: whatever the order, equal rows give an equal one.
-- It leaves out the two stamps: a newer delivery that changes nothing gives the view its stamps, and tracks none.
{% set content = tracks.columns | rejectattr("name", "in", ("bq_ingested_timestamp", "event_inserted_at")) | list %}
with stored as (
    select
        count(*) as all_rows,
        bit_xor(hash({{ shared.names(content) }})) as content
    from {{ tracks }}
),

live as (
    select
        count(*) as all_rows,
        bit_xor(hash({{ shared.names(content) }})) as content
    from {{ tracks_live }}
)

select
    stored.all_rows as stored_rows,
    live.all_rows as live_rows,
    stored.content as stored_content,
    live.content as live_content
from stored
cross join live
