"""The merge into tracks: what its SQL decides, on the SQL itself."""
