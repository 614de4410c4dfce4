"""One look at an export: the listings of the hours that are open or watched, a day at a time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from tracks_assets.quality.uploads.state import HourState, Listing, Progress, Seen
from tracks_assets.sources.posthog.inventory import Export
from tracks_assets.sources.posthog.layout import hour_interval, is_manifest, parse_manifest_name
from tracks_assets.sources.posthog.upload import Upload
from tracks_assets.storage.filesystem import at_once

_MOST_EMPTY_DAYS = 31


@dataclass
class Look:
    """The listings of one look; no folder is listed twice.

    Attributes:
        export: the export.
    """

    export: Export
    _uploads: dict[str, Mapping[datetime, Upload]] = field(default_factory=dict, init=False)

    @cached_property
    def days(self) -> list[str]:
        """The days that have a folder, in order.

        Raises:
            ExportError: the export cannot be listed.
        """
        return self.export.upload_days()

    @cached_property
    def newest(self) -> datetime | None:
        """The newest export hour with files; None if the newest days have none.

        Raises:
            ExportError: the export cannot be listed.
        """
        return next((max(found) for found in map(self._day, self.days[: -_MOST_EMPTY_DAYS - 1 : -1]) if found), None)

    def oldest(self, start: datetime) -> datetime | None:
        """The oldest export hour with files that is not before ``start``; None if the first days have none.

        Raises:
            ExportError: the export cannot be listed.
        """
        days = [day for day in self.days if day >= self.export.upload_day(start)]
        later = ([hour for hour in self._day(day) if hour >= start] for day in days[:_MOST_EMPTY_DAYS])
        return next((min(hours) for hours in later if hours), None)

    def listings(self, hours: Iterable[datetime], known: Mapping[datetime, HourState]) -> dict[datetime, Listing]:
        """The listings of those of the hours that have files.

        Args:
            hours: the hours to look at.
            known: the state of the hours; the manifest of a listing that was loaded is not read again.

        Raises:
            ExportError: a folder cannot be listed.
        """
        wanted = set(hours)
        existing = set(self.days)
        days = sorted({day for day in map(self.export.upload_day, wanted) if day in existing} - self._uploads.keys())
        self._uploads.update(zip(days, at_once(self.export.uploads, days), strict=True))
        found = {hour: upload for uploads in self._uploads.values() for hour, upload in uploads.items()}
        return {
            hour: Listing(seen_of(found[hour]), self._progress(hour, found[hour], known.get(hour)))
            for hour in sorted(wanted & found.keys())
        }

    def _day(self, day: str) -> Mapping[datetime, Upload]:
        if day not in self._uploads:
            self._uploads[day] = self.export.uploads(day)
        return self._uploads[day]

    def _progress(self, hour: datetime, upload: Upload, known: HourState | None) -> Progress:
        if known is not None and upload.digest in (known.loaded and known.loaded.digest, known.held):
            return Progress.UNKNOWN
        manifests = [file.name for file in upload.files if is_manifest(file.name)]
        if not manifests:
            return Progress.UNFINISHED if upload.has_parts else Progress.UNKNOWN
        # The load says what is wrong with a manifest that is another hour's, or one of two.
        if upload.manifest is None or parse_manifest_name(upload.manifest) != hour_interval(hour):
            return Progress.UNKNOWN
        missing = self.export.missing_parts(upload)
        if missing is None:
            return Progress.UNKNOWN
        return Progress.UNFINISHED if missing else Progress.FINISHED


def seen_of(upload: Upload) -> Seen:
    """An upload in short."""
    return Seen(len(upload.files), upload.digest, int(upload.newest.timestamp() * 1000))
