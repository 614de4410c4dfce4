"""The merge as dbt writes it, to be run without dbt: for tests that merge often.

dbt writes it once, with a window that no delivery falls into; the text then has the window and the run's id replaced.
So what is tested is what runs, however many statements it is made of.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

_START, _END, _RUN = "1801-01-01T00:00:00+00:00", "1801-01-01T01:00:00+00:00", "a_run_of_no_window"
SENTINELS = {"TRACKS_WINDOW_START": _START, "TRACKS_WINDOW_END": _END, "TRACKS_RUN_ID": _RUN}
"""The environment in which dbt writes a text whose window and run can be replaced."""

_MODEL = "tracks/models/marts/posthog_tracks.sql"


@dataclass(frozen=True)
class MergeText:
    """The statements of the merge of one engine and one cutover."""

    text: str

    def of(self, start: datetime, end: datetime, run_id: str) -> "MergeText":
        """The merge of the window [start, end)."""
        return self.renamed(_START, start.isoformat()).renamed(_END, end.isoformat()).renamed(_RUN, run_id)

    def renamed(self, old: str, new: str) -> "MergeText":
        """The merge with another name, such as that of a dataset, in it."""
        return MergeText(self.text.replace(old, new))


def written_merge(target: Path) -> MergeText:
    """The merge that dbt wrote into its target folder.

    Args:
        target: dbt's target folder, after ``dbt run`` with ``SENTINELS``.
    """
    text = (target / "run" / _MODEL).read_text(encoding="utf-8")
    assert all(sentinel in text for sentinel in (_START, _END, _RUN))
    return MergeText(text)
