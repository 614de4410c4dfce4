"""What long work says in the log: which hour or day is done, its share of the range, and how fast it went."""

from dataclasses import dataclass, field

from tracks_assets.settings import DAY_FORMAT, PARTITION_FORMAT
from tracks_assets.warehouse.results import HourLoad


@dataclass
class Progress:
    """Counts the hours of a range as they are done."""

    hours: int
    unit: str = "hour"
    done: int = field(default=0, init=False)

    def line(self, load: HourLoad, seconds: float) -> str:
        """The log line for an hour that has just been loaded."""
        self.done += 1
        return progress_line(load, seconds, self.done, self.hours, self.unit)


def progress_line(load: HourLoad, seconds: float, done: int, hours: int, unit: str = "hour") -> str:
    """For instance ``2026-03-12-01:00 loaded (2 of 8 hours, 25 %): 20,000 rows, 3 rejected, 41,000 rows/s``."""
    rate = load.read / seconds if seconds > 0 else 0.0
    key = load.hour.strftime(PARTITION_FORMAT if unit == "hour" else DAY_FORMAT)
    return (
        f"{key} loaded ({done} of {hours} {unit}s, {done / hours:.0%}): "
        f"{load.read:,} rows, {load.rejected:,} rejected, {rate:,.0f} rows/s"
    )
