-- A few of the rows that come back.
select
    event_id,
    event_name,
    created_at,
    restored_created_at,
    evidence
from moved_rows
order by event_id, created_at, restored_created_at
limit {{ events }}
