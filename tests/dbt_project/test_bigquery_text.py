"""The merge as BigQuery is sent it, rendered without a connection: dbt's macros, with what dbt would hand them stubbed.

The embedded engine runs the same macros in every other test; what can differ is their text.
"""

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jinja2 import Environment, StrictUndefined, Template, pass_context
from jinja2.runtime import Context, Macro

from benchmarks.bigquery_cost import PLAN_READS
from tracks_assets.core.columns import ColumnType
from tracks_assets.warehouse.dbt_properties import DBT_PROJECT
from tracks_assets.warehouse.tables import (
    CONTENT_FINGERPRINTS,
    PERSON_DISTINCT_IDS,
    TRACKS,
    TRACKS_BY_PERSON,
    TRACKS_LIVE,
)

with warnings.catch_warnings():
    # An older tokenizer of sqlglot's, which another package brings along, warns when it is imported.
    warnings.simplefilter("ignore")
    import sqlglot
    from sqlglot import exp

GOLDEN = Path(__file__).with_name("merge_bigquery.sql")
WINDOW = {
    "TRACKS_CUTOVER": "2026-03-04",
    "TRACKS_WINDOW_START": "2026-03-12T10:00:00+00:00",
    "TRACKS_WINDOW_END": "2026-03-12T11:00:00+00:00",
}
# What is no macro is dbt's own block, which only dbt reads.
MACROS = "".join(
    path.read_text(encoding="utf-8")
    for path in sorted((DBT_PROJECT / "macros").rglob("*.sql"))
    if path.name != "materialization.sql"
)
NOT_GOOGLE = re.compile(r"\bexclude\b|::|\btimestamptz\b", re.IGNORECASE)


class Returned(Exception):  # noqa: N818 (it is how dbt's `return` leaves a macro, no error)
    """A macro's value."""

    def __init__(self, value: object) -> None:
        self.value = value


class DbtContext(Context):
    """Calls macros as dbt does: what a macro returns is its value, and else its text."""

    def call(self, called: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Calls a macro or a function."""
        if not isinstance(called, Macro):
            return super().call(called, *args, **kwargs)
        try:
            return super().call(called, *args, **kwargs)
        except Returned as returned:
            return returned.value


class DbtEnvironment(Environment):
    """Jinja as dbt sets it up."""

    context_class = DbtContext


def refuse(reason: str) -> None:
    """dbt's ``exceptions.raise_compiler_error``."""
    raise AssertionError(reason)


def give_back(value: object) -> None:
    """dbt's ``return``."""
    raise Returned(value)


@pass_context
def dispatch(context: Context, name: str, package: str | None = None) -> Any:
    """dbt's ``adapter.dispatch`` on BigQuery."""
    return context.vars[f"bigquery__{name}"]


class Relation(str):
    """A table as dbt's ``source`` gives it."""

    __slots__ = ()

    def render(self) -> str:
        """Its name, whatever ``--empty`` makes of it."""
        return str(self)


def source(schema: str, table: str) -> Relation:
    """dbt's ``source``."""
    return Relation(f"`project`.`{schema}`.`{table}`")


@dataclass(frozen=True)
class Model:
    """A model: its file, its table and the table's columns with dbt's types."""

    file: Path
    table: str
    columns: dict[str, str]

    @property
    def text(self) -> str:
        """The model's own text."""
        return self.file.read_text(encoding="utf-8")


TRACKS_MODEL = Model(
    DBT_PROJECT / "models" / "marts" / "posthog_tracks.sql",
    "`project`.`posthog`.`tracks`",
    {column.name: column.type.lower() for column in TRACKS.columns},
)

PERSONS_MODEL = Model(
    DBT_PROJECT / "models" / "marts" / "posthog_person_distinct_ids.sql",
    "`project`.`posthog`.`person_distinct_ids`",
    {column.name: column.type.lower() for column in PERSON_DISTINCT_IDS.columns},
)

BY_PERSON_MODEL = Model(
    DBT_PROJECT / "models" / "marts" / "posthog_tracks_by_person.sql",
    "`project`.`posthog`.`tracks_by_person`",
    {column.name: column.type.lower() for column in TRACKS_BY_PERSON.columns},
)

LIVE_MODEL = Model(
    DBT_PROJECT / "models" / "marts" / "posthog_tracks_live.sql",
    "`project`.`posthog`.`tracks_live`",
    {column.name: column.type.lower() for column in TRACKS_LIVE.columns},
)

MODELS = (TRACKS_MODEL, PERSONS_MODEL, BY_PERSON_MODEL, LIVE_MODEL)


def ref(name: str) -> Relation:
    """dbt's ``ref``."""
    return Relation(next(model.table for model in MODELS if model.file.stem == name))


class Config(dict[str, Any]):
    """dbt's ``config``: it keeps what a model sets."""

    def __call__(self, **settings: object) -> str:
        """A model's own call."""
        self.update(settings)
        return ""


@cache
def compiled(template: str) -> Template:
    """A template with the project's macros before it."""
    environment = DbtEnvironment(extensions=["jinja2.ext.do"], undefined=StrictUndefined)
    return environment.from_string(MACROS + template)


def rendered(template: str, variables: dict[str, str], is_merge: bool = True, model: Model = TRACKS_MODEL) -> str:
    """The text of a template that may use the project's macros, as dbt hands them to a model."""
    context = {
        "adapter": SimpleNamespace(dispatch=dispatch),
        "config": Config(),
        "env_var": variables.get,
        "exceptions": SimpleNamespace(raise_compiler_error=refuse),
        "execute": True,
        "flags": SimpleNamespace(EMPTY=False),
        "invocation_id": "invocation",
        "is_incremental": lambda: is_merge,
        "load_relation": lambda _: SimpleNamespace(type="table") if is_merge else None,
        "model": SimpleNamespace(
            columns={name: SimpleNamespace(data_type=data_type) for name, data_type in model.columns.items()}
        ),
        "modules": SimpleNamespace(re=re),
        "project_name": "tracks",
        "ref": ref,
        "return": give_back,
        "should_full_refresh": lambda: False,
        "source": source,
        "target": SimpleNamespace(type="bigquery", schema="posthog"),
        "this": model.table,
        "var": {"overlap_hours": 72}.get,
    }
    if model is LIVE_MODEL:
        compiled(TRACKS_MODEL.text).render(context)
        context["graph"] = {"nodes": {"model.tracks.posthog_tracks": tracks_node(context["config"])}}
    # The model first, because it hands dbt the settings that macros ask for.
    compiled(model.text).render(context)
    return compiled(template).render(context).strip()


def tracks_node(config: Any) -> SimpleNamespace:
    """The model tracks as dbt's graph has it, with what it has set."""
    columns = {name: SimpleNamespace(data_type=data_type) for name, data_type in TRACKS_MODEL.columns.items()}
    return SimpleNamespace(config=SimpleNamespace(meta=config["meta"]), columns=columns)


def plan_text(variables: dict[str, str], is_merge: bool = True, model: Model = TRACKS_MODEL) -> str:
    """The model as dbt compiles it."""
    return rendered(model.text, variables, is_merge, model)


def merge_script(plan: str = "select 1 as plan", model: Model = TRACKS_MODEL) -> str:
    """The script of a merge, as the materialization sends it."""
    return rendered(
        "{{ merge_script(configured_merge(), this, '" + plan.replace("'", "\\'") + "') }}", WINDOW, model=model
    )


def tidy(text: str) -> str:
    """The text without the blank lines and trailing spaces that macros leave."""
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines() if line.strip())


def statements_of(script: str) -> list[str]:
    """The statements of a script, in order."""
    return [text.strip() for text in script.split(";") if text.strip()]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.file.stem)
@pytest.mark.parametrize(("variables", "is_merge"), [(WINDOW, True), ({}, True), (WINDOW, False), ({}, False)], ids=str)
def test_the_model_is_one_query_of_googles_sql(variables: dict[str, str], is_merge: bool, model: Model) -> None:
    """As a plan and as the rows themselves, with a window and without."""
    text = plan_text(variables, is_merge, model)
    (query,) = sqlglot.parse(text, dialect="bigquery")
    assert isinstance(query, exp.Select)
    assert NOT_GOOGLE.findall(text) == []


def reads_of(text: str, table: str) -> list[set[str]]:
    """The columns of a table that a query reads, for each place where it is named."""
    places = [found for found in sqlglot.parse_one(text, dialect="bigquery").find_all(exp.Table) if found.name == table]
    selects = [found.find_ancestor(exp.Select) for found in places]
    return [
        {column.name for column in select.find_all(exp.Column) if column.table in ("", found.alias_or_name)}
        for found, select in zip(places, selects, strict=True)
        if select
    ]


def test_the_plan_reads_keys_of_tracks_and_one_number_of_each_content() -> None:
    """A payload is most of a row's bytes, and BigQuery bills by the column: the model of its bill counts the same."""
    assert reads_of(plan_text(WINDOW), "tracks") == [set(PLAN_READS)]
    assert reads_of(plan_text(WINDOW), "content_fingerprints") == [
        {column.name for column in CONTENT_FINGERPRINTS.columns}
    ]


def test_a_bare_build_takes_its_window_from_the_watermark() -> None:
    """In Google's own words for a moment less some hours."""
    assert "timestamp_add(max(bq_ingested_timestamp), interval -72 hour)" in plan_text({})
    assert "timestamp_add" not in plan_text(WINDOW)


def test_the_merge_is_one_transaction() -> None:
    """The plan is made inside it, and nothing is changed outside of it."""
    kinds = [re.sub(r"\s+", " ", text)[:24] for text in statements_of(merge_script())]
    assert kinds == [
        "declare identity_days ar",
        "declare content_days arr",
        "declare time_days array<",
        "declare settle_days arra",
        "declare settle_hours arr",
        "begin transaction",
        "merge into `project`.`po",
        "create or replace temp t",
        "set identity_days = ( se",
        "update merge_plan set me",
        "create or replace temp t",
        "insert into `project`.`p",
        "insert into `project`.`p",
        "insert into `project`.`p",
        "set content_days = ( sel",
        "set time_days = ( select",
        "update `project`.`postho",
        "update `project`.`postho",
        "if exists (select 1 from",
        "set settle_hours = ( sel",
        *["create or replace temp t"] * 7,
        "if exists (select 1 from",
        "delete from `project`.`p",
        "end if",
        "delete from `project`.`p",
        "insert into `project`.`p",
        "insert into `project`.`p",
        "delete from `project`.`p",
        "insert into `project`.`p",
        "update merge_plan set me",
        "end if",
        "insert into `project`.`p",
        "commit transaction",
    ]


def test_an_update_prunes_partitions_by_a_variable() -> None:
    """A join prunes none, and what is not pruned is billed whole."""
    updates = [text for text in statements_of(merge_script()) if text.startswith("update `")]
    pruned = re.compile(r"and \(?timestamp_trunc\(stored\.created_at, day\) in unnest\((\w+)\)(.*)$")
    assert [pruned.findall(text) for text in updates] == [
        [("content_days", " or stored.created_at is null)")],
        [("time_days", "")],
    ]


def test_a_collision_reads_and_writes_its_own_days_only() -> None:
    """Of tracks, the days of the ids that may collide, and those of the ids that do; of raw_tracks, their hours."""
    texts = statements_of(merge_script())
    of_tracks = [text for text in texts if re.search(r"(delete from|from) `project`.`posthog`.`tracks`", text)]
    days = [re.findall(r"timestamp_trunc\([\w.]*created_at, day\) in unnest\((\w+)\)", text) for text in of_tracks]
    assert days == [["identity_days"], ["settle_days"], ["settle_days"]]
    (known,) = [text for text in texts if "temp table known_deliveries" in text]
    assert "and window_start in unnest(settle_hours)" in known


def test_the_merge_matches_ids_over_the_whole_table() -> None:
    """No partition is named where the plan looks for ids, so a re-delivery finds its event however old it is."""
    (known,) = re.findall(r"from `project`.`posthog`.`tracks` as stored\s(.*?)\n\),", plan_text(WINDOW), re.DOTALL)
    joined, stamps = known.split("left join last_repeats")
    assert joined.strip() == "inner join last_deliveries on stored.event_id = last_deliveries.event_id"
    assert "where" not in stamps


def test_the_script_is_in_googles_own_words() -> None:
    assert NOT_GOOGLE.findall(merge_script()) == []


def test_a_content_is_a_number_of_all_columns_but_the_time() -> None:
    """And of which JSON is absent, for its text is that of JSON's null."""
    text = rendered("{{ content_fingerprint(configured_merge()) }}", {})
    (named,) = re.findall(r"^farm_fingerprint\(to_json_string\(struct\((.*)\)\)\)$", text)
    columns = [column for column in TRACKS.columns if column.name != "created_at"]
    absent = [f"{column.name} is null" for column in columns if column.type is ColumnType.JSON]
    assert named.split(", ") == [column.name for column in columns] + absent


def test_the_merge_is_this_text() -> None:
    """Word for word; after a change that is meant, the file takes the text that this shows."""
    assert tidy(merge_script()) == GOLDEN.read_text(encoding="utf-8")


def test_the_live_view_reads_no_payload_to_find_what_is_new() -> None:
    """The comparison names ids, stamps and identities; BigQuery reads a payload only for a query that asks for it."""
    reads = reads_of(plan_text({}, model=LIVE_MODEL), "tracks")
    keys = {*PLAN_READS, "event_name", "user_id"}
    assert keys in reads


def test_the_live_view_prunes_hours_by_the_current_time() -> None:
    """A constant for BigQuery, where a subquery would prune nothing."""
    bound = "window_start >= timestamp_add(current_timestamp, interval -48 hour)"
    text = plan_text({"TRACKS_LIVE_HOURS": "48"}, model=LIVE_MODEL)
    assert text.count(bound) == len(reads_of(text, "raw_tracks")) > 0
    assert bound not in plan_text({}, model=LIVE_MODEL)
