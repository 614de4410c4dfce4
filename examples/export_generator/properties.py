"""Deliveries as the ten fields of PostHog's export, a column at a time.

The payload is joined from ready pieces of JSON: nothing is encoded per event, and text is copied, not built.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from examples.export_generator import catalogue
from examples.export_generator.deliveries import Kind, Rows
from examples.export_generator.ids import fixed_width_text, uuid7, uuid_text
from examples.export_generator.people import SESSION_MS, People

TIME = pa.timestamp("us", tz="UTC")
TEXT_FIELDS = ("uuid", "event", "properties", "distinct_id", "elements_chain", "person_id", "person_properties")
TIME_FIELDS = ("timestamp", "created_at", "_inserted_at")
SCHEMA = pa.schema([(name, pa.string()) for name in TEXT_FIELDS] + [(name, TIME) for name in TIME_FIELDS])

MALFORMED: list[tuple[str, Any]] = [
    ("uuid", None),
    ("properties", '{"$os":"iOS","$lib":"posthog-ios","$session'),
    ("timestamp", -86_400_000_000),  # 1969-12-31
    ("distinct_id", ""),
    ("properties", '[{"$os":"iOS"}]'),
    ("uuid", ""),
    ("timestamp", 4_294_967_295_000_000),  # 2106-02-07, the last second of 32 bits
    ("event", None),
    ("properties", '"null"'),
    ("timestamp", None),
    ("event", ""),
    ("distinct_id", None),
]

_EDIT = catalogue.text({"edited": True})
_BASE36 = np.frombuffer(b"0123456789abcdefghijklmnopqrstuvwxyz", np.uint8)
_FRACTIONS = pa.array([f"{ms / 1000:g}"[1:] for ms in range(1000)], pa.string())
_TOKENS = pa.array([f',"$lib_rate_limit_remaining_tokens":{n / 10 + 0.01:.2f}' for n in range(1000)], pa.string())


def record_batch(rows: Rows, everybody: People) -> pa.RecordBatch:
    """The rows as PostHog exports them; malformed ones have one field broken, see ``MALFORMED``."""
    person, detail = pa.array(rows["person"]), pa.array(rows["detail"])
    columns: dict[str, Any] = {
        "uuid": uuid_text(rows["id"]),
        "event": catalogue.names().take(pa.array(rows["name"])),
        "properties": _payload(rows, everybody),
        "distinct_id": everybody.distinct_id.take(person),
        "elements_chain": catalogue.elements_chains().take(detail),
        "person_id": everybody.person_id.take(person),
        "person_properties": everybody.person_properties.take(person),
        "timestamp": pa.array(rows["timestamp"], TIME),
        "created_at": pa.array(rows["created_at"], TIME),
        "_inserted_at": pa.array(rows["inserted_at"], TIME),
    }
    _break(columns, rows)
    return pa.RecordBatch.from_pydict(columns, schema=SCHEMA)


def _payload(rows: Rows, everybody: People) -> pa.StringArray:
    person = pa.array(rows["person"])
    pieces = [
        everybody.head.take(person),
        *_time(rows["event_ms"]),
        ',"$insert_id":"',
        fixed_width_text(_BASE36[rows["insert_id"]]),
        *_session(rows, everybody),
        *_place(rows, everybody),
        catalogue.details().take(pa.array(rows["detail"])),
        pc.if_else(pa.array(rows["kind"] == Kind.EDIT), _EDIT, ""),
        everybody.tail.take(person),
    ]
    joined: pa.StringArray = pc.binary_join_element_wise(*pieces, "")
    return joined


def _time(unix_ms: NDArray[np.int64]) -> list[Any]:
    """Seconds with up to three decimals, as JavaScript writes ``ms / 1000``."""
    seconds, ms = np.divmod(unix_ms, 1000)
    return [',"$time":', pa.array(seconds).cast(pa.string()), _FRACTIONS.take(pa.array(ms, pa.int64()))]


def _session(rows: Rows, everybody: People) -> list[Any]:
    """The person's session: half an hour each, so that it follows from person and time in whatever hour it is drawn."""
    phase = everybody.session_phase_ms[rows["person"]]
    number = (rows["event_ms"] - phase) // SESSION_MS
    own = everybody.own_session.take(pa.array(rows["person"]))
    own_number = pc.binary_join_element_wise(own, pa.array(number).cast(pa.string()), '"', "")
    session_id = uuid7(number * SESSION_MS + phase, _scattered(rows["person"], number))
    return ['","$session_id":"', uuid_text(session_id), '"', pc.if_else(pc.equal(own, pa.scalar("")), "", own_number)]


def _scattered(person: NDArray[np.int32], number: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Ten bytes that look random and are the same for the same person and session."""
    mixed = (person.astype(np.uint64) << np.uint64(32) | number.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(29)
    eight = mixed.view(np.uint8).reshape(-1, 8)
    return np.hstack([eight[:, 3:5], eight])


def _place(rows: Rows, everybody: People) -> list[Any]:
    on_mobile = pa.array(everybody.is_mobile[rows["person"]])
    place = pa.array(rows["place"])
    tokens = _TOKENS.take(pa.array(rows["tokens"]))
    where = pc.if_else(on_mobile, catalogue.places(mobile=True).take(place), catalogue.places(mobile=False).take(place))
    return [where, pc.if_else(on_mobile, "", tokens)]


def _break(columns: dict[str, Any], rows: Rows) -> None:
    malformed = rows["kind"] == Kind.MALFORMED
    for number in np.unique(rows["flaw"][malformed] % len(MALFORMED)):
        name, value = MALFORMED[number]
        hit = pa.array(malformed & (rows["flaw"] % len(MALFORMED) == number))
        columns[name] = pc.if_else(hit, pa.scalar(value, SCHEMA.field(name).type), columns[name])
