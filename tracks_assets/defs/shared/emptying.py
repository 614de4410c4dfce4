"""The run config of the assets that replace an hour or a day by its files, which may be gone."""

import dagster as dg
from pydantic import Field


class EmptyingConfig(dg.Config):
    """Run config of the assets that load a feed, such as ``posthog/raw_tracks`` and ``posthog/backfill_tracks``."""

    allow_emptying: bool = Field(
        default=False,
        description="Empty an hour that has rows when its files are gone or hold no rows. By default, the run fails "
        "and the rows stay.",
    )


class LoadConfig(EmptyingConfig):
    """Run config of the assets that load a feed's hours or days."""

    resume: bool = Field(
        default=False,
        description="Skip what is loaded already from the same files, by names, sizes and versions. By default, "
        "everything in the range is loaded again. Only for a feed whose loads have a fingerprint: Mixpanel's.",
    )
