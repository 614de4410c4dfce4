"""The contract of one delivery: which exported rows are events, and what each column of theirs holds.

``RawPostHogEvent`` is the reference, made to be read and tested row by row. The loader does not run it for every
row: ``events.transform`` says the same in SQL, and a property test holds the two together.

A row that breaks the contract has one reason, the first of ``Reason`` that applies.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic import Field as ModelField
from pydantic_core import PydanticCustomError

from tracks_assets.events.columns import TRACK_COLUMNS, ColumnType, Family, Property
from tracks_assets.events.strict_json import InvalidJsonError, Json, JsonObject, json_text, parse_json

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)


class Reason(StrEnum):
    """Why a row is refused, in the order in which the contract looks."""

    NO_ID = "uuid is null or empty"
    NO_NAME = "event is null or empty"
    NO_USER = "distinct_id is null or empty"
    NO_TIME = "timestamp is null"
    TIME_OUT_OF_RANGE = "timestamp is outside 2000-01-01 to 2100-01-01"
    NOT_AN_OBJECT = "properties is not a JSON object"


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
    """The properties of an event: the text as delivered and the object it holds."""

    model_config = ConfigDict(frozen=True)

    text: str
    values: dict[str, Any]


def _check_payload(text: str | None) -> Payload | None:
    if text is None:
        return None
    try:
        value = parse_json(text)
    except InvalidJsonError:
        raise _refusal(Reason.NOT_AN_OBJECT) from None
    if not isinstance(value, JsonObject):
        raise _refusal(Reason.NOT_AN_OBJECT)
    return Payload(text=text, values=value.first_of_each_key())


class RawPostHogEvent(BaseModel):
    """One delivery of one event, as PostHog's export writes it; the fields are checked in the order of ``Reason``."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    uuid: Annotated[str, _text(Reason.NO_ID)] = ModelField(default="", validate_default=True)
    event: Annotated[str, _text(Reason.NO_NAME)] = ModelField(default="", validate_default=True)
    distinct_id: Annotated[str, _text(Reason.NO_USER)] = ModelField(default="", validate_default=True)
    timestamp: Annotated[datetime, BeforeValidator(_check_time)]
    properties: Annotated[Payload | None, BeforeValidator(_check_payload)] = None
    person_id: str | None = None
    inserted_at: datetime | None = ModelField(
        default=None, validation_alias=AliasChoices("_inserted_at", "inserted_at")
    )

    def track(self) -> dict[str, Any]:
        """The event's row for the columns of tracks, all but the loader's stamp; JSON columns as JSON text."""
        own = {
            "event_id": self.uuid,
            "created_at": self.timestamp,
            "event_name": self.event,
            "user_id": self.distinct_id,
            "person_id": self.person_id,
            "event_payload": self.properties.text if self.properties else None,
            "event_inserted_at": self.inserted_at,
        }
        values = self.properties.values if self.properties else {}
        extracted = {
            column.name: _extract(values, column.source, column.type)
            for column in TRACK_COLUMNS
            if isinstance(column.source, Property | Family)
        }
        return own | extracted


def judge(row: Mapping[str, Any]) -> RawPostHogEvent | Reason:
    """The event in an exported row, or the reason why it is refused."""
    fields = dict(row)
    if fields.get("_inserted_at") is None:
        fields.pop("_inserted_at", None)
    try:
        return RawPostHogEvent.model_validate(fields)
    except ValidationError as error:
        return Reason(error.errors()[0]["msg"])


def _extract(values: Mapping[str, Json], source: Property | Family, type_: ColumnType) -> str | None:
    if isinstance(source, Family):
        return _family(values, source)
    value = next((values[key] for key in source.keys if values.get(key) is not None), None)
    if value is None:
        return None
    return value if isinstance(value, str) and type_ is ColumnType.STRING else json_text(value)


def _family(values: Mapping[str, Json], family: Family) -> str | None:
    members = {key: value for key, value in values.items() if key.startswith(family.prefix)}
    if not members:
        return None
    cut = len(family.prefix) if family.cut_prefix else 0
    return json_text(JsonObject((key[cut:], value) for key, value in members.items()))
