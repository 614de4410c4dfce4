-- A few ids of rows without a time.
select event_id
from {{ tracks }}
where event_id is not null and created_at is null
order by event_id
limit 10
