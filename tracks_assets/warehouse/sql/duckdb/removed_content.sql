select
    count(*) as all_rows,
    coalesce(sum(content), 0)::varchar as content
from rows_to_remove
