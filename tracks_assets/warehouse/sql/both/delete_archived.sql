delete from {{ tracks_duplicates }}
where dedup_id = {{ parameter("repair_id") }}
