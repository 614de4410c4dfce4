"""What an example export is asked to be: its seed, its size and its share of disturbances.

Everything that is generated follows from a plan and an hour alone. So an hour comes out the same whether it is
written by itself, after others or in another process, and an earlier hour can be drawn again to re-deliver from it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

SLICE_EVENTS = 16_384

Share = Annotated[float, Field(ge=0, le=0.1)]


class ExportPlan(BaseModel):
    """How an example export is generated; shares are deliveries added per new event, so 0.001 is 0.1 %."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(default=0, ge=0, le=2**32 - 1, description="the same seed gives the same bytes")
    events_per_hour: int = Field(
        default=25_000, ge=1, le=20_000_000, description="new, well-formed events an hour; the shares come on top"
    )
    files_per_hour: int = Field(
        default=4, ge=1, le=100, description="Parquet files an hour; more than 1 gives -{n} parts and a manifest"
    )
    people: int = Field(default=10_000, ge=1, le=200_000, description="people who use the app")
    redelivery_share: Share = Field(
        default=0.001, description="share of old events delivered again with a re-stamped timestamp"
    )
    repeat_share: Share = Field(
        default=0.001, description="share of events that are duplicated in their hour, identical"
    )
    edit_share: Share = Field(
        default=0.0005, description="share of events sent again with other properties, the time kept"
    )
    malformed_share: Share = Field(default=0.0002, description="share of rows that break the contract")
    longest_delay_hours: int = Field(
        default=72, ge=1, le=720, description="the longest time from an event to its arrival"
    )
    export_start: AwareDatetime = Field(
        default=datetime(2026, 3, 12, tzinfo=UTC),
        description="first hour of the whole export; later hours re-deliver events since then, this one older events",
    )


@dataclass(frozen=True)
class Slice:
    """A share of an hour's events: the unit that is drawn, rendered and held in memory at once."""

    hour: datetime
    number: int
    of: int
    events: int

    def added(self, share: float) -> range:
        """The hour's running numbers of the deliveries that ``share`` adds to this slice.

        Counting through the whole hour keeps small shares exact: 0.0002 of 25,000 events is 5, not 0 per slice.
        """
        return range(round(share * self._before(self.number)), round(share * self._before(self.number + 1)))

    @property
    def new_events(self) -> int:
        """How many of the hour's new events this slice holds."""
        return self._before(self.number + 1) - self._before(self.number)

    def _before(self, number: int) -> int:
        return self.events * number // self.of


def slices(hour: datetime, plan: ExportPlan) -> Iterator[Slice]:
    """The slices of an hour in order of insert time, equally many for each of its files."""
    per_file = -(-plan.events_per_hour // (SLICE_EVENTS * plan.files_per_hour))
    count = min(per_file * plan.files_per_hour, plan.events_per_hour)
    return (Slice(hour, number, count, plan.events_per_hour) for number in range(count))
