"""Anomaly checks: daily figures of a table, each compared with its own past."""
