{{ dialect.write_lock(lock) }}
