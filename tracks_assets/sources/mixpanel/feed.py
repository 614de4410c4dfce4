"""The feed of Mixpanel's events; a slice is a day."""

from tracks_assets.core.feed import Feed
from tracks_assets.sources.mixpanel.columns import MASTER_EVENT_COLUMNS, READ_FIELDS
from tracks_assets.sources.mixpanel.layout import DAY, FOLDER
from tracks_assets.sources.mixpanel.tables import MP_MASTER_EVENT, MP_PROCESSED_DAYS, MP_REFUSED_ROWS

MIXPANEL = Feed(
    "mp_export",
    FOLDER,
    READ_FIELDS,
    MP_MASTER_EVENT,
    MASTER_EVENT_COLUMNS,
    slice_column="window_start",
    slice_length=DAY,
    rejected=MP_REFUSED_ROWS,
    log=MP_PROCESSED_DAYS,
)
