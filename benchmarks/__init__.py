"""Measurements: each script prints ratios that it measured in one run."""
