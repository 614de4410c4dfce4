"""What is kept of old runs, on SQLite and on PostgreSQL."""
