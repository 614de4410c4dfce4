-- The teams that have persons.
select
    team_id,
    count(*) as mappings
from {{ person_distinct_ids }}
group by team_id
order by team_id
