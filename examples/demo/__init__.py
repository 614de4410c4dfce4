"""``make demo``: one day of each of the systems, and a table for each at the end."""
