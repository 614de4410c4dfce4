"""Exactly-once tracks: PostHog's hourly exports, merged into one warehouse table in which every event exists once."""
