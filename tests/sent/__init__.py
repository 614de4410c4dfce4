"""What the rest of the suite sent to BigQuery, read after it: ``make unit`` runs this last, in a process of its own."""
