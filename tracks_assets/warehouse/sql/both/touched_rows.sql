-- Of the ids that a repair touches, how many a table holds, in how many rows.
select
    count(*) as all_rows,
    count(distinct event_id) as ids
from {{ table }}
where event_id in (select touched.event_id from {{ touched }} as touched)
