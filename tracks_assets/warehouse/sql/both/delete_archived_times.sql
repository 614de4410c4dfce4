delete from {{ tracks_redated }}
where restore_id = {{ parameter("repair_id") }}
