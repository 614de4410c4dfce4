-- The rows of one hour's files, their fields by name.
select
    uuid,
    event,
    distinct_id,
    person_id,
    properties,
    timestamp,
    {{ inserted_at }} as inserted_at,
    substr(filename, {{ root_length }} + 1) as source_file,
    file_row_number as row_number
from
    read_parquet(
        [{{ files | sql_texts }}],
        filename = true,
        file_row_number = true,
        union_by_name = true
    )
