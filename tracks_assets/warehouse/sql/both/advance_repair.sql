update {{ tracks_repairs }} set
    state = {{ parameter("state") }},
    rows_after = {{ parameter("rows_after") }},
    rows_archived = {{ parameter("rows_archived") }}
where repair_id = {{ parameter("repair_id") }}
