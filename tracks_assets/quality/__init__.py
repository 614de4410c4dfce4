"""Decisions about the state of the pipeline, as plain functions over frozen data; nothing here knows Dagster."""
