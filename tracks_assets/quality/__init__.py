"""Decisions about the quality of the data: plain functions over frozen figures, without Dagster or a warehouse."""
