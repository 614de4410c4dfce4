delete from {{ archived_times }}
where restore_id = {{ parameter("repair_id") }}
