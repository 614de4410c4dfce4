"""The one-shot dedup of tracks, and its rollback."""
