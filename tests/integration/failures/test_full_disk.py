"""A disk without room: one sentence, the rows of before still there, and the next run with room works."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.export_generator.generate import write_hour
from tests.support.cases import first_in_make_test
from tracks_assets.core.errors import WarehouseError

from .sites import PLAN, SECOND, Site, child, loader

pytestmark = pytest.mark.slow

# An hour this small goes to the log beside the file; the larger one goes straight into the file.
PHASES = [(5_000, "TransactionContext Error: Failed to commit", ".wal")]
PHASES += [(60_000, "FATAL Error: Failed to create checkpoint because of error", "")]


def full(warehouse: Path, phase: str, suffix: str, cause: str, remedy: str) -> str:
    return (
        f"The warehouse {warehouse} failed to load the hour 2026-03-12-01:00 ({phase}: Could not "
        f'write file "{warehouse}{suffix}": {cause}). Nothing was changed. {remedy}, then run again.'
    )


@pytest.fixture
def disk(site: Site) -> Iterator[Site]:
    """The warehouse on a disk of its own, with room for what it holds and little more."""
    mount = site.folder / "disk"
    mount.mkdir()
    size = site.warehouse.stat().st_size + 100_000
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", mount], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this user may not mount a disk; the file size limit below shows the same")
    try:
        (mount / "warehouse.duckdb").write_bytes(site.warehouse.read_bytes())
        (mount / "export").symlink_to(site.export)
        yield Site(mount)
    finally:
        subprocess.run(["umount", mount], check=True)


@pytest.mark.parametrize(("events", "phase", "suffix"), first_in_make_test(PHASES))
def test_a_full_disk_leaves_the_hour_and_the_next_run_with_room_works(
    disk: Site, events: int, phase: str, suffix: str
) -> None:
    before = disk.contents()
    write_hour(disk.export, SECOND, PLAN.model_copy(update={"events_per_hour": events}))
    with pytest.raises(WarehouseError) as caught:
        disk.load(SECOND)
    assert str(caught.value) == full(
        disk.warehouse, phase, suffix, "No space left on device", f"Free disk space in {disk.folder}"
    )
    assert disk.contents() == before
    subprocess.run(["mount", "-o", "remount,size=100m", disk.folder], check=True)
    assert disk.load(SECOND).accepted == disk.hours()["2026-03-12-01:00"] > events


def test_a_file_size_limit_leaves_the_hour_and_the_next_run_without_works(site: Site) -> None:
    before = site.contents()
    events, phase, suffix = PHASES[0]
    write_hour(site.export, SECOND, PLAN.model_copy(update={"events_per_hour": events}))
    with child(loader(site, SECOND, most_bytes=site.warehouse.stat().st_size + 100_000)) as process:
        text, _ = process.communicate(timeout=900)
    remedy = f"Raise the limit on the size of files (ulimit -f) for {site.folder}"
    assert text == f"loading\n{full(site.warehouse, phase, suffix, 'File too large', remedy)}\n"
    assert process.returncode == 1
    assert site.contents() == before
    assert site.load(SECOND).accepted == site.hours()["2026-03-12-01:00"] > events
