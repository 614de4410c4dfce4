"""The contract of one delivery: which exported rows are events, and the value of each of their columns.

``RawPostHogEvent`` is the reference, made to be read and tested row by row. The loader runs it only for the rows that
are too large or too doubtful for SQL: ``transform.compile`` states the same in SQL, and a property test holds the two
together.

A row that breaks the contract has one reason, the first of ``Reason`` that applies.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from tracks_assets.core.columns import Column, ColumnType, Family, FileField, Property
from tracks_assets.core.strict_json import (
    InvalidJsonError,
    Json,
    JsonObject,
    NumberRangeError,
    json_text,
    parse_json,
    repair_surrogates,
)
from tracks_assets.sources.posthog.columns import TRACK_COLUMNS

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)

INTEGERS = range(-(2**63), 2**63)
"""The integers that an INT64 column holds."""

MOMENT = (
    r"[12]\d{3}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?"
    r"(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)"
)
"""The texts that a TIMESTAMP column takes, as a regular expression of both Python and DuckDB."""

_MOMENT = re.compile(MOMENT, re.ASCII)


class Reason(StrEnum):
    """Why a row is refused, in the order in which the contract looks."""

    NO_ID = "uuid is null or empty"
    NO_NAME = "event is null or empty"
    NO_USER = "distinct_id is null or empty"
    NO_TIME = "timestamp is null"
    TIME_OUT_OF_RANGE = "timestamp is outside 2000-01-01 to 2100-01-01"
    NOT_AN_OBJECT = "properties is not a JSON object"
    NUMBER_OUT_OF_RANGE = "properties holds a number outside the range of a double"


def _refusal(reason: Reason) -> PydanticCustomError:
    return PydanticCustomError("contract", "{reason}", {"reason": reason.value})


def _text(reason: Reason) -> BeforeValidator:
    def check(value: str | None) -> str:
        if not value:
            raise _refusal(reason)
        return value

    return BeforeValidator(check)


def _check_time(value: datetime | None) -> datetime:
    if value is None:
        raise _refusal(Reason.NO_TIME)
    if not EARLIEST <= value <= LATEST:
        raise _refusal(Reason.TIME_OUT_OF_RANGE)
    return value


class Payload(BaseModel):
    """The properties of an event.

    Attributes:
        text: as delivered, with U+FFFD for each half of a surrogate pair.
        values: the object that it holds.
        repaired: whether the text differs from the delivered one.
    """

    model_config = ConfigDict(frozen=True)

    text: str
    values: dict[str, Any]
    repaired: bool = False


def _check_payload(text: str | None) -> Payload | None:
    if text is None:
        return None
    repaired = repair_surrogates(text)
    try:
        value = parse_json(repaired)
    except NumberRangeError:
        raise _refusal(Reason.NUMBER_OUT_OF_RANGE if _opens_an_object(text) else Reason.NOT_AN_OBJECT) from None
    except InvalidJsonError:
        raise _refusal(Reason.NOT_AN_OBJECT) from None
    if not isinstance(value, JsonObject):
        raise _refusal(Reason.NOT_AN_OBJECT)
    return Payload(text=repaired, values=value.first_of_each_key(), repaired=repaired != text)


def _opens_an_object(text: str) -> bool:
    return text.lstrip(" \t\n\r").startswith("{")


@dataclass(frozen=True)
class Track:
    """The row of an event.

    Attributes:
        values: the value of each column but the loader's stamps; JSON columns as JSON text.
        repaired: whether half a surrogate pair was replaced in it.
        unfitting: values that do not fit their column's type, which are null.
    """

    values: dict[str, Any]
    repaired: bool
    unfitting: int


class RawPostHogEvent(BaseModel):
    """One delivery of one event, as PostHog's export writes it; the fields are checked in the order of ``Reason``."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    uuid: Annotated[str, _text(Reason.NO_ID)] = Field(default="", validate_default=True)
    event: Annotated[str, _text(Reason.NO_NAME)] = Field(default="", validate_default=True)
    distinct_id: Annotated[str, _text(Reason.NO_USER)] = Field(default="", validate_default=True)
    timestamp: Annotated[datetime, BeforeValidator(_check_time)]
    properties: Annotated[Payload | None, BeforeValidator(_check_payload)] = None
    person_id: str | None = None
    inserted_at: datetime | None = Field(default=None, validation_alias=AliasChoices("_inserted_at", "inserted_at"))
    delivered: Mapping[str, Any]
    """The row as it was delivered: a column may be made of any field of it."""

    @model_validator(mode="before")
    @classmethod
    def _keep(cls, row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "delivered": row}

    def track(self, columns: Sequence[Column] = TRACK_COLUMNS) -> dict[str, Any]:
        """The event's row for the columns, all but the loader's stamps; JSON columns as JSON text."""
        return self.extract(columns).values

    def extract(self, columns: Sequence[Column] = TRACK_COLUMNS) -> Track:
        """The event's row for the columns, and what was changed to fit them."""
        values: dict[str, Any] = {}
        repaired, unfitting = self.properties is not None and self.properties.repaired, 0
        for column in columns:
            match column.source:
                case FileField(names=("properties",)):
                    values[column.name] = self.properties.text if self.properties else None
                case FileField(names=names):
                    value = next((self.delivered[name] for name in names if self.delivered.get(name) is not None), None)
                    fitting = _json_field(value) if column.type is ColumnType.JSON else value
                    unfitting += value is not None and fitting is None
                    repaired |= fitting is not None and fitting != value
                    values[column.name] = fitting
                case Property() | Family() as source:
                    found = _find(self.properties.values if self.properties else {}, source)
                    fitting = None if found is None else _as_type(found, column.type)
                    unfitting += found is not None and fitting is None
                    values[column.name] = fitting
        return Track(values, repaired, unfitting)


def validate(row: Mapping[str, Any]) -> RawPostHogEvent | Reason:
    """The event in an exported row, or the reason why it is refused."""
    fields = dict(row)
    if fields.get("_inserted_at") is None:
        fields.pop("_inserted_at", None)
    try:
        return RawPostHogEvent.model_validate(fields)
    except ValidationError as error:
        return Reason(error.errors()[0]["msg"])


def _find(values: Mapping[str, Json], source: Property | Family) -> Json:
    """The value of a column in the payload; None where it has none, or JSON's null."""
    if isinstance(source, Property):
        return next((values[key] for key in source.keys if values.get(key) is not None), None)
    members = {key: value for key, value in values.items() if key.startswith(source.prefix)}
    if not members:
        return None
    cut = len(source.prefix) if source.cut_prefix else 0
    return JsonObject((key[cut:], value) for key, value in members.items())


def _as_type(value: Json, type_: ColumnType) -> Any:
    """A value as its column holds it; None where it does not fit."""
    match type_:
        case ColumnType.STRING:
            return value if isinstance(value, str) else json_text(value)
        case ColumnType.JSON:
            return json_text(value)
        case ColumnType.INT64:
            return value if type(value) is int and value in INTEGERS else None
        case ColumnType.FLOAT64:
            return float(value) if type(value) in (int, float) else None  # type: ignore[arg-type]
        case ColumnType.BOOL:
            return value if isinstance(value, bool) else None
        case ColumnType.TIMESTAMP:
            return _moment(value) if isinstance(value, str) else None


def _moment(text: str) -> datetime | None:
    if not _MOMENT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return None


def _json_field(text: str | None) -> str | None:
    """The text of a field that holds JSON, repaired as a payload is; None where it is no JSON."""
    if text is None:
        return None
    repaired = repair_surrogates(text)
    try:
        parse_json(repaired)
    except InvalidJsonError:
        return None
    return repaired
