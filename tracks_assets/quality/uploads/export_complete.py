"""Which export hours are complete, which runs follow, and which uploads are late: decided from plain data.

An hour is complete when its manifest and all its parts are there, or when its files have not changed for a while. An
hour without files is complete, and empty, when the timeout has passed and a later hour has files (docs/automation.md).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from tracks_assets.quality.uploads.state import (
    NOTHING,
    Decision,
    Facts,
    HourState,
    Lateness,
    Listing,
    Outcome,
    Progress,
    Request,
    Result,
    Rules,
    Seen,
    State,
)
from tracks_assets.settings import PARTITION_FORMAT
from tracks_assets.sources.posthog.layout import HOUR

HOURS_A_RUN = 744
"""The most hours that one run loads, and that are open at a time: a month."""

MOST_HOURS = 2 * HOURS_A_RUN
"""The most hours that are remembered. Above it, the oldest that could not be loaded are forgotten."""

RUNS_A_LOOK = 4
"""The most runs that one look requests, where the complete hours do not adjoin."""

PAUSES = (timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))
"""The pauses after the first, the second and every further run in a row that failed for a reason that passes."""

_NOTHING_YET = Listing(NOTHING)


def begin(start: datetime, oldest: datetime | None, now: datetime) -> State:
    """The state before the first look.

    Args:
        start: the first hour that may be loaded.
        oldest: the oldest hour with files; hours before it are not taken for empty ones.
        now: the time.
    """
    until = max(start, oldest) if oldest else start
    return State(until=until, late_until=until, checked=now)


def hours_to_admit(state: State, newest: datetime | None, now: datetime) -> list[datetime]:
    """The hours that the next decision takes up, the oldest first: as many as one run loads.

    Hours after the newest one with files are not taken up: nothing is known of them.
    """
    if newest is None:
        return []
    # Hours of a range that could not be loaded are tried in ever smaller ranges; new hours do not wait for that.
    unsettled = sum(entry.loaded is None and not _is_stuck(entry) and not entry.most for entry in state.hours.values())
    room = min(HOURS_A_RUN - unsettled, MOST_HOURS - len(state.hours))
    last = min(newest, _last_ended(now))
    return _hours(state.until, min(last, state.until + HOUR * (room - 1)))


def decide(state: State, facts: Facts, rules: Rules, now: datetime) -> Decision:
    """The decision that follows from a look at the export and at the runs.

    Args:
        state: the state after the look before.
        facts: what this look found.
        rules: when an upload is complete or late.
        now: the time.
    """
    admitted = hours_to_admit(state, facts.newest, now)
    entries, notes = dict(state.hours), []
    for hour in admitted:
        entry = _first_look(hour, facts, rules, now)
        if entry is not None:
            entries[hour] = entry
    ranges = _range_sizes(entries.values())
    for hour, entry in entries.items():
        evaluated = _after_runs(hour, entry, facts, ranges, now)
        entries[hour], note = _after_listing(hour, evaluated, facts.listings.get(hour, _NOTHING_YET).seen, rules, now)
        notes += [note] if note else []

    until = max([state.until, *(hour + HOUR for hour in admitted)])
    complete = {hour for hour, entry in entries.items() if _is_complete(hour, entry, facts, rules, now)}
    ready = [hour for hour in sorted(complete) if _is_wanted(hour, entries[hour], facts, now)]
    is_waiting = any(entry.request for entry in entries.values())
    requests = () if is_waiting else _requests(ready, entries, state.requests)
    for request in requests:
        for hour in _hours(request.first, request.last):
            entries[hour] = replace(entries[hour], asked=entries[hour].seen, request=request.key)

    late = {hour for hour, entry in entries.items() if _is_late(hour, entry, hour in complete, rules, now)}
    lateness = _lateness(late, entries, max(until, _after(facts.newest, until)), rules, now)
    is_new = _is_new(state, late, entries, lateness)
    late_until = max(state.late_until, _after(lateness.last, until)) if is_new else state.late_until
    entries = {hour: replace(entry, is_late=hour in late) for hour, entry in entries.items()}
    kept, forgotten = _kept(entries, rules, now)
    return Decision(
        state=State(
            until=until,
            late_until=late_until,
            checked=now,
            is_alarmed=lateness.hours > 0,
            requests=state.requests + len(requests),
            hours=kept,
        ),
        requests=requests,
        lateness=lateness,
        is_reported=is_new or (state.is_alarmed and not lateness.hours),
        notes=(*notes, *forgotten),
        waiting=tuple(hour for hour, entry in kept.items() if entry.loaded is None and hour not in complete),
    )


def _first_look(hour: datetime, facts: Facts, rules: Rules, now: datetime) -> HourState | None:
    """The state of an hour that is taken up; None if it was loaded long ago and is not watched any more."""
    seen = facts.listings.get(hour, _NOTHING_YET).seen
    loaded_at = facts.already.get(hour)
    if loaded_at is None:
        written = datetime.fromtimestamp(seen.newest / 1000, UTC)
        return HourState(since=min(written, now) if rules.trust_modified and seen.files else now, seen=seen)
    if now >= hour + HOUR + rules.watched:
        return None
    is_older = seen.newest <= loaded_at.timestamp() * 1000
    return HourState(since=now, seen=seen, loaded=seen if is_older else NOTHING)


def _after_runs(hour: datetime, entry: HourState, facts: Facts, ranges: Mapping[str, int], now: datetime) -> HourState:
    """The state of an hour after the runs that have ended since the last look."""
    if entry.request is not None:
        result = facts.results.get(entry.request, Result(Outcome.MISSING, now))
        return _after_run(entry, result, ranges[entry.request])
    started = facts.by_hand.get(hour)
    if started is not None and started >= entry.since:
        return _loaded(entry, entry.seen)
    return entry


def _after_run(entry: HourState, result: Result, hours: int) -> HourState:
    """The state of an hour after the run that was requested for it.

    A range that cannot be loaded is halved until the hour that is at fault is alone.
    """
    idle = replace(entry, request=None, asked=None)
    match result.outcome:
        case Outcome.LOADED:
            return _loaded(idle, entry.asked or NOTHING)
        case Outcome.FAILED_PASSING:
            failures = entry.failures + 1
            return replace(idle, failures=failures, not_before=result.at + PAUSES[min(failures, len(PAUSES)) - 1])
        case Outcome.FAILED if hours > 1:
            return replace(idle, most=(hours + 1) // 2 if entry.asked == entry.seen else 0)
        case Outcome.FAILED | Outcome.CANCELED:
            return replace(idle, held=(entry.asked or NOTHING).digest)
        case Outcome.MISSING:
            # Somebody deleted it, or switched the sensor off while it was being started.
            return idle
        case _:
            return entry


def _loaded(entry: HourState, listing: Seen) -> HourState:
    return replace(entry, loaded=listing, failures=0, not_before=None, held=None, most=0)


def _after_listing(
    hour: datetime, entry: HourState, seen: Seen, rules: Rules, now: datetime
) -> tuple[HourState, str | None]:
    """The state of an hour after a look at its files, and a line for the log where files are gone."""
    if seen == entry.seen:
        return entry, None
    changed = replace(entry, seen=seen, since=now)
    if seen.has_news(entry.seen):
        return replace(changed, lost_files=False, most=0), None
    gone = entry.seen.files - seen.files
    was_emptied = entry.loaded is None and seen == NOTHING
    note = f"{hour:{PARTITION_FORMAT}}: {gone:,} of {entry.seen.files:,} files were deleted; no run starts for that."
    return replace(changed, lost_files=was_emptied or not rules.allow_delete), note


def _is_complete(hour: datetime, entry: HourState, facts: Facts, rules: Rules, now: datetime) -> bool:
    if entry.lost_files:
        return False
    if not entry.seen.files:
        has_later = facts.newest is not None and facts.newest > hour
        return has_later and now >= hour + HOUR + rules.timeout
    match facts.listings[hour].progress:
        # After a load, the manifest of the first upload is still there while the files are replaced one by one.
        case Progress.FINISHED if entry.loaded is None:
            return True
        case Progress.UNFINISHED:
            return False
        case Progress.FINISHED:
            return now - entry.since >= rules.inactivity_period
        case Progress.UNKNOWN:
            return entry.seen.files >= rules.min_objects and now - entry.since >= rules.inactivity_period


def _is_wanted(hour: datetime, entry: HourState, facts: Facts, now: datetime) -> bool:
    """Whether a complete hour is to be loaded now."""
    if entry.request is not None or hour in facts.busy or entry.held == entry.seen.digest:
        return False
    if entry.not_before is not None and now < entry.not_before:
        return False
    return entry.loaded is None or entry.seen.has_news(entry.loaded)


def _is_late(hour: datetime, entry: HourState, is_complete: bool, rules: Rules, now: datetime) -> bool:
    """Whether an hour has never been complete although its time is over, or has lost files."""
    if entry.lost_files:
        return True
    was_loaded = entry.loaded is not None or entry.request is not None
    has_failed = entry.held is not None or entry.failures > 0 or entry.most > 0
    return not (was_loaded or has_failed or is_complete) and now >= hour + HOUR + rules.timeout


def _requests(ready: Sequence[datetime], entries: Mapping[datetime, HourState], before: int) -> tuple[Request, ...]:
    """The runs for the hours that are ready: one for each range of adjoining hours.

    Hours of a range that could not be loaded come last and by themselves, so that no other hour waits for them.
    """
    ranges: list[list[datetime]] = []
    for hour in ready:
        last, most = ranges[-1] if ranges else [], entries[hour].most
        if last and hour == last[-1] + HOUR and most == entries[last[-1]].most and len(last) < (most or HOURS_A_RUN):
            last.append(hour)
        else:
            ranges.append([hour])
    ranges.sort(key=lambda hours: (entries[hours[0]].most > 0, hours[0]))
    return tuple(
        Request(_key(hours, entries, before + number), hours[0], hours[-1])
        for number, hours in enumerate(ranges[:RUNS_A_LOOK], start=1)
    )


def _key(hours: Sequence[datetime], entries: Mapping[datetime, HourState], number: int) -> str:
    """The key of a run: the same for the same request of the same state, so that a repeated look starts it once."""
    files = blake2b("".join(entries[hour].seen.digest for hour in hours).encode(), digest_size=4).hexdigest()
    first, last = (f"{hour:{PARTITION_FORMAT}}" for hour in (hours[0], hours[-1]))
    return f"{first}...{last}/{files}/{number}"


def _lateness(
    late: set[datetime],
    entries: Mapping[datetime, HourState],
    unknown: datetime,
    rules: Rules,
    now: datetime,
) -> Lateness:
    """The hours that are late now.

    Args:
        late: the late hours that have a state.
        entries: the hours that have a state.
        unknown: the first hour without a state; no hour from there on has files.
        rules: when an upload is late.
        now: the time.
    """
    over = _hours_between(unknown, now - rules.timeout - HOUR)
    ends = [*late, *([unknown, unknown + HOUR * (over - 1)] if over else [])]
    if not ends:
        return Lateness()
    return Lateness(len(late) + over, min(ends), max(ends), _reason(min(ends), entries.get(min(ends)), rules))


def _is_new(state: State, late: set[datetime], entries: Mapping[datetime, HourState], lateness: Lateness) -> bool:
    """Whether an hour is late that has not been reported."""
    known = {hour for hour in late if entries[hour].is_late or state.until <= hour < state.late_until}
    last = lateness.last
    return late > known or (last is not None and last not in late and last >= state.late_until)


def _reason(hour: datetime, entry: HourState | None, rules: Rules) -> str:
    first = f"{hour:{PARTITION_FORMAT}}"
    if entry is None or (not entry.seen.files and not entry.lost_files):
        return f"{first} has no files, and no later hour has any."
    if entry.lost_files:
        return f"Files of {first} were deleted."
    if entry.seen.files < rules.min_objects:
        return f"{first} has {entry.seen.files:,} files, and at least {rules.min_objects:,} are expected."
    return f"The files of {first} are still changing, or its manifest or one of its parts is missing."


def _kept(
    entries: Mapping[datetime, HourState], rules: Rules, now: datetime
) -> tuple[dict[datetime, HourState], list[str]]:
    """The hours to remember, and a line for each that is forgotten without having been loaded."""
    kept = {hour: entries[hour] for hour in sorted(entries) if not _is_done(hour, entries[hour], rules, now)}
    surplus = len(kept) - MOST_HOURS + HOURS_A_RUN // 2
    stuck = [hour for hour, entry in kept.items() if _is_stuck(entry)]
    forgotten = stuck[: max(surplus, 0)]
    notes = [f"{hour:{PARTITION_FORMAT}} could not be loaded and is not looked at any more." for hour in forgotten]
    return {hour: entry for hour, entry in kept.items() if hour not in set(forgotten)}, notes


def _is_done(hour: datetime, entry: HourState, rules: Rules, now: datetime) -> bool:
    """Whether an hour is loaded and need not be watched any more."""
    if entry.loaded is None or entry.request is not None or entry.seen.has_news(entry.loaded):
        return False
    return now >= hour + HOUR + rules.watched


def _is_stuck(entry: HourState) -> bool:
    """Whether an hour was never loaded, and cannot be until its files change."""
    return entry.loaded is None and entry.request is None and (entry.held is not None or entry.is_late)


def _range_sizes(entries: Iterable[HourState]) -> dict[str, int]:
    """How many hours each requested run loads, by its key."""
    sizes: dict[str, int] = {}
    for entry in entries:
        if entry.request is not None:
            sizes[entry.request] = sizes.get(entry.request, 0) + 1
    return sizes


def _last_ended(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0) - HOUR


def _after(hour: datetime | None, otherwise: datetime) -> datetime:
    return hour + HOUR if hour is not None else otherwise


def _hours_between(start: datetime, end: datetime) -> int:
    """How many hours start in [start, end]."""
    return max((end - start) // HOUR + 1, 0)


def _hours(first: datetime, last: datetime) -> list[datetime]:
    return [first + HOUR * number for number in range(_hours_between(first, last))]
