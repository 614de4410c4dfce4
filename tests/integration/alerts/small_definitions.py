"""A small code location with the real sensor: checks that pass or fail, a run, and a sensor, as files in a folder say.

Its folder is TRACKS_HOME; a file ``red`` names checks that fail, ``broken`` makes the run fail, ``tired`` the sensor.
"""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from tracks_assets.defs.alerts.sensor import alert_sensor
from tracks_assets.settings import read_settings

SETTINGS = read_settings()
HOME = SETTINGS.home
NAMES = [f"check_{number:02d}" for number in range(50)]


def _lines(name: str) -> list[str]:
    file = Path(HOME, name)
    return file.read_text(encoding="utf-8").split() if file.exists() else []


@dg.asset(
    key=["small", "table"],
    check_specs=[
        dg.AssetCheckSpec(name, asset=["small", "table"], description=f"The rule of {name}.") for name in NAMES
    ],
)
def table() -> Iterator[dg.MaterializeResult[None]]:
    if _lines("broken"):
        raise RuntimeError("the value bob@example.com cannot be stored")
    red = _lines("red")
    yield dg.MaterializeResult(
        check_results=[
            dg.AssetCheckResult(
                check_name=name,
                passed=name not in red,
                description="bob@example.com is wrong",
                metadata={"rows": 12, "finding": f"12 rows break {name}."},
            )
            for name in NAMES
        ]
    )


@dg.asset(deps=[table], key=["small", "report"])
def report() -> None:
    """What reads the table."""


@dg.sensor(minimum_interval_seconds=1, default_status=dg.DefaultSensorStatus.RUNNING)
def watches() -> dg.SkipReason:
    if _lines("tired"):
        raise RuntimeError("tired")
    return dg.SkipReason("nothing to do")


defs = dg.Definitions(
    assets=[table, report],
    sensors=[alert_sensor(SETTINGS, interval=2), watches],
    executor=dg.in_process_executor,
)
