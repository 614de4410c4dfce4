"""Models of other teams that are made of tracks, and what keeps them from being built on damage."""
