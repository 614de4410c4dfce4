"""Assets, sensor and checks of the hourly path and of the legacy backfill."""
