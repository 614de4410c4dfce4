select count(*) as tables
from information_schema.tables
where table_schema = {{ parameter("schema") }} and table_name = {{ parameter("name") }}
