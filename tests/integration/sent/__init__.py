"""The statements that the other tests sent to BigQuery; run alone, these tests first run those."""
