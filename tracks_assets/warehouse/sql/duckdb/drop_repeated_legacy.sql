delete from missing_legacy
where place in (select repeated_legacy.place from repeated_legacy)
