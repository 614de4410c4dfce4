"""From Parquet files to typed rows: the contract in SQL, run in DuckDB on the machine that loads."""
