"""Whether tracks is whole, and how it is mended: counting, verdicts, repairs and their way back. Knows no Dagster."""
