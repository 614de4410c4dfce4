"""Mixpanel's exports: folders of days with raw events as JSON lines, or as the schematized pipeline's Parquet."""
