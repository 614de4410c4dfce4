{{ dialect.write_lock(turn) }}
