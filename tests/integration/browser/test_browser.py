"""The UI in a browser, in the order of a day: demo, lineage, hour, backfill, damage, dry run, page.

The tests share one home and one UI, and each leaves it as the next one may find it.
"""

import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from playwright.sync_api import Locator, Page, expect

from examples.demo.home import claim_home, demo_of
from tests.integration.browser.conftest import PATIENCE, ShownDemo
from tests.integration.browser.demo_tables import check_home, check_tables
from tests.integration.graph.conftest import Home
from tests.integration.graph.test_ui import Ui
from tracks_assets.defs.quality.status import PAGE_FILE
from tracks_assets.sources.posthog.layout import HOUR

pytestmark = pytest.mark.thorough

Shot = Callable[[str], Path]

LOCATION = "locations/tracks_assets.definitions"
_RUNS = "{ runsOrError { ... on Runs { results { runId status } } } }"
_ASSETS = "{ assetNodes { assetKey { path } groupName } }"

expect.set_options(timeout=PATIENCE)


def assets(ui: Ui) -> dict[str, str]:
    """The group of each asset, by the last part of its key."""
    return {node["assetKey"]["path"][-1]: node["groupName"] for node in ui.ask(_ASSETS)["assetNodes"]}


def runs(ui: Ui) -> dict[str, str]:
    """The status of each run, by its id."""
    return {run["runId"]: run["status"] for run in ui.ask(_RUNS)["runsOrError"]["results"]}


def new_run(ui: Ui, page: Page, before: Iterable[str]) -> str:
    """The one run that was started since, once it has ended in success."""
    for _ in range(PATIENCE // 1_000):
        new = {run_id: status for run_id, status in runs(ui).items() if run_id not in before}
        if new and all(status in ("SUCCESS", "FAILURE", "CANCELED") for status in new.values()):
            ((run_id, status),) = new.items()
            assert status == "SUCCESS"
            return run_id
        page.wait_for_timeout(1_000)
    pytest.fail("No new run ended.")


def launch_dialog(page: Page, ui: Ui) -> Locator:
    """The dialog that materializes the hourly assets."""
    page.goto(f"{ui.address}/{LOCATION}/asset-groups/hourly/lineage")
    page.get_by_role("button", name="Materialize all").click()
    confirm = page.get_by_role("button", name="Confirm")
    dialog = page.get_by_role("dialog").filter(has_text="Partition selection")
    expect(confirm.or_(dialog)).to_be_visible()
    if confirm.is_visible():
        # The old pipeline's assets lie upstream, and this home never materialized them.
        confirm.click()
    expect(dialog).to_be_visible()
    return dialog


def shown_as(name: str) -> re.Pattern[str]:
    """An asset's name in the graph, which shortens a long one in its middle."""
    return re.compile(rf"^{name}$|^{name[:10]}\w*…\w*{name[-3:]}$")


@pytest.mark.timeout(1800)  # it starts nine processes, and a loaded machine takes a minute for each
def test_the_demo_leaves_a_home_that_shows_what_it_printed(shown_demo: ShownDemo, tmp_path: Path) -> None:
    demo = shown_demo.demo
    check_tables(demo, shown_demo.printed, tmp_path / "again")
    with dg.DagsterInstance.from_config(str(demo.settings.dagster_home)) as instance:
        check_home(demo, instance)

    shutil.copytree(demo.settings.home, tmp_path / "home")
    again = demo_of({"TRACKS_HOME": str(tmp_path / "home")}, demo.hours[-1] + HOUR, demo.plan).settings
    claim_home(again)
    assert not again.duckdb_path.exists(), "a finished demo is made again"


def test_the_lineage_shows_every_asset_connected(page: Page, ui: Ui, shot: Shot) -> None:
    """Group by group, because the page of all groups draws only what fits on it."""
    groups = assets(ui)
    nodes = page.locator("svg foreignObject")
    # Every asset but the first of a chain has an arrow to it.
    arrows = page.locator("svg path[marker-end], svg path[d]")
    for group in sorted(set(groups.values())):
        names = [name for name, of in groups.items() if of == group]
        page.goto(f"{ui.address}/{LOCATION}/asset-groups/{group}/lineage")
        for name in names:
            expect(nodes.get_by_text(shown_as(name)).first).to_be_visible()
        if len(names) > 1:
            expect(arrows.nth(len(names) - 2)).to_be_attached()

    expanded = ",".join(f"global@global:{group}" for group in sorted(set(groups.values())))
    page.goto(f"{ui.address}/asset-groups?expanded={expanded}")
    expect(nodes.first).to_be_visible()
    shot("lineage")


def test_an_hour_is_materialized_by_clicking(page: Page, ui: Ui, shot: Shot) -> None:
    before = runs(ui)
    dialog = launch_dialog(page, ui)
    dialog.get_by_role("button", name="Latest", exact=True).click()
    shot("materialize")
    dialog.get_by_role("button", name="Launch 1 run").click()

    page.goto(f"{ui.address}/runs/{new_run(ui, page, before)}")
    expect(page.get_by_text("Success", exact=True).first).to_be_visible()
    shot("run")


def test_a_backfill_of_a_day_is_one_green_run(page: Page, ui: Ui, shot: Shot) -> None:
    before = runs(ui)
    dialog = launch_dialog(page, ui)
    dialog.get_by_role("button", name="All", exact=True).click()
    shot("backfill")
    dialog.get_by_role("button", name="Launch backfill").click()

    new_run(ui, page, before)
    page.goto(f"{ui.address}/runs")
    expect(page.get_by_text("Backfill", exact=True).first).to_be_visible()
    shot("backfill-done")
    page.goto(f"{ui.address}/{LOCATION}/asset-groups/hourly/lineage")
    expect(page.get_by_text("100% filled").first).to_be_visible()


def test_a_failed_check_stays_red_after_the_next_hour(page: Page, ui: Ui, home: Home, shot: Shot) -> None:
    before = runs(ui)
    with duckdb.connect(str(home.settings.duckdb_path)) as connection:
        connection.execute("insert into posthog.tracks select * from posthog.tracks limit 3")
    page.goto(f"{ui.address}/{LOCATION}/jobs/tracks_checks/playground")
    page.get_by_role("button", name="Launch Run").click()
    page.wait_for_url("**/runs/**")
    new_run(ui, page, before)

    check = f"{ui.address}/assets/posthog/duplicate_census?view=checks&checkDetail=unique_event_id_all"
    page.goto(check)
    expect(page.get_by_text("Failed", exact=True).first).to_be_visible()
    expect(page.get_by_text(re.compile("duplicated")).first).to_be_visible()
    expect(page.get_by_text("Plots", exact=True)).to_be_visible()
    expect(page.locator("canvas").first).to_be_visible()
    shot("failed-check")

    before = runs(ui)
    dialog = launch_dialog(page, ui)
    dialog.get_by_role("button", name="Latest", exact=True).click()
    dialog.get_by_role("button", name="Launch 1 run").click()
    new_run(ui, page, before)
    page.goto(check)
    expect(page.get_by_text("Failed", exact=True).first).to_be_visible()


def test_the_launchpad_of_the_dedup_describes_its_options_and_shows_a_dry_run(
    page: Page, ui: Ui, home: Home, shot: Shot
) -> None:
    page.goto(f"{ui.address}/{LOCATION}/jobs/dedup_tracks/playground")
    page.get_by_text("dry_run").first.click()
    expect(page.get_by_text(re.compile("Count and show what would be done", re.IGNORECASE)).first).to_be_visible()
    shot("launchpad")
    page.get_by_role("button", name="Launch Run").click()
    page.wait_for_url("**/runs/**")

    expect(page.get_by_text("Success", exact=True).first).to_be_visible()
    page.get_by_text("[Show Markdown]").first.click()
    plan = page.get_by_role("dialog")
    expect(plan).to_contain_text("3")
    expect(plan).to_contain_text(re.compile("dry run", re.IGNORECASE))
    shot("dry-run")
    with home.warehouse().opened() as warehouse:
        assert warehouse.total_tracks(home.settings.takes_from).excess_rows == 3, "a dry run changes nothing"


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_status_page_renders(page: Page, ui: Ui, home: Home, shot: Shot, width: int, scheme: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 1_200})
    page.goto((home.path / PAGE_FILE).as_uri())

    expect(page.get_by_text("Broken").first).to_be_visible()
    expect(page.locator("svg").nth(1)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing is wider than the window"
    assert asked == [(home.path / PAGE_FILE).as_uri()], "the page loads nothing"
    shot(f"status-{scheme}")
