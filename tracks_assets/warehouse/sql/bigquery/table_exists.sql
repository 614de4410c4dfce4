-- The dataset's own list, which names no table of another one.
select count(*) as tables
from {{ place(schema, "INFORMATION_SCHEMA.TABLES") }}
where table_name = {{ parameter("name") }}
