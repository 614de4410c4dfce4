"""The result for one event in a sentence: how it came, whether it is stored, and whether its time was kept."""

from datetime import datetime, timedelta

from tracks_assets.trace.facts import LONG_AGO, EventTrace, Sighting
from tracks_assets.trace.times import counted, span_text, times_text

FAR = timedelta(hours=24)
"""A stored time this far from the id's own time is not the original, as the census counts it."""


def result(trace: EventTrace) -> str:
    """The sentence, for instance "One event, delivered 3 times, is stored once; its time was kept"."""
    if not trace.is_known:
        return "Never seen: no table of the warehouse holds this id."
    if not trace.stored and not trace.deliveries and not trace.legacy:
        return f"{_only_traces_left(trace)}."
    state = _stored(trace) if trace.stored else _missing(trace)
    return f"{_subject(trace)}, {_came(trace)}, {state}."


def _only_traces_left(trace: EventTrace) -> str:
    if trace.refusals and not trace.removed and not trace.restored:
        reasons = ", ".join(sorted({refusal.reason for refusal in trace.refusals}))
        return f"No event: refused {times_text(len(trace.refusals))} ({reasons}), so it is stored nowhere"
    return "Lost: only the archives of repairs hold this id, and tracks does not"


def _subject(trace: EventTrace) -> str:
    events = len(trace.identities)
    return "One event" if events == 1 else f"One id for {events:,} different events"


def _came(trace: EventTrace) -> str:
    ways = []
    if trace.legacy:
        ways.append("held by the old pipeline")
    if trace.deliveries:
        ways.append(f"delivered {times_text(len(trace.deliveries))}")
    if trace.refusals:
        ways.append(f"refused {times_text(len(trace.refusals))}")
    *before, last = ways or ["whose delivery is not on record"]
    return f"{', '.join(before)} and {last}" if before else last


def _missing(trace: EventTrace) -> str:
    if any(removed.is_in_force for removed in trace.removed):
        return "is lost: its copies were removed from tracks, and none is left"
    if trace.takeable:
        return "is not in tracks yet: its hour is still to be merged"
    if trace.legacy:
        return "is not in tracks yet: its legacy hour is still to be inserted"
    return (
        f"is not in tracks: it happened before the cutover ({trace.cutover:%Y-%m-%d}), from where on tracks takes "
        f"deliveries, and the old pipeline did not hold it"
    )


def _stored(trace: EventTrace) -> str:
    parts = [f"is stored {times_text(len(trace.stored))}{_how(trace)}", _time(trace)]
    if trace.waiting:
        waiting = len(trace.waiting)
        parts.append(f"{counted(waiting, 'newer delivery')} {'is' if waiting == 1 else 'are'} still to be merged")
    if trace.collisions:
        collided = len(trace.collisions)
        was = "was" if collided == 1 else "were"
        parts.append(f"{counted(collided, 'delivery')} of another event collided and {was} kept out")
    return "; ".join(parts)


def _how(trace: EventTrace) -> str:
    removed = sum(1 for each in trace.removed if each.is_in_force)
    since = f" since {counted(removed, 'copy')} went into the archive" if removed else ""
    if len(trace.stored) == 1:
        return since
    return f" ({_difference(trace)}){since}"


def _difference(trace: EventTrace) -> str:
    times = [copy.created_at or LONG_AGO for copy in trace.stored]
    if trace.contents == 1:
        return "exact copies"
    if LONG_AGO in times:
        return "not all of them with a time"
    apart = max(times) - min(times)
    return f"{span_text(apart)} apart" if apart else "at one time, with different contents"


def _time(trace: EventTrace) -> str:
    """What became of the event's time, over all of its copies."""
    error_text = {_time_of(trace, copy) for copy in trace.stored}
    if len(error_text) == 1:
        return error_text.pop()
    right = sum(1 for copy in trace.stored if _is_right(trace, copy))
    return f"{right:,} of its {len(trace.stored):,} copies {'has' if right == 1 else 'have'} its own time"


def _is_right(trace: EventTrace, copy: Sighting) -> bool:
    first = first_time(trace)
    if copy.created_at is None or _is_restored(trace, copy):
        return copy.created_at is not None
    if first is None and trace.minted_at is not None:
        return abs(copy.created_at - trace.minted_at) <= FAR
    return copy.created_at == first


def _is_restored(trace: EventTrace, copy: Sighting) -> bool:
    return any(each.is_in_force and each.restored_created_at == copy.created_at for each in trace.restored)


def _time_of(trace: EventTrace, copy: Sighting) -> str:
    if copy.created_at is None:
        return "it has no time"
    if _is_restored(trace, copy):
        return "its time was moved and is restored"
    first = first_time(trace)
    if first is None:
        return _time_by_id(trace, copy.created_at)
    if copy.created_at == first:
        return f"its time was kept{_though_far_from_id(trace, first)}"
    return f"its time was moved {_shift(copy.created_at, first)}"


def first_time(trace: EventTrace) -> datetime | None:
    """The event's time as its earliest known delivery has it; None where none is on record."""
    collided = {each.identity for each in trace.collisions} - {copy.identity for copy in trace.stored}
    known = [
        (sighting.event_inserted_at or LONG_AGO, sighting.created_at)
        for sighting in (*trace.deliveries, *trace.legacy, *trace.removed)
        if sighting.created_at and sighting.identity not in collided
    ]
    return min(known)[1] if known else None


def _time_by_id(trace: EventTrace, stored_at: datetime) -> str:
    if trace.minted_at is None:
        return "whether its time was kept is unknown"
    if abs(stored_at - trace.minted_at) <= FAR:
        return "its time agrees with its id"
    return f"its time is {_shift(stored_at, trace.minted_at)} than its id's"


def _though_far_from_id(trace: EventTrace, time: datetime) -> str:
    if trace.minted_at is None or abs(time - trace.minted_at) <= FAR:
        return ""
    return f", though it is {_shift(time, trace.minted_at)} than its id's"


def _shift(moment: datetime, origin: datetime) -> str:
    return f"{span_text(abs(moment - origin))} {'later' if moment > origin else 'earlier'}"


def advice(trace: EventTrace) -> str | None:
    """What is to be done about the event, in a sentence; None where nothing is."""
    if len({(copy.event_name, copy.user_id) for copy in trace.stored}) > 1:
        return "A dedup would lose one of these events and refuses: separate them by hand first."
    if len(trace.stored) > 1:
        return "dedup_tracks leaves the copy ingested last and archives the others."
    if trace.is_known and not trace.stored:
        return _advice_for_missing(trace)
    if trace.collisions:
        return (
            "Give one of the events an id of its own at its source, or delete its rows from "
            "posthog_ops.tracks_collisions once they are reviewed."
        )
    if trace.waiting:
        return f"Materialize {_hours(trace)} of posthog/tracks."
    return None


def _advice_for_missing(trace: EventTrace) -> str | None:
    if any(removed.is_in_force for removed in trace.removed):
        return "rollback_dedup gives the removed copies back."
    if trace.takeable:
        return f"Materialize {_hours(trace)} of posthog/tracks."
    return "Materialize its hour of posthog/tracks_legacy." if trace.legacy else None


def _hours(trace: EventTrace) -> str:
    hours = sorted({delivery.window_start for delivery in trace.waiting})
    return f"{'hour' if len(hours) == 1 else 'hours'} {', '.join(f'{hour:%Y-%m-%d-%H:%M}' for hour in hours)}"
