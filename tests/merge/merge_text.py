"""The merge as dbt writes it, to be run without dbt: for tests that merge often.

dbt writes it once, with a window that no delivery falls into; the text then has the window, the run's id and the
plan's name replaced. So what is tested is what runs, however many statements it is made of.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

_START, _END, _RUN = "1801-01-01T00:00:00+00:00", "1801-01-01T01:00:00+00:00", "a_run_of_no_window"
SENTINELS = {"TRACKS_WINDOW_START": _START, "TRACKS_WINDOW_END": _END, "TRACKS_RUN_ID": _RUN}
"""The environment in which dbt writes a text whose window and run can be replaced."""

_PLAN = re.compile(r'(?:"\w+"\.)*"tracks__dbt_tmp\w*"')
_MODEL = "tracks/models/marts/posthog_tracks.sql"


@dataclass(frozen=True)
class MergeText:
    """The merge of one engine and one cutover.

    Attributes:
        plan: the query of the plan; on BigQuery it is also part of ``merge``.
        merge: the statements.
    """

    plan: str
    merge: str

    def of(self, start: datetime, end: datetime, run_id: str) -> "MergeText":
        """The merge of the window [start, end)."""
        values = {_START: start.isoformat(), _END: end.isoformat(), _RUN: run_id}
        plan, merge = self.plan, self.merge
        for sentinel, value in values.items():
            plan, merge = plan.replace(sentinel, value), merge.replace(sentinel, value)
        return MergeText(plan, merge)

    def renamed(self, old: str, new: str) -> "MergeText":
        """The merge with another name, such as that of a dataset, in it."""
        return MergeText(self.plan.replace(old, new), self.merge.replace(old, new))


def written_merge(target: Path) -> MergeText:
    """The merge that dbt wrote into its target folder; the plan is a table ``plan`` there.

    Args:
        target: dbt's target folder, after ``dbt run`` with ``SENTINELS``.
    """
    plan = (target / "compiled" / _MODEL).read_text(encoding="utf-8")
    merge = _PLAN.sub("plan", (target / "run" / _MODEL).read_text(encoding="utf-8"))
    assert all(sentinel in plan for sentinel in (_START, _END))
    assert _RUN in merge
    return MergeText(plan, merge)
