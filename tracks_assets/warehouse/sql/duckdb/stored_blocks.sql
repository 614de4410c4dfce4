-- Blocks of the file that hold some columns of a table: what reading them reads.
select count(distinct block_id) as blocks
from pragma_storage_info({{ parameter("table") }})
where
    column_name in (select unnest({{ parameter("columns") }}))
    and block_id >= 0
