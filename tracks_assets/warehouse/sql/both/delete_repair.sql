delete from {{ tracks_repairs }}
where repair_id = {{ parameter("repair_id") }}
