"""Everything that the status page rests on, as frozen values: who renders a page reads nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracks_assets.quality.census import Census
from tracks_assets.quality.freshness import Limits
from tracks_assets.quality.state import State
from tracks_assets.sources.posthog.layout import HOUR
from tracks_assets.status_page.incidents import Alerts
from tracks_assets.status_page.redeliveries import Redeliveries


@dataclass(frozen=True)
class LoggedHour:
    """One export hour as the logs have it; what was never recorded is None.

    Attributes:
        window_start: the start of the hour.
        loaded_at: the loader's stamp of its newest load.
        files: its files.
        rows_read: rows in the files.
        rows_accepted: rows in raw_tracks.
        rows_rejected: rows in rejected_tracks.
        load_milliseconds: how long the load took.
        load_bytes_billed: bytes billed for it.
        merged_at: when it was merged last.
        rows_inserted: events that all of its merges brought to tracks.
        rows_collided: deliveries that its newest merge put into tracks_collisions.
        rows_before_cutover: deliveries that its newest merge left out.
        merge_milliseconds: how long the newest merge took.
        merge_bytes_billed: bytes billed for it.
    """

    window_start: datetime
    loaded_at: datetime | None = None
    files: int | None = None
    rows_read: int | None = None
    rows_accepted: int | None = None
    rows_rejected: int | None = None
    load_milliseconds: int | None = None
    load_bytes_billed: int | None = None
    merged_at: datetime | None = None
    rows_inserted: int | None = None
    rows_collided: int | None = None
    rows_before_cutover: int | None = None
    merge_milliseconds: int | None = None
    merge_bytes_billed: int | None = None

    @property
    def redeliveries(self) -> int | None:
        """Deliveries of an event that was delivered before; None until the hour is loaded and merged."""
        if self.rows_accepted is None or self.rows_inserted is None:
            return None
        kept_out = (self.rows_collided or 0) + (self.rows_before_cutover or 0)
        return max(0, self.rows_accepted - self.rows_inserted - kept_out)

    @property
    def rejected_percent(self) -> float:
        """The share of the rows that the contract refused, in percent."""
        return 100 * (self.rows_rejected or 0) / self.rows_read if self.rows_read else 0.0

    @property
    def loaded_after(self) -> timedelta | None:
        """From the end of the hour to its newest load."""
        return None if self.loaded_at is None else self.loaded_at - self.window_start - HOUR

    @property
    def seconds(self) -> float | None:
        """What its newest load and merge took; None where neither was recorded."""
        total = _sum(self.load_milliseconds, self.merge_milliseconds)
        return None if total is None else total / 1000

    @property
    def bytes_billed(self) -> int | None:
        """What was billed for its newest load and merge; None on an engine that bills nothing."""
        return _sum(self.load_bytes_billed, self.merge_bytes_billed)


def _sum(*numbers: int | None) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


@dataclass(frozen=True)
class LoadDelay:
    """When an export hour was loaded first."""

    window_start: datetime
    first_loaded_at: datetime

    @property
    def delay(self) -> timedelta:
        """From the end of the hour to its first load."""
        return self.first_loaded_at - self.window_start - HOUR


@dataclass(frozen=True)
class RefusedReason:
    """A reason for which the contract refused rows, and the export hours that delivered them."""

    reason: str
    refused_rows: int
    first_hour: datetime
    last_hour: datetime


@dataclass(frozen=True)
class StatusFacts:
    """What the page shows.

    Attributes:
        written_at: when the facts were read.
        engine: ``duckdb`` or ``bigquery``.
        rejected_warn_percent: above this share of refused rows, an hour is marked.
        limits: the ages of the newest load above which raw_tracks is stale.
        state: the state of posthog.tracks.
        censuses: the record of censuses, the oldest first.
        hours: every export hour of the last days, the oldest first; an hour without a load has no numbers.
        delays: when the hours of the last weeks were loaded first, the oldest first.
        redeliveries: what PostHog exported again.
        refused: why rows were refused.
        collided_ids: ids in posthog_ops.tracks_collisions.
        alerts: the open incidents, and how alerts are.
    """

    written_at: datetime
    engine: str
    rejected_warn_percent: float
    limits: Limits
    state: State
    censuses: Sequence[Census]
    hours: Sequence[LoggedHour]
    delays: Sequence[LoadDelay]
    redeliveries: Redeliveries
    refused: Sequence[RefusedReason]
    collided_ids: int
    alerts: Alerts

    @property
    def newest_load(self) -> datetime | None:
        """The stamp of the newest load: by the log or, for a table that is older than the log, by the census."""
        logged = [hour.loaded_at for hour in self.hours if hour.loaded_at]
        logged += [delay.first_loaded_at for delay in self.delays]
        counted = [census.newest_ingested_timestamp for census in self.censuses if census.newest_ingested_timestamp]
        return max(logged or counted, default=None)
