"""The dedup: lossless, verified, reversible, and whole again after whatever kills it."""
