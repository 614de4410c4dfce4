-- Every time of one event that restore_created_at put into its archive, and how far that repair came.
select
    moved.created_at,
    moved.restored_created_at,
    moved.evidence,
    moved.restore_id as repair_id,
    moved.restored_at,
    repairs.state
from {{ archived_times }} as moved
left join {{ tracks_repairs }} as repairs on moved.restore_id = repairs.repair_id
where moved.event_id = {{ parameter("event_id") }}
