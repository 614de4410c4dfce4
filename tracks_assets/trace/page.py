"""The page on one event: Markdown that reads well as plain text, its result first, then its story in order of time."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from tracks_assets.trace.facts import (
    LONG_AGO,
    Before,
    Collided,
    Delivery,
    EventTrace,
    Refusal,
    Removed,
    Restored,
    Sighting,
    Squashed,
)
from tracks_assets.trace.result import advice, result
from tracks_assets.trace.times import moment_text


@dataclass(frozen=True)
class Step:
    """Something that happened to the event, or (without a moment) its current row."""

    moment: datetime | None
    what: str
    details: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """The step as an item of a list."""
        when = "now" if self.moment is None else moment_text(self.moment)
        return [f"- {when}: {self.what}", *(f"  - {detail}" for detail in self.details)]


def page(trace: EventTrace) -> str:
    """Everything known of an event."""
    to_do = advice(trace)
    lines = [f"# Event {code(trace.event_id)}", "", result(trace), ""]
    lines += [f"To do: {to_do}", ""] if to_do else []
    lines += [_id_line(trace), ""]
    if trace.is_known:
        lines += ["## In order of time (UTC)", "", *(line for step in steps(trace) for line in step.lines()), ""]
    if trace.before:
        lines += _before_lines(trace.before)
    return "\n".join(lines)


def _before_lines(before: Before) -> list[str]:
    """The rows of the event before the last thing that happened to it; its current rows end its story."""
    head = f"## As of {moment_text(before.moment)} UTC, before the last of it"
    if not before.stored:
        return [head, "", "It was not in posthog.tracks.", ""]
    copies = (
        replace(_copy_step(copy), moment=before.moment, what="was stored in posthog.tracks")
        for copy in sorted(before.stored, key=_copy_order)
    )
    return [head, "", *(line for step in copies for line in step.lines()), ""]


def steps(trace: EventTrace) -> list[Step]:
    """The history of an event in order of time, and at the end its current rows."""
    happened = sorted(_happened(trace), key=lambda step: (step.moment or LONG_AGO, step.what, step.details))
    return happened + [_copy_step(copy) for copy in sorted(trace.stored, key=_copy_order)]


def _collided_step(row: Collided) -> Step:
    hour = f"export hour {row.window_start:%Y-%m-%d-%H:%M}" if row.window_start else "the old pipeline"
    where = f"delivered by {hour}, and kept in posthog_ops.tracks_collisions"
    moment = row.event_inserted_at or row.window_start or row.bq_ingested_timestamp or LONG_AGO
    return Step(moment, "kept out of tracks: another event under this id", (where, *_sighting_details(row)))


def _happened(trace: EventTrace) -> Iterator[Step]:
    if trace.minted_at:
        yield Step(trace.minted_at, "the id was made")
    yield from map(_delivery_step, trace.deliveries)
    yield from map(_refusal_step, trace.refusals)
    yield from map(_legacy_step, trace.legacy)
    yield from map(_collided_step, trace.collisions)
    yield from map(_removed_step, trace.removed)
    yield from map(_restored_step, trace.restored)
    yield from map(_squashed_step, trace.squashed)


def _id_line(trace: EventTrace) -> str:
    if trace.minted_at is None:
        return "Its id is no UUIDv7: it carries no time."
    return f"Its id is a UUIDv7, made at {moment_text(trace.minted_at)} UTC."


def _delivery_step(delivery: Delivery) -> Step:
    where = f"export hour {delivery.window_start:%Y-%m-%d-%H:%M}, file {code(delivery.source_file)}"
    moment = delivery.event_inserted_at or delivery.window_start
    return Step(moment, "delivered", (where, *_sighting_details(delivery)))


def _refusal_step(refusal: Refusal) -> Step:
    where = f"export hour {refusal.window_start:%Y-%m-%d-%H:%M}, file {code(refusal.source_file)}"
    reason = f"row {refusal.row_number} (from 0) of the file, refused because {refusal.reason}"
    return Step(refusal.window_start, "delivered and refused", (where, reason))


def _legacy_step(row: Sighting) -> Step:
    moment = row.bq_ingested_timestamp or row.event_inserted_at or LONG_AGO
    return Step(moment, "taken by the old pipeline (posthog.backfill_tracks)", _sighting_details(row))


def _removed_step(removed: Removed) -> Step:
    what = "removed from tracks" if removed.is_in_force else "archived for a removal that is not in force"
    state = f"by {removed.repair_id} ({removed.state or 'no record of it'}), kept in posthog_ops.archived_duplicates"
    return Step(removed.removed_at, what, (state, *_sighting_details(removed)))


def _restored_step(restored: Restored) -> Step:
    what = "time restored in tracks" if restored.is_in_force else "time archived for a repair that is not in force"
    change = (
        f"created_at {moment_text(restored.created_at)} to {moment_text(restored.restored_created_at)}, "
        f"read from {restored.evidence}"
    )
    state = f"by {restored.repair_id} ({restored.state or 'no record of it'}), kept in posthog_ops.archived_times"
    return Step(restored.restored_at, what, (change, state))


def _squashed_step(squashed: Squashed) -> Step:
    persons = f"person {code(squashed.person_id)} to {code(squashed.squashed_person_id)}"
    change = f"{persons}, of user {code(squashed.user_id)}"
    state = f"by {squashed.squash_id} ({squashed.state or 'no record of it'}), kept in posthog_ops.archived_person_ids"
    return Step(squashed.squashed_at, "person written in tracks", (change, state))


def _copy_step(copy: Sighting) -> Step:
    return Step(None, "is stored in posthog.tracks", _sighting_details(copy))


def _copy_order(copy: Sighting) -> tuple[datetime, tuple[datetime, datetime]]:
    return copy.created_at or LONG_AGO, copy.order


def _sighting_details(sighting: Sighting) -> tuple[str, str]:
    return (
        f"created_at {moment_text(sighting.created_at)}, "
        f"event {code(sighting.event_name)}, user {code(sighting.user_id)}",
        f"event_inserted_at {moment_text(sighting.event_inserted_at)}, "
        f"bq_ingested_timestamp {moment_text(sighting.bq_ingested_timestamp)}",
    )


def code(value: str | None) -> str:
    """A value from the data as Markdown shows it to the letter; what would end the code or its line is replaced."""
    if value is None:
        return "null"
    printable = "".join(character if character.isprintable() else " " for character in value)
    return f"`{printable.replace('`', chr(39))}`"
