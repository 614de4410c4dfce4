"""The job ``trace_event``: the page on one event, for people who have the UI and no shell."""

import dagster as dg
from pydantic import Field

from tracks_assets.defs.shared.resources import WAREHOUSE_POOL, WarehouseResource
from tracks_assets.settings import Settings
from tracks_assets.trace.facts import check_event_id, fetch_trace
from tracks_assets.trace.page import page
from tracks_assets.trace.result import result


class TraceConfig(dg.Config):
    """Which event to show."""

    event_id: str = Field(min_length=1, description="The event's id, as in posthog.tracks (event_id).")


def trace_job(settings: Settings) -> dg.JobDefinition:
    """The job ``trace_event``; an id that was never seen is an answer, not a failure."""

    @dg.op(pool=WAREHOUSE_POOL, description="Reads everything known of one event and writes it as a page.")
    def trace(context: dg.OpExecutionContext, config: TraceConfig, warehouse: WarehouseResource) -> None:
        event_id = check_event_id(config.event_id)
        with warehouse.opened(context, "trace_event") as opened:
            found = fetch_trace(opened, event_id, settings.takes_from)
        context.log.info(page(found))
        context.add_output_metadata({"result": result(found), "page": dg.MetadataValue.md(page(found))})

    @dg.job(name="trace_event", description="Everything known of one event, in order of time, as one page.")
    def trace_event() -> None:
        trace()

    return trace_event
