"""The repair of times that were moved, and its rollback."""
