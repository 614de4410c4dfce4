"""The census, the anomaly and freshness checks, the status page and the trace of an event."""
