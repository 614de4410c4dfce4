-- What a squash changes: rows, their users, and the persons that they get.
select
    count(*) as all_rows,
    count(distinct user_id) as users,
    count(distinct mapped_person_id) as persons
from squash_rows
