"""The example: realistic exports, and the pipeline run over them in one command."""
