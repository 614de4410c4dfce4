-- A few ids that are duplicated among the rows since a moment.
select event_id
from {{ tracks }}
where event_id is not null and created_at >= {{ parameter("since") }}
group by event_id
having count(*) > 1
order by event_id
limit 10
