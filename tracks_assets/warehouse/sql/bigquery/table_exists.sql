select count(*) as tables
from {{ place(schema, "INFORMATION_SCHEMA.TABLES") }}
where table_schema = {{ parameter("schema") }} and table_name = {{ parameter("name") }}
