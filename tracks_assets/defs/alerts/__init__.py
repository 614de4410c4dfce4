"""The alert sensor, and what Dagster recorded as plain facts."""
