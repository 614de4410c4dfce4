update {{ tracks }} set
    created_at = {{ shared.original_time(dialect) }}
where {{ shared.is_moved(dialect, parameter) }}
