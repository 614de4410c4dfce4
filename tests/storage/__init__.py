"""Exports and legacy files in Cloud Storage: the real emulator, with and without outages."""
