"""What a person reads: messages about incidents, made of parts and joined here only.

Several incidents of one moment are one message. Every text is plain: no receiver takes it for markup.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from tracks_assets.alerts.facts import Figure, Kind, Severity
from tracks_assets.alerts.incidents import Incident, News
from tracks_assets.quality.message import moment_text

LONGEST = 3500
"""Characters of a message, so that receivers with a limit of 4,096 take it in one piece."""

LONGEST_TITLE = 200

_IDS = 5


@dataclass(frozen=True)
class Part:
    """One incident within a message: a heading and its lines, each with a label (or none)."""

    heading: str
    lines: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        """The lines as plain text."""
        return "\n".join(f"{label}: {value}" if label else value for label, value in self.lines)


@dataclass(frozen=True)
class Message:
    """A message as it is sent.

    Attributes:
        level: which receivers get it.
        news: why it is sent.
        incidents: the incidents that it is about, by their names.
        title: one line.
        body: plain text.
    """

    level: Severity
    news: News
    incidents: tuple[str, ...]
    title: str
    body: str


def compose(news: Sequence[tuple[News, Incident]], *, is_one_level: bool) -> list[Message]:
    """The messages of one moment: one for each level and reason.

    Args:
        news: the reasons and incidents.
        is_one_level: whether warnings go to the receivers of errors, so that one message is enough for both.
    """
    grouped: dict[tuple[News, Severity], list[Incident]] = {}
    for reason, incident in news:
        levels: Sequence[Severity] = incident.levels if reason is News.RECOVERED else (incident.severity,)
        for level in dict.fromkeys("ERROR" if is_one_level else level for level in levels):
            grouped.setdefault((reason, level), []).append(incident)
    order = {reason: number for number, reason in enumerate(News)}
    return [
        message_of(reason, level, incidents)
        for (reason, level), incidents in sorted(grouped.items(), key=lambda each: (order[each[0][0]], each[0][1]))
    ]


def message_of(news: News, level: Severity, incidents: Sequence[Incident]) -> Message:
    """The message for incidents that are reported at once for one reason."""
    worst = "ERROR" if any(incident.severity == "ERROR" for incident in incidents) else "WARN"
    mark = "RECOVERED" if news is News.RECOVERED else worst
    keys = tuple(incident.key for incident in incidents)
    if len(incidents) == 1:
        part = part_of(news, incidents[0])
        return Message(level, news, keys, _cut(f"[{mark}] {part.heading}", LONGEST_TITLE), _cut(part.text))
    return Message(level, news, keys, f"[{mark}] {_summary(news, incidents)}", _body(news, incidents))


def _summary(news: News, incidents: Sequence[Incident]) -> str:
    kinds = {
        noun: sum(incident.observation.kind is kind for incident in incidents)
        for kind, noun in (
            (Kind.CHECK, "check"),
            (Kind.RUN, "run"),
            (Kind.SENSOR, "sensor"),
            (Kind.SCHEDULE, "schedule"),
        )
    }
    counted = [f"{number} {noun}{'s' if number > 1 else ''}" for noun, number in kinds.items() if number]
    what = counted[0] if len(counted) == 1 else f"{', '.join(counted[:-1])} and {counted[-1]}"
    return f"{what} {_SUMMARIES[news]}"


_SUMMARIES = {
    News.NEW: "failed",
    News.WORSE: "got worse: warnings before, errors now",
    News.REMINDER: "still fail",
    News.RECOVERED: "recovered",
}


def _body(news: News, incidents: Sequence[Incident]) -> str:
    """The incidents one after another, worst first: in full while there is room, then by their titles."""
    ranked = sorted(incidents, key=lambda incident: (incident.severity, incident.opened, incident.identity))
    parts = [part_of(news, incident) for incident in ranked]
    headings = [f"{number}. {part.heading}" for number, part in enumerate(parts, start=1)]
    room = LONGEST - sum(len(heading) + 2 for heading in headings)
    texts: list[str] = []
    for heading, part in zip(headings, parts, strict=True):
        room -= len(part.text) + 1
        texts.append(f"{heading}\n{part.text}\n" if room > 0 else heading)
    return _cut("\n".join(texts))


def part_of(news: News, incident: Incident) -> Part:
    """The text about one incident."""
    lines = _end_of(incident) if news is News.RECOVERED else _state_of(incident)
    return Part(
        _HEADINGS[news].format(incident.observation.title), tuple((name, value) for name, value in lines if value)
    )


_HEADINGS = {
    News.NEW: "{}",
    News.WORSE: "Worse: {}",
    News.REMINDER: "Still: {}",
    News.RECOVERED: "Over: {}",
}


def _state_of(incident: Incident) -> list[tuple[str, str]]:
    seen = incident.observation
    return [
        ("", seen.finding),
        ("Figures", ", ".join(f"{name} {figure_text(figure)}" for name, figure in seen.figures)),
        ("Compared with", seen.compared_with),
        ("Event ids", ", ".join(seen.ids[:_IDS])),
        ("Partitions", str(incident.hours)),
        ("Since", moment_text(incident.opened)),
        ("Seen", f"{incident.times} times, last at {moment_text(incident.seen)}" if incident.times > 1 else ""),
        ("Downstream", ", ".join(seen.downstream) or "no asset"),
        ("Next step", seen.next_step),
        ("Runbook", seen.runbook),
        ("Link", seen.link),
        ("Incident", incident.key),
    ]


def _end_of(incident: Incident) -> list[tuple[str, str]]:
    over = incident.over or incident.seen
    return [
        ("", incident.outcome),
        ("It was", incident.observation.finding),
        ("Since", f"{moment_text(incident.opened)}, over at {moment_text(over)} ({_length(over - incident.opened)})"),
        ("Link", incident.observation.link),
        ("Incident", incident.key),
    ]


def figure_text(figure: Figure) -> str:
    """A figure as people read it."""
    if isinstance(figure, str):
        return figure
    return f"{figure:,}" if isinstance(figure, int) else f"{figure:,.4g}"


def _length(length: timedelta) -> str:
    minutes = max(0, round(length.total_seconds() / 60))
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [f"{days} d" if days else "", f"{hours} h" if hours else "", f"{minutes} min" if not days else ""]
    return " ".join(part for part in parts if part)


def _cut(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}\u2026"
