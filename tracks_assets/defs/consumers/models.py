"""The models of growth and of marketing, and the sensor that builds them when what they are made of is sound."""

from pathlib import Path

import dagster as dg

from tracks_assets.core.tables import GROWTH_SCHEMA, MARKETING_SCHEMA
from tracks_assets.defs.consumers.gate import refuse_damage, when_sound
from tracks_assets.defs.shared.view_asset import ViewModel, view_asset
from tracks_assets.settings import Settings
from tracks_assets.sources.mixpanel.tables import MP_EVENTS
from tracks_assets.warehouse.tables import GROWTH_EVENTS, INSTALLS_SUBSCRIBERS, TRACKS

SENSOR = "consumers"

GROWTH = ViewModel(
    GROWTH_EVENTS.name,
    GROWTH_EVENTS,
    TRACKS,
    ((MP_EVENTS, "event_name"), (MP_EVENTS, "app_version")),
    owners=("team:growth",),
    condition=when_sound(),
    guard=refuse_damage,
)

MARKETING = ViewModel(
    INSTALLS_SUBSCRIBERS.name,
    INSTALLS_SUBSCRIBERS,
    GROWTH_EVENTS,
    kind="table",
    tags={"marketing": ""},
    owners=("team:marketing",),
    condition=when_sound(),
    guard=refuse_damage,
)


def consumer_assets(settings: Settings, project: Path) -> list[dg.AssetsDefinition]:
    """The assets of growth and of marketing."""
    return [
        view_asset(settings, project, GROWTH, GROWTH_SCHEMA),
        view_asset(settings, project, MARKETING, MARKETING_SCHEMA),
    ]


def consumer_sensor(settings: Settings) -> dg.AutomationConditionSensorDefinition:
    """Builds consumers after their upstream: off unless TRACKS_AUTOMATION is on, or it is switched on in the UI."""
    return dg.AutomationConditionSensorDefinition(
        SENSOR,
        target=dg.AssetSelection.groups(GROWTH_SCHEMA, MARKETING_SCHEMA),
        default_status=dg.DefaultSensorStatus.RUNNING if settings.automation else dg.DefaultSensorStatus.STOPPED,
        description="Builds the models of growth and marketing when tracks is updated and sound (docs/consumers.md).",
    )
