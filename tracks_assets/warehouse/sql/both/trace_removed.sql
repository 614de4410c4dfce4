-- Every row of one event that a dedup put into its archive, and how far that dedup came.
select
    removed.created_at,
    removed.event_name,
    removed.user_id,
    removed.bq_ingested_timestamp,
    removed.event_inserted_at,
    removed.dedup_id as repair_id,
    removed.removed_at,
    repairs.state
from {{ archived_duplicates }} as removed
left join {{ tracks_repairs }} as repairs on removed.dedup_id = repairs.repair_id
where removed.event_id = {{ parameter("event_id") }}
