-- The stored rows of one hour of a table.
select count(*) as all_rows
from {{ table }}
where
    {{ column }} >= {{ parameter("window_start") }}
    and {{ column }} < {{ parameter("window_end") }}
