"""The CSV file for PostHog's support, and the sums of the page."""

import csv
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from io import StringIO

import pytest

from tracks_assets.status_page.redeliveries import RedeliveredGroup, Redeliveries, Redelivery, by_age, window, write_csv

HOUR = datetime(2026, 3, 12, 5, tzinfo=UTC)
AGAIN = Redelivery(
    event_id="019ce10f-4401-7abc-8def-0123456789ab",
    lib="web",
    lib_version="1.78.0",
    id_time=datetime(2026, 3, 12, 3, 59, 59, 937000, tzinfo=UTC),
    stored_created_at=None,
    redelivered_created_at=datetime(2026, 3, 12, 6, tzinfo=timezone(timedelta(hours=1))),
    restamped_seconds=3600.0625,
    age_hours=1.0000175,
    event_inserted_at=None,
    window_start=HOUR,
    source_file="events/2026-03-12/06/one.parquet",
)


def written(*redeliveries: Redelivery) -> list[dict[str, str]]:
    file = StringIO()
    assert write_csv(file, redeliveries) == len(redeliveries)
    return list(csv.DictReader(StringIO(file.getvalue())))


def test_each_redelivery_is_a_line() -> None:
    assert written(AGAIN, AGAIN) == 2 * [
        {
            "event_id": "019ce10f-4401-7abc-8def-0123456789ab",
            "lib": "web",
            "lib_version": "1.78.0",
            "id_time": "2026-03-12T03:59:59.937000+00:00",
            "stored_created_at": "",
            "redelivered_created_at": "2026-03-12T05:00:00+00:00",
            "restamped_seconds": "3600.062",
            "age_hours": "1.0",
            "event_inserted_at": "",
            "window_start": "2026-03-12T05:00:00+00:00",
            "source_file": "events/2026-03-12/06/one.parquet",
        }
    ]


def test_without_any_there_is_the_header() -> None:
    assert written() == []


@pytest.mark.parametrize("text", ['=HYPERLINK("http://a")', "+1", "-1", "@a", "\t=1"])
def test_no_spreadsheet_runs_a_text_as_a_formula(text: str) -> None:
    (line,) = written(replace(AGAIN, event_id=text, lib=text))
    assert (line["event_id"], line["lib"]) == (f"'{text}", f"'{text}")


def test_a_text_keeps_its_commas_quotes_and_lines() -> None:
    odd = 'a,"b"\nc;</svg>'
    (line,) = written(replace(AGAIN, event_id=odd))
    assert line["event_id"] == odd


def test_sums() -> None:
    groups = (
        RedeliveredGroup("web", "1.78.0", 4, event_ids=3, deliveries=5, restamped_ids=2, most_restamped_seconds=9.0),
        RedeliveredGroup("web", "1.79.0", 4, event_ids=1, deliveries=1, restamped_ids=1, most_restamped_seconds=9.0),
        RedeliveredGroup(None, None, None, event_ids=2, deliveries=2, restamped_ids=0, most_restamped_seconds=None),
        RedeliveredGroup("ios", "1", 0, event_ids=1, deliveries=4, restamped_ids=0, most_restamped_seconds=0.0),
    )
    found = Redeliveries(window(HOUR, HOUR), groups)
    assert (found.event_ids, found.deliveries, found.restamped_ids) == (7, 12, 3)
    assert by_age(groups) == [
        ("under 1 hour", 1, 4, 0),
        ("30 days or more", 4, 6, 3),
        ("not known", 2, 2, 0),
    ]
