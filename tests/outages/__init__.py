"""BigQuery in trouble: it dies, refuses, aborts or answers late, the error text, the rows stored, and the next step."""
