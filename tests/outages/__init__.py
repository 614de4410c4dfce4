"""BigQuery in trouble: it dies, refuses, aborts or answers late, and what is said, what stands, and what repairs it."""
