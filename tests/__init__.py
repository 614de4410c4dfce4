"""Tests of tracks_assets; the folders are those of the package, and integration, outages and support."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
"""The root of the repository."""
