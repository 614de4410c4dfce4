"""``python -m tracks_assets.doctor``: checks settings, export and warehouse before a load, and changes nothing."""
