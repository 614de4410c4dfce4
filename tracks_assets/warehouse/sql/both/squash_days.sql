-- How many rows of each day have another person than their user.
select
    {{ dialect.day_of("created_at") }} as day_start,
    count(*) as all_rows
from squash_rows
group by {{ dialect.day_of("created_at") }}
order by {{ dialect.day_of("created_at") }} asc nulls last
