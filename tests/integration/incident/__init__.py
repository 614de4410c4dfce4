"""The incident of 2026-06-12, in order."""
