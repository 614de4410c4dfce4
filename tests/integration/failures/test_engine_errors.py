"""Errors that DuckDB really raises, and the next step that each gets: only a full disk asks for space."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tracks_assets.core.errors import ExportError, WarehouseError
from tracks_assets.sources.posthog.feeds import EVENTS
from tracks_assets.sources.posthog.inventory import Export
from tracks_assets.transform.deliveries import Deliveries
from tracks_assets.transform.duckdb_errors import BUG, Cause, cause_in, cause_of, next_step
from tracks_assets.transform.session import transforming
from tracks_assets.warehouse.duckdb.engine import DuckDbWarehouse, loading_error

from .sites import FIRST, Site

SPILLING = (
    "set max_temp_directory_size = '2MB'; "
    "create temp table spilled as select md5(i::varchar) as s from range(3000000) t(i) order by md5(i::varchar)"
)
"""More than the memory and the temporary space that a test allows it."""

Failing = Callable[[Path], object]


def run(statement: str, **config: str | bool) -> Failing:
    """A statement in a DuckDB in memory."""

    def fail(folder: Path) -> object:
        settings: dict[str, str | bool | int | float | list[str]] = {"temp_directory": str(folder / "spilled")}
        settings |= config
        with duckdb.connect(config=settings) as connection:
            return connection.execute(statement).fetchall()

    return fail


def update_twice(folder: Path) -> None:
    with duckdb.connect(str(folder / "w.duckdb")) as connection:
        connection.execute("create table counted as select 1 as n")
        other = connection.cursor()
        for each in (connection, other):
            each.execute("begin transaction")
            each.execute("update counted set n = n + 1")


def read_damaged(folder: Path) -> None:
    file = folder / "w.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create table counted as select hash(i) as n from range(300000) t(i); checkpoint")
    content = bytearray(file.read_bytes())
    content[16_384::1_000] = bytes(255 - each for each in content[16_384::1_000])
    file.write_bytes(content)
    with duckdb.connect(str(file)) as connection:
        connection.execute("select sum(n) from counted")


def write_read_only(folder: Path) -> None:
    duckdb.connect(str(folder / "w.duckdb")).close()
    with duckdb.connect(str(folder / "w.duckdb"), read_only=True) as connection:
        connection.execute("create table counted (n int)")


def open_foreign(folder: Path) -> None:
    (folder / "w.duckdb").write_text("not a database\n" * 1_000)
    duckdb.connect(str(folder / "w.duckdb"))


@pytest.mark.parametrize(
    ("fail", "cause"),
    [
        (run("selec 1"), Cause.BUG),
        (run("select nope from range(3)"), Cause.BUG),
        (run("select * from no_space_left"), Cause.BUG),
        (run("select 'No space left on device'::int"), Cause.BUG),
        (run("select error('Conflicting lock is held in')"), Cause.BUG),
        (run("create table t (n int not null); insert into t values (null)"), Cause.BUG),
        (run("select 9223372036854775807::bigint + 1"), Cause.BUG),
        (run("copy (select 1) to '/dev/full' (format parquet)"), Cause.DISK_FULL),
        (run(SPILLING, memory_limit="60MB", threads="1"), Cause.DISK_FULL),
        (run("select list(i) from range(30000000) t(i)", memory_limit="20MB"), Cause.OUT_OF_MEMORY),
        (run("select list(i) from range(30000000) t(i)", memory_limit="20MB", temp_directory=""), Cause.OUT_OF_MEMORY),
        (update_twice, Cause.CONFLICT),
        (read_damaged, Cause.DAMAGED),
        (write_read_only, Cause.NO_PERMISSION),
        (open_foreign, Cause.NOT_A_WAREHOUSE),
        (lambda folder: duckdb.connect(str(folder)), Cause.NOT_A_WAREHOUSE),
        (lambda folder: duckdb.connect(str(folder / "none" / "w.duckdb")), Cause.NOT_A_WAREHOUSE),
    ],
)
def test_the_cause_of_an_error_of_duckdb(tmp_path: Path, fail: Failing, cause: Cause) -> None:
    with pytest.raises(duckdb.Error) as caught:
        fail(tmp_path)
    assert cause_of(caught.value) is cause, caught.value
    assert cause_in(f"Runtime Error in model posthog_tracks (models/m.sql)\n  {caught.value}") is cause


@pytest.mark.parametrize(
    ("number", "cause"),
    [
        (errno.ENOSPC, Cause.DISK_FULL),
        (errno.EACCES, Cause.NO_PERMISSION),
        (errno.ENOTDIR, Cause.NOT_A_WAREHOUSE),
        (errno.EIO, Cause.FILE_ACCESS),
    ],
)
def test_the_cause_of_an_error_of_the_system(number: int, cause: Cause) -> None:
    assert cause_of(OSError(number, os.strerror(number), "/data")) is cause


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("Compilation Error in model posthog_tracks (models/m.sql) 'hours' is undefined", Cause.BUG),
        ("Database Error in model posthog_tracks (models/m.sql) Binder Error: no column x", Cause.BUG),
        ("FATAL Error: Failed to create checkpoint because of error: No space left on device", Cause.DISK_FULL),
        ("TransactionContext Error: Failed to commit: Disk quota exceeded", Cause.DISK_FULL),
        ('IO Error: Cannot open file "/w": Permission denied', Cause.NO_PERMISSION),
        ("it says nothing", Cause.UNKNOWN),
        ("Runtime Error Could not find profile named 'tracks'", Cause.UNKNOWN),
        ("TransactionContext Error: Current transaction is aborted", Cause.BUG),
    ],
)
def test_the_cause_of_an_error_that_dbt_reports(text: str, cause: Cause) -> None:
    assert cause_in(text) is cause


@pytest.mark.parametrize("cause", list(Cause))
def test_only_a_full_disk_asks_for_space(cause: Cause) -> None:
    step = next_step(cause, "", "/data")
    assert ("disk space" in step) == (cause is Cause.DISK_FULL)
    assert ("bug" in step) == (cause is Cause.BUG)
    assert step.endswith(".")


def test_a_statement_that_is_wrong_is_called_a_bug_and_changes_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = site.contents()
    monkeypatch.setattr(Deliveries, "accepted_rows", lambda *_: "select nope")
    with pytest.raises(WarehouseError) as caught:
        site.load()
    assert str(caught.value).startswith(
        f"The warehouse {site.warehouse} failed to load the hour 2026-03-12-00:00 (Binder Error: "
    )
    assert str(caught.value).endswith(f"). Nothing was changed. {BUG}")
    assert site.contents() == before


def test_a_statement_of_a_repair_that_is_wrong_is_called_a_bug(site: Site) -> None:
    with DuckDbWarehouse(site.warehouse).opened() as opened, pytest.raises(WarehouseError) as caught:
        opened.fetch("fingerprint", table="posthog.nowhere")
    assert str(caught.value).startswith(
        f"The warehouse {site.warehouse} failed at the statement fingerprint (Catalog Error: "
    )
    assert str(caught.value).endswith(f"). It changed nothing. {BUG}")


def test_an_hour_without_memory_names_the_setting(site: Site) -> None:
    with pytest.raises(duckdb.OutOfMemoryException) as caught:
        run("select list(i) from range(30000000) t(i)", memory_limit="20MB")(site.folder)
    text = str(loading_error(site.warehouse, "hour 2026-03-12-00:00", caught.value))
    assert text.endswith("). Nothing was changed. Raise TRACKS_MEMORY_LIMIT, then run again.")


@pytest.mark.parametrize(
    ("statement", "step"),
    [("select nope", BUG), ("copy (select 1) to '/dev/full' (format parquet)", "Free disk space in ")],
)
def test_bigquerys_transform_has_the_same_next_steps(site: Site, statement: str, step: str) -> None:
    inventory = Export(str(site.export)).inventory(FIRST)
    with pytest.raises(WarehouseError) as caught, transforming(inventory, "1GB") as connection:
        connection.execute(statement)
    finding, _, after = str(caught.value).partition("). ")
    assert finding.startswith("The hour 2026-03-12-00:00 could not be transformed (")
    assert after.startswith(f"Nothing was changed. {step}")
    assert ("TMPDIR" in after) == (step != BUG)


def test_a_file_that_is_torn_is_named_before_any_cause(site: Site) -> None:
    inventory = Export(str(site.export)).inventory(FIRST)
    content = bytearray(site.file.read_bytes())
    content[4:2_000] = bytes(1_996)
    site.file.write_bytes(content)
    with DuckDbWarehouse(site.warehouse).opened() as opened, pytest.raises(ExportError, match="cannot be read"):
        opened.load_slice(EVENTS, inventory, FIRST)
