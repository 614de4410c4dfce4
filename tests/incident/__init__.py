"""The incident of 2026-06-12, told in order."""
