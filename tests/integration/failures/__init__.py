"""What goes wrong in production, done for real: each failure says one sentence and leaves the data as it was."""
