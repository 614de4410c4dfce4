"""The contract of one delivery, row by row: what is refused and why, and what every column of an event holds.

The vectorised transform is held to the same contract by ``test_transform_agrees``; what the contract itself says is
written down here, in exact values.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tracks_assets.core.columns import Stamp
from tracks_assets.sources.posthog.columns import TRACK_COLUMNS
from tracks_assets.sources.posthog.contract import EARLIEST, LATEST, RawPostHogEvent, Reason, validate

WHEN = datetime(2026, 3, 12, 0, 30, 1, 5, tzinfo=UTC)
TICK = timedelta(microseconds=1)
ABSENT: Any = object()


def delivery(**changes: Any) -> dict[str, Any]:
    """An exported row that the contract takes, with some of its fields changed or taken away (``ABSENT``)."""
    fields = {
        "uuid": "019ce000-0000-7000-8000-000000000001",
        "event": "$pageview",
        "distinct_id": "user-1",
        "person_id": "person-1",
        "properties": "{}",
        "person_properties": '{"email": "a@example.com"}',
        "elements_chain": "",
        "timestamp": WHEN,
        "created_at": WHEN + timedelta(minutes=1),
        "_inserted_at": WHEN + timedelta(minutes=2),
    }
    return {name: value for name, value in (fields | changes).items() if value is not ABSENT}


def track(**changes: Any) -> dict[str, Any]:
    event = validate(delivery(**changes))
    assert isinstance(event, RawPostHogEvent)
    return event.track()


def column(name: str, properties: str) -> Any:
    return track(properties=properties)[name]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"uuid": None}, Reason.NO_ID, id="null-uuid"),
        pytest.param({"uuid": ""}, Reason.NO_ID, id="empty-uuid"),
        pytest.param({"uuid": ABSENT}, Reason.NO_ID, id="absent-uuid"),
        pytest.param({"event": None}, Reason.NO_NAME, id="null-event"),
        pytest.param({"event": ""}, Reason.NO_NAME, id="empty-event"),
        pytest.param({"distinct_id": None}, Reason.NO_USER, id="null-distinct-id"),
        pytest.param({"distinct_id": ""}, Reason.NO_USER, id="empty-distinct-id"),
        pytest.param({"timestamp": None}, Reason.NO_TIME, id="null-timestamp"),
        pytest.param({"timestamp": EARLIEST - TICK}, Reason.TIME_OUT_OF_RANGE, id="too-early"),
        pytest.param({"timestamp": LATEST + TICK}, Reason.TIME_OUT_OF_RANGE, id="too-late"),
        pytest.param({"properties": ""}, Reason.NOT_AN_OBJECT, id="empty-properties"),
        pytest.param({"properties": " "}, Reason.NOT_AN_OBJECT, id="blank-properties"),
        pytest.param({"properties": "null"}, Reason.NOT_AN_OBJECT, id="json-null"),
        pytest.param({"properties": "[]"}, Reason.NOT_AN_OBJECT, id="array"),
        pytest.param({"properties": '"{}"'}, Reason.NOT_AN_OBJECT, id="text"),
        pytest.param({"properties": "1"}, Reason.NOT_AN_OBJECT, id="number"),
        pytest.param({"properties": '{"a":1'}, Reason.NOT_AN_OBJECT, id="torn-object"),
    ],
)
def test_a_row_that_breaks_the_contract_is_refused_with_its_reason(changes: dict[str, Any], reason: Reason) -> None:
    assert validate(delivery(**changes)) is reason


def test_a_row_with_several_faults_has_the_first_of_the_reasons() -> None:
    faults: dict[str, Any] = {"uuid": "", "event": "", "distinct_id": "", "timestamp": None, "properties": "x"}
    reasons = []
    for name in list(faults):
        reasons.append(validate(delivery(**faults)))
        del faults[name]

    assert reasons == [Reason.NO_ID, Reason.NO_NAME, Reason.NO_USER, Reason.NO_TIME, Reason.NOT_AN_OBJECT]
    assert validate(delivery(timestamp=LATEST + TICK, properties="x")) is Reason.TIME_OUT_OF_RANGE


def test_the_reasons_are_the_sentences_that_the_table_holds() -> None:
    assert [reason.value for reason in Reason] == [
        "uuid is null or empty",
        "event is null or empty",
        "distinct_id is null or empty",
        "timestamp is null",
        "timestamp is outside 2000-01-01 to 2100-01-01",
        "properties is not a JSON object",
        "properties holds a number outside the range of a double",
    ]


@pytest.mark.parametrize(
    "when", [datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)], ids=["first", "last"]
)
def test_both_ends_of_the_range_of_time_are_in_it(when: datetime) -> None:
    assert track(timestamp=when)["created_at"] == when


def test_an_event_without_properties_has_all_its_columns_but_those_null() -> None:
    assert track(properties=None) == {
        "event_id": "019ce000-0000-7000-8000-000000000001",
        "created_at": WHEN,
        "event_name": "$pageview",
        "user_id": "user-1",
        "person_id": "person-1",
        "session_id": None,
        "active_feature_flags": None,
        "feature_flags_values": None,
        "lib_values": None,
        "device_model": None,
        "device_type": None,
        "device_os": None,
        "ip_address": None,
        "client": None,
        "geoip_city_name": None,
        "geoip_continent_name": None,
        "geoip_country_name": None,
        "geoip_time_zone": None,
        "app_version": None,
        "locale": None,
        "event_payload": None,
        "event_inserted_at": WHEN + timedelta(minutes=2),
    }


def test_an_event_has_every_column_but_the_stamps_of_the_loader() -> None:
    assert set(track()) == {column.name for column in TRACK_COLUMNS if not isinstance(column.source, Stamp)}


def test_a_row_without_the_field_properties_is_an_event_without_properties() -> None:
    assert track(properties=ABSENT) == track(properties=None)


def test_an_empty_object_is_kept_as_the_payload_and_gives_no_families() -> None:
    assert {name: value for name, value in track(properties=" { } ").items() if value != track()[name]} == {
        "event_payload": " { } "
    }
    assert (column("feature_flags_values", "{}"), column("lib_values", "{}")) == (None, None)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("session_id", "session_id"),
        ("session_id", "$session_id"),
        ("device_model", "$device_model"),
        ("device_type", "$device_type"),
        ("device_os", "$os"),
        ("ip_address", "$ip"),
        ("client", "client"),
        ("geoip_city_name", "$geoip_city_name"),
        ("geoip_continent_name", "$geoip_continent_name"),
        ("geoip_country_name", "$geoip_country_name"),
        ("geoip_time_zone", "$geoip_time_zone"),
        ("app_version", "$app_version"),
        ("app_version", "app_version"),
        ("locale", "$locale"),
        ("locale", "locale"),
    ],
)
def test_a_text_column_comes_from_its_key_and_no_other_column_does(name: str, key: str) -> None:
    payload = f'{{"{key}": "Z\\u00fcrich \\"x\\""}}'
    before, after = track(properties=payload[:1] + "}"), track(properties=payload)

    changed = {name: after[name] for name in after if after[name] != before[name]}

    assert changed == {name: 'Zürich "x"', "event_payload": payload}


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("session_id", "session_id", "$session_id"),
        ("app_version", "$app_version", "app_version"),
        ("locale", "$locale", "locale"),
    ],
)
def test_the_second_key_is_taken_only_where_the_first_is_null(name: str, first: str, second: str) -> None:
    assert column(name, f'{{"{second}": "b", "{first}": "a"}}') == "a"
    assert column(name, f'{{"{second}": "b", "{first}": null}}') == "b"
    assert column(name, f'{{"{second}": "b", "{first}": ""}}') == ""
    assert column(name, f'{{"{second}": "b", "{first}": false}}') == "false"
    assert column(name, f'{{"{second}": null, "{first}": null}}') is None


def test_the_insert_time_is_inserted_at_with_or_without_its_underscore() -> None:
    older, newer = WHEN, WHEN + timedelta(hours=1)

    assert track(_inserted_at=newer, inserted_at=older)["event_inserted_at"] == newer
    assert track(_inserted_at=None, inserted_at=older)["event_inserted_at"] == older
    assert track(_inserted_at=ABSENT, inserted_at=older)["event_inserted_at"] == older
    assert track(_inserted_at=newer, inserted_at=None)["event_inserted_at"] == newer
    assert track(_inserted_at=None, inserted_at=None)["event_inserted_at"] is None
    assert track(_inserted_at=ABSENT)["event_inserted_at"] is None


def test_created_at_is_the_time_of_the_event_and_not_posthogs_created_at() -> None:
    assert track(timestamp=WHEN, created_at=EARLIEST)["created_at"] == WHEN


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('"null"', "null"),
        ('""', ""),
        ("null", None),
        ("true", "true"),
        ("false", "false"),
        ("0", "0"),
        ("17.10", "17.1"),
        ("1.0", "1.0"),
        ("1E2", "100.0"),
        ('{ "b" : [ 1, "x\\/y" ], "a" : null }', '{"b":[1,"x/y"],"a":null}'),
        ('[ "ios" , { } ]', '["ios",{}]'),
        ("[]", "[]"),
    ],
)
def test_what_is_not_text_becomes_its_json_text_in_a_text_column(value: str, text: str | None) -> None:
    assert column("client", f'{{"client": {value}}}') == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('[ "new-home" , "old\\/home" ]', '["new-home","old/home"]'),
        ("[]", "[]"),
        ('"new-home"', '"new-home"'),
        ("true", "true"),
        ('"null"', '"null"'),
        ("null", None),
    ],
)
def test_active_feature_flags_are_the_json_as_sent(value: str, text: str | None) -> None:
    assert column("active_feature_flags", f'{{"$active_feature_flags": {value}}}') == text


@pytest.mark.parametrize(
    ("properties", "flags", "lib"),
    [
        ('{"$feature/a": true, "$lib": "web", "$lib_version": 1}', '{"a":true}', '{"$lib":"web","$lib_version":1}'),
        ('{"$feature/b": "x", "a": 1, "$feature/a": "y"}', '{"b":"x","a":"y"}', None),
        ('{"$feature/a": null, "$lib": null}', '{"a":null}', '{"$lib":null}'),
        ('{"$feature/": 1, "$library": 2}', '{"":1}', '{"$library":2}'),
        ('{"$feature": 1, "$Feature/a": 2, " $feature/a": 3, "feature/a": 4, "$li": 5}', None, None),
        ('{"a": {"$feature/a": 1, "$lib": 2}, "b": "\\"$feature/a\\": 1"}', None, None),
        ('{"$feature/a": { "$feature/b" : [ 1.0 ] }}', '{"a":{"$feature/b":[1.0]}}', None),
        ('{"$feature/a/b.c": 1, "$feature/\\"\\\\": 2, "$feature/é\\t": 3}', '{"a/b.c":1,"\\"\\\\":2,"é\\t":3}', None),
        ('{"\\u0024feature\\/a": 1, "\\u0024lib": 2}', '{"a":1}', '{"$lib":2}'),
        ('{"$feature/$feature/a": 1}', '{"$feature/a":1}', None),
    ],
)  # fmt: skip
def test_a_family_is_the_object_of_the_keys_with_its_prefix(
    properties: str, flags: str | None, lib: str | None
) -> None:
    assert (column("feature_flags_values", properties), column("lib_values", properties)) == (flags, lib)


def test_of_equal_keys_the_first_is_taken() -> None:
    properties = '{"$os":"a","$os":"b","$feature/x":1,"$feature\\/x":2,"$lib":null,"$lib":1,"client":null,"client":2}'
    event = track(properties=properties)

    assert event["device_os"] == "a"
    assert event["feature_flags_values"] == '{"x":1}'
    assert event["lib_values"] == '{"$lib":null}'
    assert event["client"] is None
    assert event["event_payload"] == properties


def test_equal_keys_inside_a_value_stay_as_sent() -> None:
    assert column("feature_flags_values", '{"$feature/x": {"a": 1, "a": 2}}') == '{"x":{"a":1,"a":2}}'


@pytest.mark.parametrize("text", ["019CE000-0000-7000-8000-00000000ABCD", "{019ce000}", " id ", "x", "\x00", "é"])
def test_ids_names_and_users_are_kept_as_delivered(text: str) -> None:
    event = track(uuid=text, event=text, distinct_id=text, person_id=text)

    assert [event[name] for name in ("event_id", "event_name", "user_id", "person_id")] == [text] * 4


@pytest.mark.parametrize("person", [None, ""])
def test_a_person_may_be_missing(person: str | None) -> None:
    assert track(person_id=person)["person_id"] == person


def test_the_payload_is_the_text_as_delivered() -> None:
    properties = ' {"b" : 1.10,\n"a":"\\u00e9\\/", "a": 2}\t'

    assert column("event_payload", properties) == properties
