delete from missing_legacy
where row_id in (select repeated_legacy.row_id from repeated_legacy)
