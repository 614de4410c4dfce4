"""What an inventory says about an hour, where nothing is wrong."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from examples.export_generator.generate import ExportPlan, write_hour
from tracks_assets.sources.posthog.inventory import Export, unknown_fields

HOUR = datetime(2026, 3, 12, tzinfo=UTC)


def test_fields_that_posthog_did_not_have_are_named(tmp_path: Path) -> None:
    (file,) = write_hour(tmp_path, HOUR, ExportPlan(events_per_hour=10, files_per_hour=1, people=10)).files
    delivered = pq.read_table(file)
    for name in ("team_id", "filename", "file_row_number"):
        delivered = delivered.append_column(name, pa.array([1] * delivered.num_rows, pa.int64()))
    pq.write_table(delivered, file)

    inventory = Export(str(tmp_path)).inventory(HOUR)

    assert unknown_fields(inventory) == ["file_row_number", "filename", "team_id"]
    assert (inventory.rows, inventory.size) == (delivered.num_rows, file.stat().st_size)


def test_an_hour_without_a_folder_is_empty(tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    inventory = Export(str(tmp_path)).inventory(HOUR)

    assert (inventory.files, inventory.rows, unknown_fields(inventory)) == ((), 0, [])
