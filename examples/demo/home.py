"""What the demo runs on: its size, its settings, and a home that holds nobody else's data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from examples.export_generator.plan import ExportPlan
from examples.mixpanel_generator.generate import MixpanelPlan
from tracks_assets.core.errors import WarehouseError
from tracks_assets.settings import EXPORT_START_FILE, PARTITION_FORMAT, Settings, read_settings
from tracks_assets.sources.mixpanel.tables import MP_MASTER_EVENT
from tracks_assets.sources.posthog.feeds import RAW_TRACKS
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.sources.posthog.persons import RAW_PERSONS
from tracks_assets.warehouse.connect import warehouse_of
from tracks_assets.warehouse.tables import TRACKS

_DAY = timedelta(days=1)

_MARK = "written-by-make-demo"

_COUNTED = (RAW_TRACKS, TRACKS, RAW_PERSONS, MP_MASTER_EVENT)
"""Their row counts change as soon as anyone loads data of their own, and not when an hour is run again."""


class DemoError(Exception):
    """The demo cannot go on; the message is one sentence for its reader."""


@dataclass(frozen=True)
class DemoPlan:
    """How much the demo shows.

    Attributes:
        hours: export hours of new events that one run takes to tracks.
        events_per_hour: new events of each.
        redelivered: old events that the hour after them delivers again.
        incident_rows: rows of the table that the old pipeline left, before its duplicates.
        mixpanel_days: days of Mixpanel's export.
        mixpanel_events: events that happen on each.
        mixpanel_duplicate_share: the share of Mixpanel's deliveries that come a second time.
    """

    hours: int = 8
    events_per_hour: int = 20_000
    redelivered: int = 400
    incident_rows: int = 50_000
    mixpanel_days: int = 4
    mixpanel_events: int = 20_000
    mixpanel_duplicate_share: float = 0.0011


@dataclass(frozen=True)
class Demo:
    """A demo: the settings of its home, and how much it shows."""

    settings: Settings
    plan: DemoPlan

    @property
    def hours(self) -> list[datetime]:
        """The export hours: those of new events, the one of re-deliveries, and the newest one."""
        return [self.settings.export_start + number * HOUR for number in range(self.plan.hours + 2)]

    @property
    def loaded_hours(self) -> list[datetime]:
        """The hours that one run takes to tracks."""
        return self.hours[:-2]

    @property
    def export(self) -> Path:
        """The root of PostHog's export."""
        return Path(self.settings.export_uri)

    @property
    def events(self) -> ExportPlan:
        """What the hours hold.

        Re-deliveries reach half a day back, to hours that were never exported here, and an event arrives within an
        hour. So each delivery is within a day of its event, and no event counts as moved.
        """
        return ExportPlan(
            events_per_hour=self.plan.events_per_hour,
            export_start=self.hours[0] - 12 * HOUR,
            longest_delay_hours=1,
        )

    @property
    def persons(self) -> ExportPlan:
        """The persons of these events; everybody is exported in the first hour."""
        return self.events.model_copy(update={"export_start": self.hours[0]})

    @property
    def days(self) -> list[datetime]:
        """The days of Mixpanel's export: the latest ones that are over."""
        today = self.hours[-1].replace(hour=0)
        return [today - number * _DAY for number in range(self.plan.mixpanel_days, 0, -1)]

    @property
    def mixpanel(self) -> MixpanelPlan:
        """What the days hold. Nothing was delivered before them, so the demo knows each duplicate's first delivery."""
        return MixpanelPlan(
            self.days[0],
            events_per_day=self.plan.mixpanel_events,
            duplicate_share=self.plan.mixpanel_duplicate_share,
            most_days_late=max(1, self.plan.mixpanel_days - 1),
        )


def demo_of(environment: Mapping[str, str], now: datetime, plan: DemoPlan) -> Demo:
    """The demo of a home: TRACKS_HOME is the user's, all else is the default, so that nothing real is touched.

    Its export starts so that its hours are the latest ones.
    """
    settings = read_settings({name: value for name, value in environment.items() if name == "TRACKS_HOME"})
    newest = now.replace(minute=0, second=0, microsecond=0) - HOUR
    start = newest - (plan.hours + 1) * HOUR
    return Demo(settings.model_copy(update={"export_start": start}), plan)


def claim_home(settings: Settings) -> None:
    """Makes ``TRACKS_HOME`` the demo's: an earlier demo's warehouse is removed, and the export's start is stored.

    Raises:
        DemoError: the home holds a warehouse that is not exactly what an earlier demo left.
    """
    mark, warehouse = settings.home / _MARK, settings.duckdb_path
    if warehouse.exists():
        if not mark.exists() or mark.read_text() != _state(settings):
            raise DemoError(
                f"{warehouse} holds more than a finished demo: name another folder, for instance make demo "
                f"TRACKS_HOME=.tracks-demo, or remove that file if you do not need it."
            )
        for old in warehouse.parent.glob(f"{warehouse.name}*"):
            old.unlink()
    settings.home.mkdir(parents=True, exist_ok=True)
    mark.write_text("")  # It is no finished demo until release_home says so.
    (settings.home / EXPORT_START_FILE).write_text(f"{settings.export_start:{PARTITION_FORMAT}}\n")


def release_home(settings: Settings) -> None:
    """Records what the demo left, so that another demo knows it again."""
    (settings.home / _MARK).write_text(_state(settings))


def _state(settings: Settings) -> str:
    try:
        with warehouse_of(settings, lock_wait=5).opened() as opened:
            return " ".join(f"{table} {opened.count_rows(table)}" for table in _COUNTED)
    except WarehouseError as error:
        raise DemoError(f"The demo cannot look into its warehouse: {error}") from error
