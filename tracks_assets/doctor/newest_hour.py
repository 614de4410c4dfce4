"""The newest hour of an export, found by its folders."""

import re
from datetime import UTC, datetime, timedelta

from tracks_assets.export.errors import ExportError
from tracks_assets.export.inventory import Export, exists
from tracks_assets.export.layout import EVENTS_FOLDER, HOUR
from tracks_assets.export.storage import filesystem_of
from tracks_assets.export.storage_errors import reaching

_HOUR_FOLDER = re.compile(r"(?P<day>\d{4}-\d\d-\d\d)/(?P<hour>\d\d)$")


def newest_hour(export: Export) -> datetime | None:
    """The start of the newest hour that has a folder; None where there is none.

    Raises:
        ExportError: the root is missing, or has no folder ``events``, or that has another layout.
    """
    filesystem, root = filesystem_of(export.uri)
    if not exists(filesystem, root, export.uri):
        raise ExportError(f"The export root {export.uri} does not exist: set TRACKS_EXPORT_URI to an existing one.")
    if not exists(filesystem, f"{root}/{EVENTS_FOLDER}", export.uri):
        raise ExportError(
            f"The export root {export.uri} has no folder 'events': set TRACKS_EXPORT_URI to the folder or bucket "
            f"prefix that holds the export's 'events' folder."
        )
    with reaching(export.uri):
        found = filesystem.glob(f"{root}/{EVENTS_FOLDER}/*/*")
    hours = [match for match in map(_HOUR_FOLDER.search, found) if match]
    if found and not hours:
        raise ExportError(
            f"The export root {export.uri} has no folder events/{{date}}/{{hour}}, such as events/2026-03-12/01, but "
            f"{found[0]!r}: let PostHog export with its default key prefix."
        )
    if not hours:
        return None
    named = max(datetime.fromisoformat(f"{hour['day']}T{hour['hour']}:00").replace(tzinfo=UTC) for hour in hours)
    return named - (HOUR if export.folder_hour == "end" else timedelta())
