"""Every statement that the project can send to BigQuery was sent by some test, and passes Google's analyzer as sent."""

import re
from collections.abc import Iterable

import pytest

from tests.support.emulators.sent import Sent
from tests.support.emulators.servers import PROJECT
from tests.warehouse.statements.examples import REWRITTEN, SNAPSHOT, STAGED
from tests.warehouse.statements.google import Google, statements_in
from tracks_assets.warehouse.bigquery.jobs import CONTROL
from tracks_assets.warehouse.statements import SQL
from tracks_assets.warehouse.tables import LOCK_TABLES

pytestmark = [pytest.mark.emulator, pytest.mark.slow, pytest.mark.thorough, pytest.mark.timeout(7200)]

_PLACE = re.compile(rf"`{PROJECT}`?\.`?\w+?_?(posthog(?:_ops)?|mixpanel|growth|marketing)`?\.`?(\w+)`")
_STAGING = re.compile(rf"\b(staging_(?:{'|'.join(STAGED)}))_\d{{10}}_[0-9a-f]{{12}}\b")
_SNAPSHOT = re.compile(r"\btracks_snapshot_[a-z]+_\d{8}_\d{6}_\d{6}\b")
_REWRITTEN = re.compile(r"\btracks_rewritten_[a-z]+_\d{8}_\d{6}_\d{6}\b")


def usual(text: str) -> str:
    """A text as it was sent, but for names that are new in every test: datasets, staging tables and snapshots."""
    text = _PLACE.sub(r"`project.\1.\2`", text)
    # A snapshot of an earlier release lies beside tracks, where the analyzer knows none.
    text = text.replace("`project.posthog.tracks_snapshot_", "`project.posthog_ops.tracks_snapshot_")
    text = _STAGING.sub(r"\1_2026031201_0123456789ab", text)
    return _SNAPSHOT.sub(SNAPSHOT, _REWRITTEN.sub(REWRITTEN, text))


def distinct(sent: Iterable[Sent]) -> list[Sent]:
    """Statements that were sent, one of those that differ in nothing but their numbers; no control of a session."""
    found = {re.sub(r"\d+", "0", usual(each.text)): each for each in sent if each.name not in CONTROL}
    return sorted(found.values(), key=lambda each: (each.name, each.text))


def statement_names() -> set[str]:
    """The names of all statements of the warehouse that BigQuery may be sent."""
    return {path.stem for folder in ("both", "bigquery") for path in (SQL / folder).glob("*.sql")}


def test_something_was_kept(sent: list[Sent]) -> None:
    assert sent, "no test sent anything to BigQuery"


def test_every_statement_of_the_warehouse_was_sent(sent: list[Sent]) -> None:
    never = sorted(statement_names() - {each.name for each in sent if not each.is_dbt})
    assert not never, f"no test sends {', '.join(never)} to BigQuery"


def test_everything_of_dbts_was_sent(sent: list[Sent], dbt_aliases: set[str]) -> None:
    # The operation that notes what another pipeline wrote belongs to no model.
    assert {each.name for each in sent if each.is_dbt} == dbt_aliases | {"dbt"}


def test_every_transaction_acquires_its_write_lock_first(sent: list[Sent]) -> None:
    scripts = [statements_in(usual(each.text)) for each in sent if "begin transaction;" in each.text]
    assert {script[script.index("begin transaction") + 1].split()[2] for script in scripts} == {
        f"`project.{lock.schema}.{lock.name}`" for lock in LOCK_TABLES
    }


def test_what_was_sent_passes_googles_analyzer(google: Google, sent: list[Sent]) -> None:
    refused = {}
    for each in distinct(sent):
        try:
            google.check_script(usual(each.text))
        except Exception as error:
            refused[each.name] = f"{error}\n{usual(each.text)}"
    assert not refused, "\n\n".join(f"{name}: {why}" for name, why in refused.items())
