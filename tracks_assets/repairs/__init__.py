"""Repairs of tracks: dry by default, verified before they are published, archived and reversible."""
