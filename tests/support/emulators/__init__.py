"""BigQuery and Cloud Storage on this machine: real servers in processes of their own, for a whole test run."""
