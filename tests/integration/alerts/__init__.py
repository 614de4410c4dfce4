"""From a failed check to a message, with the real graph and with Dagster's own daemon."""
