delete from {{ tracks }}
where rowid in (select rows_to_remove.row_id from rows_to_remove)
