-- A few of the rows that get another person.
select
    event_id,
    user_id,
    created_at,
    person_id,
    mapped_person_id
from squash_rows
order by event_id, created_at, person_id
limit {{ events }}
