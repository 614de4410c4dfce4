-- How many rows of each day a rollback gives their former person.
with

timed as (
    select
        nullif(former_created_at, {{ shared.long_ago(dialect) }}) as created_at,
        row_count
    from former_persons
)

select
    {{ dialect.day_of("created_at") }} as day_start,
    cast(sum(row_count) as {{ dialect.integer() }}) as all_rows
from timed
group by {{ dialect.day_of("created_at") }}
order by {{ dialect.day_of("created_at") }} asc nulls last
