"""What it costs to ask events for their current person, in four ways to store which person a distinct_id belongs to.

Run with ``make benchmark-persons``. All ways are built from one history in one file, and must give the same answers.
Each works in a process of its own under the same memory limit, and answers two questions: events by person, and
different persons by day. Ways are compared by CPU seconds, which other work on the machine changes less than wall time.

The ways are a table of signs that collapses (a mapping that ends has a row with -1), argMax over all versions, the
latest row of each distinct_id (the view tracks_by_person), and the current person written onto the event. The latest
row is also joined without the view's guard, which leaves a mapping out that is stored twice.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.measure import RUNS, median_seconds, own_peak_bytes
from tracks_assets.warehouse.statements import dialect

MILLION = 1_000_000
MEMORY_LIMIT = "12GB"
"""Enough for every way, so that none spills to disk."""

COLLAPSING, ARG_MAX = "signs, sum(sign) > 0", "argMax(version)"
LATEST, UNGUARDED, ON_EVENT = "latest row", "the same, unguarded", "on the event"
WAYS = (COLLAPSING, ARG_MAX, LATEST, UNGUARDED, ON_EVENT)

BUILD = """
    create table history as
    with mappings as (
        select
            number,
            md5('user ' || number)::uuid::varchar as distinct_id,
            hash(number) % 100 < {merged_percent} as is_merged,
            hash(number, 'deleted') % 1000 < {deleted_permille} as is_deleted
        from range({mappings}) as numbers (number)
    )
    select
        1::bigint as team_id,
        distinct_id,
        version,
        md5(case when version = 0 then 'person ' || number else 'merged ' || number // 4 end)
            ::uuid::varchar as person_id,
        is_deleted and version = is_merged::bigint as is_deleted,
        version = is_merged::bigint as is_latest
    from mappings, range(2) as versions (version)
    where version = 0 or is_merged;

    create table signs as
    select team_id, distinct_id, person_id, 1::tinyint as sign from history
    union all
    select team_id, distinct_id, person_id, -1::tinyint from history where is_deleted or not is_latest;

    create table versions as select team_id, distinct_id, person_id, version, is_deleted from history;

    create table person_distinct_ids as
    select team_id, distinct_id, person_id, version, is_deleted from history where is_latest;

    drop table history;

    create table ingested as
    select
        timestamptz '2026-03-01 00:00:00+00' + to_seconds(hash(number, 'time') % (30 * 86400)) as created_at,
        md5('user ' || (power(hash(number, 'user') % 1000000007 / 1000000007, 2) * {mappings} * 1.05)::bigint)
            ::uuid::varchar as user_id,
        md5('ingested ' || number // 3)::uuid::varchar as person_id
    from range({events}) as numbers (number);

    create table events as
    select ingested.*, coalesce(mappings.person_id, ingested.person_id) as current_person_id
    from ingested
    left join person_distinct_ids as mappings
        on ingested.user_id = mappings.distinct_id and not mappings.is_deleted;

    drop table ingested;
"""

CURRENT: Mapping[str, str] = {
    COLLAPSING: """
        select distinct_id, person_id from signs
        where team_id = 1 group by distinct_id, person_id having sum(sign) > 0
    """,
    ARG_MAX: """
        select distinct_id, arg_max(person_id, version) as person_id from versions
        where team_id = 1 group by distinct_id having not arg_max(is_deleted, version)
    """,
    LATEST: dialect("duckdb").current_persons("person_distinct_ids", "1"),
    UNGUARDED: "select distinct_id, person_id from person_distinct_ids where team_id = 1 and not is_deleted",
}
"""The current mappings, by the way in which they are stored."""

JOINED = """
    select events.created_at, coalesce(current_persons.person_id, events.person_id) as person_id
    from events
    left join ({current}) as current_persons on events.user_id = current_persons.distinct_id
"""

QUESTIONS: Mapping[str, str] = {
    "events by person": """
        select count(*), sum(events), max(events), sum(hash(person_id, events)::hugeint)
        from (select person_id, count(*) as events from ({by_person}) group by person_id)
    """,
    "persons by day": """
        select date_trunc('day', created_at) as day, count(distinct person_id) as persons
        from ({by_person}) group by day order by day
    """,
}


@dataclass(frozen=True)
class Cost:
    """What a way took: median wall and CPU seconds of each question, and the peak memory of its process in bytes."""

    seconds: Mapping[str, float]
    cpu_seconds: Mapping[str, float]
    peak_bytes: int
    answers: Sequence[str]

    @property
    def total(self) -> float:
        """The CPU seconds of all questions."""
        return sum(self.cpu_seconds.values())


def by_person(way: str) -> str:
    """The events with their current person, in a way of storing it."""
    if way == ON_EVENT:
        return "select created_at, current_person_id as person_id from events"
    return JOINED.format(current=CURRENT[way])


def build(file: Path, mappings: int, events: int, merged_percent: int) -> None:
    """Makes the tables of all ways."""
    with opened(file) as connection:
        connection.execute(
            BUILD.format(mappings=mappings, events=events, merged_percent=merged_percent, deleted_permille=10)
        )


def opened(file: Path, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """The file with the tables of all ways."""
    connection = duckdb.connect(
        str(file), read_only=read_only, config={"memory_limit": MEMORY_LIMIT, "preserve_insertion_order": False}
    )
    connection.execute("set timezone = 'UTC'")
    return connection


def answer_questions(way: str, file: Path, runs: int) -> None:
    """Asks one way all questions, each once to warm up, and prints what it took as JSON."""
    seconds, cpu_seconds, answers = {}, {}, []
    with opened(file, read_only=True) as connection:
        for name, question in QUESTIONS.items():
            ask = _asking(connection, question.format(by_person=by_person(way)))
            answers.append(str(ask()))
            seconds[name], cpu_seconds[name] = _medians(ask, runs)
    figures = {"seconds": seconds, "cpu_seconds": cpu_seconds, "answers": answers}
    print(json.dumps({**figures, "peak_bytes": own_peak_bytes()}))


def _medians(ask: Callable[[], object], runs: int) -> tuple[float, float]:
    """The median wall and CPU seconds of a question."""
    used: list[float] = []

    def timed() -> None:
        before = time.process_time()
        ask()
        used.append(time.process_time() - before)

    return median_seconds(timed, runs), statistics.median(used)


def _asking(connection: duckdb.DuckDBPyConnection, text: str) -> Callable[[], object]:
    return lambda: connection.execute(text).fetchall()


def measure(way: str, file: Path, runs: int) -> Cost:
    """Runs one way in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.persons", "--runs", f"{runs}", "--one", way, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Cost(**json.loads(done.stdout))


def compare(file: Path, runs: int) -> dict[str, Cost]:
    """Measures every way and prints what it cost.

    Raises:
        RuntimeError: two ways gave different answers.
    """
    costs = {}
    for way in WAYS:
        cost = costs[way] = measure(way, file, runs)
        if cost.answers != costs[COLLAPSING].answers:
            raise RuntimeError(f"{way} has other answers than {COLLAPSING}.")
        times = "   ".join(
            f"{name} {seconds:6.2f} s ({cost.cpu_seconds[name]:6.2f} CPU)" for name, seconds in cost.seconds.items()
        )
        faster = costs[COLLAPSING].total / cost.total
        print(f"    {way:22} {times}   memory {cost.peak_bytes / 1e9:5.2f} GB   {faster:4.1f} x", flush=True)
    return costs


def main(arguments: Sequence[str] | None = None) -> None:
    """Builds the tables and measures every way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mappings", type=float, default=10, help="millions of mappings")
    parser.add_argument("--events", type=float, default=16, help="millions of events")
    parser.add_argument("--merged-percent", type=int, default=50, help="mappings that moved to another person once")
    parser.add_argument("--runs", type=int, default=RUNS, help="timed runs of each question")
    parser.add_argument("--one", nargs=2, metavar=("WAY", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one:
        way, file = options.one
        answer_questions(way, Path(file), options.runs)
        return
    mappings, events = (round(millions * MILLION) for millions in (options.mappings, options.events))
    print(f"{mappings:,} mappings ({options.merged_percent} % moved once, 1 % deleted), {events:,} events", flush=True)
    with tempfile.TemporaryDirectory(prefix="tracks-benchmark-") as folder:
        built = Path(folder) / "built.duckdb"
        build(built, mappings, events, options.merged_percent)
        compare(built, options.runs)


if __name__ == "__main__":
    main()
