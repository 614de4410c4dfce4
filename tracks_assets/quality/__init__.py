"""Whether the data is right: counts, checks, anomalies and uploads, as plain functions over frozen data."""
