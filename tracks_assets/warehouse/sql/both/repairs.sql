-- The repairs of one job, the newest first.
select {{ shared.names(tracks_repairs.columns) }}
from {{ tracks_repairs }}
where job = {{ parameter("job") }}
order by started_at desc, repair_id desc
