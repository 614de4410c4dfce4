"""Writes the current person of every user onto the events, in batches, until undone."""
