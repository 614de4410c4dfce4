update {{ person_squashes }} set
    state = {{ parameter("state") }},
    rows_squashed = {{ parameter("rows_squashed") }},
    batches_done = {{ parameter("batches_done") }}
where squash_id = {{ parameter("squash_id") }}
