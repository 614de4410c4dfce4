-- The columns of every table and view of the database file, with their types.
select
    schema_name || '.' || table_name as relation,
    column_name,
    data_type
from duckdb_columns()
where database_name = current_database() and not internal
order by column_index
