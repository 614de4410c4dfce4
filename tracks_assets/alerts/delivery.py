"""Delivery: messages leave the outbox in order, one receiver apart from the other, until each is taken or refused.

Guaranteed: a message is stored with the incident that it is about and is kept until its receiver took it. It is sent
twice only if the process is killed after the receiver took it and before that was noted, which takes milliseconds; it
then says that it may be a repeat. A restart between two messages repeats nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracks_assets.alerts.receivers import Answer, Outcome, Receiver, Receivers
from tracks_assets.alerts.store import AlertStore, Outgoing, State

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(minutes=15)

CLAIM = timedelta(seconds=90)
"""How long a process may take for one message before it counts as dead."""

BUDGET = timedelta(seconds=30)
"""How long one tick sends: Dagster ends a tick after 60 seconds."""

HANDED_OVER = timedelta(days=1)
"""How old a message may be that goes to other receivers, or to its own one after a refusal."""

REPEAT = "This may be a repeat: the process that sent it first was killed before it could note the answer."

Send = Callable[[Receiver, str, str], Answer]
"""Hands a title and a body to a receiver."""


@dataclass(frozen=True)
class Delivered:
    """What one round of sending did.

    Attributes:
        sent: messages that were taken.
        waiting: messages that are left.
        failing: receivers that cannot be reached, with the reason.
        refusing: receivers whose last answer was a refusal, with the reason.
    """

    sent: int = 0
    waiting: int = 0
    failing: tuple[str, ...] = ()
    refusing: tuple[str, ...] = ()


def wait_after(attempts: int) -> timedelta:
    """How long to wait after a number of failed attempts: 30 s, doubled each time, at most 15 minutes."""
    doublings: int = min(attempts - 1, 10)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


def deliver(store: AlertStore, receivers: Receivers, send: Send, clock: Callable[[], datetime]) -> Delivered:
    """Sends what is due, in order for each receiver; one that cannot be reached holds up no other.

    Args:
        store: the alert database.
        receivers: the receivers that are set.
        send: hands a message over.
        clock: the time.
    """
    started = clock()
    by_key = {receiver.key: receiver for receiver in receivers.every}
    if by_key:
        levels = {"ERROR": receivers.errors, "WARN": receivers.warnings}
        named = {level: [(each.key, each.label) for each in those] for level, those in levels.items()}
        store.hand_over(named, started, started - HANDED_OVER)
    sent = 0
    for key, queue in _queues(store.unsent(), by_key).items():
        for outgoing in _due(queue, clock):
            outcome = _attempt(store, by_key[key], outgoing, send, clock)
            sent += outcome is Outcome.TAKEN
            if outcome in (None, Outcome.FAILED) or clock() - started >= BUDGET:
                break
    return _state(store, by_key, sent)


def _queues(unsent: Sequence[Outgoing], by_key: Mapping[str, Receiver]) -> dict[str, list[Outgoing]]:
    queues: dict[str, list[Outgoing]] = {}
    for outgoing in unsent:
        if outgoing.receiver in by_key:
            queues.setdefault(outgoing.receiver, []).append(outgoing)
    return queues


def _due(queue: Sequence[Outgoing], clock: Callable[[], datetime]) -> Iterator[Outgoing]:
    """The messages of a receiver up to the first that is not due: later ones wait behind it."""
    for outgoing in queue:
        if outgoing.due > clock():
            return
        yield outgoing


def _attempt(
    store: AlertStore, receiver: Receiver, outgoing: Outgoing, send: Send, clock: Callable[[], datetime]
) -> Outcome | None:
    """Tries one message; None where another process is trying it."""
    if not store.claim(outgoing, clock() + CLAIM):
        return None
    body = f"{outgoing.body}\n{REPEAT}" if outgoing.state is State.SENDING else outgoing.body
    answer = send(receiver, outgoing.title, body)
    match answer.outcome:
        case Outcome.TAKEN:
            store.settle(outgoing, State.SENT, answer.reason, clock())
        case Outcome.REFUSED:
            store.settle(outgoing, State.REFUSED, answer.reason, clock())
        case Outcome.FAILED:
            due = clock() + wait_after(outgoing.attempts + 1)
            store.settle(outgoing, State.PENDING, answer.reason, clock(), due)
    return answer.outcome


def _state(store: AlertStore, by_key: Mapping[str, Receiver], sent: int) -> Delivered:
    unsent = store.unsent()
    failing = {each.receiver: each for each in unsent if each.attempts and each.receiver in by_key}
    refusing = [each for each in store.refusing() if each.receiver in by_key]
    return Delivered(
        sent,
        len(unsent),
        tuple(f"{each.label}: {each.answer or 'no answer noted'}" for each in failing.values()),
        tuple(f"{each.label}: {each.answer}" for each in refusing),
    )
