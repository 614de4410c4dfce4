"""Retries of a step whose reason passes: a lock, the network, a quota, a transaction that was aborted.

Everything else fails at once: the same data fails again.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from tracks_assets.core.errors import TransientExportError, TransientWarehouseError
from tracks_assets.settings import Settings

PASSING = (TransientWarehouseError, TransientExportError)
"""The errors whose reason passes."""

PAUSES = (15.0, 60.0)
"""Seconds before the first and before every further retry."""


@contextmanager
def retried(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext, settings: Settings) -> Iterator[None]:
    """Lets Dagster repeat the step if the ``with`` block fails for a reason that passes.

    Raises:
        RetryRequested: while the settings allow another try.
    """
    step = context.op_execution_context
    try:
        yield
    except PASSING as error:
        if step.retry_number >= settings.step_retries:
            raise
        pause = PAUSES[min(step.retry_number, len(PAUSES) - 1)]
        context.log.warning(f"{error} The step is tried again in {pause:g} seconds.")
        raise dg.RetryRequested(max_retries=settings.step_retries, seconds_to_wait=pause) from error
