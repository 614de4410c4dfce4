delete from {{ archived_duplicates }}
where dedup_id = {{ parameter("repair_id") }}
