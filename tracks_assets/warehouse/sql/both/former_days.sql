-- How many rows of each day a rollback gives their former person.
select
    nullif(
        {{ dialect.day_of("former_created_at") }}, {{ shared.long_ago(dialect) }}
    ) as day_start,
    cast(sum(row_count) as {{ dialect.integer() }}) as all_rows
from former_persons
group by {{ dialect.day_of("former_created_at") }}
order by {{ dialect.day_of("former_created_at") }}
