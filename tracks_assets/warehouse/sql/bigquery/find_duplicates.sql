create or replace temp table duplicate_ids as
select
    event_id,
    count(*) as row_count
from {{ table }}
where event_id is not null
group by event_id
having count(*) > 1
