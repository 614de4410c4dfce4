"""The history of one event: what was delivered, what is stored, and whether that is right."""
