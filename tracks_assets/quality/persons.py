"""The evaluation of person_distinct_ids: one row for each distinct_id, one team, and persons that events can find."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tracks_assets.quality.checks import CheckResult
from tracks_assets.quality.message import Message, Runbook, count_text, has_or_have, is_or_are
from tracks_assets.warehouse.base import Warehouse
from tracks_assets.warehouse.tables import PERSON_DISTINCT_IDS, TRACKS_BY_PERSON

SHOWN = 3
"""How many teams, mappings or persons a message names."""


@dataclass(frozen=True)
class Team:
    """A team of person_distinct_ids and its mappings, deleted ones included."""

    team_id: int
    mappings: int


@dataclass(frozen=True)
class Teams:
    """The teams of person_distinct_ids: their number, and a few of them, the wanted one and then the largest first."""

    number: int
    shown: tuple[Team, ...] = ()


@dataclass(frozen=True)
class DuplicateMapping:
    """A mapping that is stored more than once."""

    team_id: int
    distinct_id: str
    rows: int


@dataclass(frozen=True)
class DuplicateMappings:
    """How many mappings are stored more than once, and a few of them."""

    number: int = 0
    examples: tuple[DuplicateMapping, ...] = ()


@dataclass(frozen=True)
class CrowdedPerson:
    """A person and its current distinct_ids."""

    person_id: str
    distinct_ids: int


@dataclass(frozen=True)
class CrowdedPersons:
    """How many persons have more distinct_ids than a limit, and those with the most."""

    number: int = 0
    largest: tuple[CrowdedPerson, ...] = ()


@dataclass(frozen=True)
class UnmappedEvents:
    """Deliveries of some export hours, and those of them whose user has no current person."""

    deliveries: int
    unmapped: int

    @property
    def percent(self) -> float:
        """The share of the unmapped ones, in percent."""
        return 100 * self.unmapped / self.deliveries if self.deliveries else 0.0


def teams_of(warehouse: Warehouse, team_id: int | None) -> Teams:
    """Counts the teams, and looks for TRACKS_TEAM_ID among them; reads one column of person_distinct_ids."""
    rows = warehouse.fetch("mapping_teams", team_id=team_id, most=SHOWN)
    return Teams(_number(rows, "teams"), tuple(Team(row["team_id"], row["mappings"]) for row in rows))


def duplicate_mappings(warehouse: Warehouse) -> DuplicateMappings:
    """Counts duplicated mappings; reads the key columns of person_distinct_ids."""
    rows = warehouse.fetch("duplicate_mappings", most=SHOWN)
    examples = tuple(DuplicateMapping(row["team_id"], row["distinct_id"], row["row_count"]) for row in rows)
    return DuplicateMappings(_number(rows, "mappings"), examples)


def crowded_persons(warehouse: Warehouse, usual: int) -> CrowdedPersons:
    """Counts persons with more than ``usual`` distinct_ids; reads three columns of person_distinct_ids."""
    rows = warehouse.fetch("crowded_persons", {"usual": usual}, most=SHOWN)
    largest = tuple(CrowdedPerson(row["person_id"], row["distinct_ids"]) for row in rows)
    return CrowdedPersons(_number(rows, "persons"), largest)


def unmapped_events(warehouse: Warehouse, start: datetime, end: datetime, team_id: int | None) -> UnmappedEvents:
    """Counts the deliveries of the export hours in [start, end) and those without a current person.

    Reads one column of these hours of raw_tracks, and four columns of person_distinct_ids.
    """
    window = {"window_start": start, "window_end": end}
    (found,) = warehouse.fetch("unmapped_events", window, team_id=team_id)
    return UnmappedEvents(int(found["deliveries"]), int(found["unmapped"]))


def _number(rows: Sequence[dict[str, int]], name: str) -> int:
    """The number of all that a statement found, which each of the shown rows carries."""
    return rows[0][name] if rows else 0


def one_row_per_distinct_id(found: DuplicateMappings) -> CheckResult:
    """Check that no (team_id, distinct_id) is stored twice."""
    figures = {"duplicate_mappings": found.number}
    if not found.number:
        return CheckResult(True, Message("Every distinct_id of a team is stored once."), figures=figures)
    message = Message(
        f"{count_text(found.number, 'mapping')} {is_or_are(found.number)} duplicated.",
        f"{TRACKS_BY_PERSON} uses none of their rows, so these events have the person of their ingestion.",
        f"Find what else writes {PERSON_DISTINCT_IDS}, delete every row of these mappings, and run the hours that "
        f"delivered them again.",
        Runbook.PERSONS,
        " ".join(f"{each.distinct_id} of team {each.team_id} has {each.rows:,} rows." for each in found.examples),
    )
    return CheckResult(False, message, figures=figures)


def team_is_known(found: Teams, team_id: int | None) -> CheckResult:
    """Check that it is clear whose mappings the events have.

    Args:
        found: the teams that have mappings.
        team_id: TRACKS_TEAM_ID; None where it is not set.
    """
    figures = {"teams": found.number}
    setting = "not set" if team_id is None else f"{team_id}"
    if _is_clear(found, team_id):
        return CheckResult(True, Message("It is clear whose mappings are used.", _teams_text(found)), figures=figures)
    message = Message(
        f"TRACKS_TEAM_ID is {setting}, which names none of {count_text(found.number, 'team')}.",
        f"{TRACKS_BY_PERSON} uses no mapping, because events have no team. {_teams_text(found)}",
        "Set TRACKS_TEAM_ID to the PostHog project that the events are exported from, and run "
        "dg launch --assets key:posthog/tracks_by_person.",
        Runbook.PERSONS,
    )
    return CheckResult(False, message, figures=figures)


def _is_clear(found: Teams, team_id: int | None) -> bool:
    if team_id is None:
        return found.number <= 1
    return not found.number or found.shown[0].team_id == team_id


def _teams_text(found: Teams) -> str:
    shown = ", ".join(f"{each.team_id} with {count_text(each.mappings, 'mapping')}" for each in found.shown)
    more = ", and more" if found.number > len(found.shown) else ""
    return f"{PERSON_DISTINCT_IDS} has {shown or 'no team'}{more}."


def events_have_persons(hours: str, found: UnmappedEvents, warn_percent: float) -> CheckResult:
    """Check that most deliveries of some hours have a current person.

    Args:
        hours: the hours, as people name them.
        found: the counts.
        warn_percent: the largest share without one.
    """
    share = found.percent
    figures = {"rows_delivered": found.deliveries, "rows_unmapped": found.unmapped, "unmapped_percent": share}
    if not found.deliveries:
        message = Message(f"raw_tracks has no deliveries of {hours}, so none was looked up.")
        return CheckResult(True, message, "WARN", figures)
    counts = f"These are {found.unmapped:,} of {found.deliveries:,} deliveries"
    if share <= warn_percent:
        message = Message(f"{share:.3g} % of the deliveries of {hours} have no current person.", f"{counts}.")
        return CheckResult(True, message, "WARN", figures)
    message = Message(
        f"{share:.3g} % of the deliveries of {hours} have no current person.",
        f"{counts}, more than {warn_percent:g} %.",
        "Check that PostHog exports the persons of this project and that every hour since the first is merged. If most "
        "events are anonymous, raise TRACKS_PERSON_UNMAPPED_WARN_PERCENT.",
        Runbook.PERSONS,
    )
    return CheckResult(False, message, "WARN", figures)


def distinct_ids_per_person(found: CrowdedPersons, usual: int) -> CheckResult:
    """Check that no person has more than ``usual`` distinct_ids: that is a shared device, or a bug around identify."""
    figures = {"crowded_persons": found.number}
    if not found.number:
        message = Message(f"No person has more than {usual:,} distinct_ids.")
        return CheckResult(True, message, "WARN", figures)
    message = Message(
        f"{count_text(found.number, 'person')} {has_or_have(found.number)} more than {usual:,} distinct_ids.",
        f"The largest has {found.largest[0].distinct_ids:,}.",
        "Look at their devices in PostHog: a shared device needs a reset() at logout, and identify() must not get one "
        "fixed id for everybody.",
        Runbook.PERSONS,
        " ".join(f"{each.person_id} has {each.distinct_ids:,}." for each in found.largest),
    )
    return CheckResult(False, message, "WARN", figures, tuple(each.person_id for each in found.largest))
