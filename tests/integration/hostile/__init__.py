"""Text from settings, files and events that would be SQL if it were let through."""
