"""What a person reads, word by word."""

from tests.alerts.seen import DAY, FIVE, MINUTE, NOW, SIX, bad, failed_run, good, passed_run, result
from tracks_assets.alerts.facts import Kind, Observation
from tracks_assets.alerts.incidents import News, advance
from tracks_assets.alerts.messages import LONGEST, LONGEST_TITLE, Message, compose
from tracks_assets.alerts.observe import Context, of_check

CONTEXT = Context(ui_url="http://127.0.0.1:3000", downstream=lambda _asset: ("growth/events", "marketing/installs"))

NEW = """\
12 of 200 events are duplicated.
Figures: batch_ids 200, repeated_ids 12
Compared with: No event id of the hours just merged is duplicated.
Event ids: id-1, id-2
Partitions: 2026-03-12-05:00
Since: 2026-03-12 08:30 UTC
Downstream: growth/events, marketing/installs
Next step: Trace an id.
Runbook: docs/runbooks.md#which-check-is-red
Link: http://127.0.0.1:3000/assets/posthog/tracks?view=checks&checkDetail=unique_event_id
Incident: {key}"""

REMINDER = """\
12 of 200 events are duplicated.
Figures: batch_ids 200, repeated_ids 12
Compared with: No event id of the hours just merged is duplicated.
Event ids: id-1, id-2
Partitions: 2026-03-12-05:00 to 2026-03-12-06:00
Since: 2026-03-12 08:30 UTC
Seen: 2 times, last at 2026-03-12 08:31 UTC
Downstream: growth/events, marketing/installs
Next step: Trace an id.
Runbook: docs/runbooks.md#which-check-is-red
Link: http://127.0.0.1:3000/assets/posthog/tracks?view=checks&checkDetail=unique_event_id
Incident: {key}"""

RECOVERED = """\
The same hours were evaluated again and passed.
It was: 12 of 200 events are duplicated.
Since: 2026-03-12 08:30 UTC, over at 2026-03-13 09:31 UTC (1 d 1 h)
Link: http://127.0.0.1:3000/assets/posthog/tracks?view=checks&checkDetail=unique_event_id
Incident: {key}"""

TWO = """\
1. Run failed: raw_tracks
Partitions: 2026-03-12-05:00
Since: 2026-03-12 08:30 UTC
Downstream: no asset
Incident: {run}

2. Check unique_event_id failed on posthog/tracks
12 of 200 events.
Since: 2026-03-12 08:30 UTC
Downstream: no asset
Incident: {check}
"""


def _messages(*observations: Observation, is_one_level: bool = True) -> list[Message]:
    return compose(advance([], observations, NOW, DAY).news, is_one_level=is_one_level)


def test_the_life_of_an_incident() -> None:
    new = advance([], [of_check(result(), CONTEXT)], NOW, DAY)
    again = advance(new.open, [of_check(result(at=NOW + MINUTE, hours=SIX), CONTEXT)], NOW + MINUTE, DAY)
    reminder = advance(again.open, [], NOW + DAY, DAY)
    passed = of_check(result(passed=True, at=NOW + DAY + 61 * MINUTE, hours=FIVE | SIX), CONTEXT)
    over = advance(reminder.open, [passed], NOW + 2 * DAY, DAY)
    (key,) = (incident.key for incident in new.open)

    (first,), none, (second,), (third,) = (
        compose(each.news, is_one_level=True) for each in (new, again, reminder, over)
    )
    assert none == []
    assert key.startswith("20260312-083000-")
    assert first == Message(
        "ERROR", News.NEW, (key,), "[ERROR] Check unique_event_id failed on posthog/tracks", NEW.format(key=key)
    )
    assert second == Message(
        "ERROR",
        News.REMINDER,
        (key,),
        "[ERROR] Still: Check unique_event_id failed on posthog/tracks",
        REMINDER.format(key=key),
    )
    assert third == Message(
        "ERROR",
        News.RECOVERED,
        (key,),
        "[RECOVERED] Over: Check unique_event_id failed on posthog/tracks",
        RECOVERED.format(key=key),
    )


def test_several_incidents_are_one_message_worst_first() -> None:
    (message,) = _messages(bad(severity="WARN"), failed_run())
    run, check = (advance([], [each], NOW, DAY).open[0].key for each in (failed_run(), bad()))

    assert message.title == "[ERROR] 1 check and 1 run failed"
    assert message.body == TWO.format(run=run, check=check)
    assert set(message.incidents) == {run, check}


def test_fifty_checks_are_one_message_that_names_each() -> None:
    many = [bad(f"posthog/tracks:check_{number:02d}", finding="A finding. " * 8) for number in range(50)]
    (message,) = _messages(*many)

    assert message.title == "[ERROR] 50 checks failed"
    assert len(message.body) <= LONGEST
    assert all(f"{number + 1}. Check check_{number:02d} failed" in message.body for number in range(50))


def test_no_message_is_longer_than_receivers_take() -> None:
    many = [bad(f"posthog/tracks:check_{number:02d}{'x' * 180}") for number in range(200)]
    (message,) = _messages(*many)
    assert len(message.body) == LONGEST
    (message,) = _messages(bad(title="x" * 500))
    assert len(message.title) == LONGEST_TITLE


def test_every_kind_is_counted() -> None:
    (message,) = _messages(
        bad(), bad("a:b"), failed_run(), *(Observation(kind, "x", False, NOW) for kind in (Kind.SENSOR, Kind.SCHEDULE))
    )
    assert message.title == "[ERROR] 2 checks, 1 run, 1 sensor and 1 schedule failed"


def test_warnings_go_to_their_own_receivers() -> None:
    warning, error = sorted(
        _messages(bad(severity="WARN"), failed_run(), is_one_level=False), key=lambda each: each.level, reverse=True
    )
    assert (warning.level, warning.title) == ("WARN", "[WARN] Check unique_event_id failed on posthog/tracks")
    assert (error.level, error.title) == ("ERROR", "[ERROR] Run failed: raw_tracks")


def test_an_end_goes_to_the_receivers_of_its_begin() -> None:
    first = advance([], [bad(severity="WARN")], NOW, DAY)
    worse = advance(first.open, [bad(at=NOW + MINUTE)], NOW, DAY)
    over = advance(worse.open, [good(at=NOW + 2 * MINUTE)], NOW, DAY)

    assert [each.level for each in compose(worse.news, is_one_level=False)] == ["ERROR"]
    assert [each.level for each in compose(over.news, is_one_level=False)] == ["ERROR", "WARN"]
    assert [each.level for each in compose(over.news, is_one_level=True)] == ["ERROR"]


def test_ends_are_one_message() -> None:
    first = advance([], [bad("a:b"), bad("a:c"), failed_run()], NOW, DAY)
    later = NOW + MINUTE
    over = advance(first.open, [good("a:b", later), good("a:c", later), passed_run(later)], later, DAY)
    (message,) = compose(over.news, is_one_level=True)
    assert message.title == "[RECOVERED] 2 checks and 1 run recovered"


def test_figures_are_written_for_people() -> None:
    figures = (("rows", 1234567), ("percent", 0.123456), ("whole", 2.0), ("day", "2026-03-12 00:00 UTC"))
    (message,) = _messages(bad(figures=figures))
    assert "Figures: rows 1,234,567, percent 0.1235, whole 2, day 2026-03-12 00:00 UTC\n" in message.body


def test_hostile_text_is_plain_in_the_message() -> None:
    hostile = result(
        finding="<script>alert('x')</script>\n[RECOVERED] all is well", ids=("<!channel>", "a\nTitle: b"),
        rule="[a](https://evil.example)",
    )  # fmt: skip
    (message,) = _messages(of_check(hostile, CONTEXT))
    assert not set(message.title + message.body) & set("<>")
    assert "](" not in message.body
    assert [line.partition(":")[0] for line in message.body.splitlines()[1:]] == [
        "Figures", "Compared with", "Event ids", "Partitions", "Since", "Downstream", "Next step", "Runbook", "Link",
        "Incident",
    ]  # fmt: skip
