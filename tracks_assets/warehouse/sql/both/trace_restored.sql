-- Every time of one event that restore_created_at put into its archive, and how far that repair came.
select
    redated.created_at,
    redated.restored_created_at,
    redated.evidence,
    redated.restore_id as repair_id,
    redated.restored_at,
    repairs.state
from {{ tracks_redated }} as redated
left join {{ tracks_repairs }} as repairs on redated.restore_id = repairs.repair_id
where redated.event_id = {{ parameter("event_id") }}
