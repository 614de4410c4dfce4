"""The alert database: incidents, the outbox of messages, and how far Dagster's records were read.

A tick reads a batch of records, and stores the incidents, the messages that follow and the new positions in one
transaction. So a process that dies in between loses nothing and reports nothing twice: the next tick reads the same
records again, or none of them.

The database is not the warehouse: alerts have to work while that is locked, broken or out of reach.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.engine import URL, make_url

from tracks_assets.alerts.incidents import Incident
from tracks_assets.alerts.messages import Message
from tracks_assets.alerts.stored import from_json, to_json
from tracks_assets.core.errors import ReportedError

VERSION = 1
"""The version of the tables."""

KEPT = timedelta(days=90)
"""How long incidents that are over and messages that are done are kept."""

LAST_LOOK = "tick"
"""The position that says when the alerts last looked: who watches them reads it."""

_LOCK_SECONDS = 20


class AlertStoreError(ReportedError):
    """The alert database cannot be used; no part holds the database's password."""


class State(Enum):
    """What became of a message for one receiver."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"
    DROPPED = "dropped"


class _Moment(sa.types.TypeDecorator[datetime]):
    """A moment as ISO text in UTC: sorted by time, and the same on every database."""

    impl = sa.String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002
        return value.astimezone(UTC).isoformat(timespec="microseconds") if value else None

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        return datetime.fromisoformat(value) if value else None


_TABLES = sa.MetaData()

INCIDENTS = sa.Table(
    "alert_incidents",
    _TABLES,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("opened", _Moment, nullable=False),
    sa.Column("over", _Moment, index=True),
    sa.Column("incident", sa.Text, nullable=False),
)

OUTBOX = sa.Table(
    "alert_outbox",
    _TABLES,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("level", sa.String(8), nullable=False),
    sa.Column("receiver", sa.String(32), nullable=False),
    sa.Column("label", sa.String(300), nullable=False),
    sa.Column("news", sa.String(16), nullable=False),
    sa.Column("incidents", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("created", _Moment, nullable=False),
    sa.Column("state", sa.String(8), nullable=False, index=True),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("due", _Moment, nullable=False),
    sa.Column("answer", sa.Text, nullable=False, default=""),
    sa.Column("done", _Moment),
    sqlite_autoincrement=True,
)

POSITIONS = sa.Table(
    "alert_positions",
    _TABLES,
    sa.Column("source", sa.String(200), primary_key=True),
    sa.Column("position", sa.Text, nullable=False),
)


@dataclass(frozen=True)
class Outgoing:
    """A message for one receiver.

    Attributes:
        id: its number, in the order in which messages are sent.
        level: the level of its receivers.
        receiver: the receiver's key, which holds no secret.
        label: the receiver as people see it.
        title: one line.
        body: plain text.
        created: when it was written.
        state: what became of it.
        attempts: how often it was tried.
        due: when it is tried next.
        answer: the answer to the last attempt.
        done: when it was taken, refused or dropped; None before.
    """

    id: int
    level: str
    receiver: str
    label: str
    title: str
    body: str
    created: datetime
    state: State
    attempts: int
    due: datetime
    answer: str
    done: datetime | None


class AlertStore:
    """The alert database at a URL of SQLAlchemy's."""

    def __init__(self, url: str) -> None:
        """Opens the database and creates its tables where there are none.

        Raises:
            AlertStoreError: it cannot be opened, or was written by another version.
        """
        self._url = _parsed(url)
        try:
            self._engine = _engine(self._url)
        except (ImportError, exc.ArgumentError, exc.NoSuchModuleError) as error:
            raise AlertStoreError(
                f"The alert database {self.name} needs a driver that is not installed ({type(error).__name__}).",
                next_step="Install it, or set TRACKS_ALERT_DATABASE to another database.",
            ) from None
        with self._transaction() as connection:
            _TABLES.create_all(connection)
            version = _position(connection, "version")
            if version is None:
                _set_position(connection, "version", VERSION)
            elif version != VERSION:
                raise AlertStoreError(
                    f"The alert database {self.name} has tables of version {version}.",
                    f"This program knows version {VERSION}.",
                    "Use the program that wrote it, or set TRACKS_ALERT_DATABASE to a new database.",
                )

    @property
    def name(self) -> str:
        """The database as messages name it, without its password."""
        return self._url.render_as_string(hide_password=True)

    def close(self) -> None:
        """Closes every connection."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except exc.DBAPIError as error:
            # The driver's text may name the address; it never holds the password, but the statement may hold values.
            raise AlertStoreError(
                f"The alert database {self.name} failed ({type(error.orig).__name__}: {_first_line(error.orig)}).",
                next_step="Check that it can be reached and written, or set TRACKS_ALERT_DATABASE to another database.",
            ) from None

    # Positions and incidents

    def positions(self) -> dict[str, Any]:
        """How far each source was read, by its name."""
        with self._transaction() as connection:
            rows = connection.execute(sa.select(POSITIONS)).mappings().all()
        return {row["source"]: json.loads(row["position"]) for row in rows if row["source"] != "version"}

    def open_incidents(self) -> list[Incident]:
        """The incidents that are open, oldest first."""
        return self._incidents(sa.select(INCIDENTS).where(INCIDENTS.c.over.is_(None)).order_by(INCIDENTS.c.opened))

    def recent_incidents(self, limit: int = 50) -> list[Incident]:
        """The newest incidents, open or over, newest first."""
        return self._incidents(sa.select(INCIDENTS).order_by(INCIDENTS.c.opened.desc()).limit(limit))

    def _incidents(self, query: sa.Select[Any]) -> list[Incident]:
        with self._transaction() as connection:
            return [from_json(row["incident"]) for row in connection.execute(query).mappings()]

    def record(
        self,
        before: dict[str, Any],
        after: dict[str, Any],
        incidents: Iterable[Incident],
        messages: Sequence[tuple[Message, Sequence[tuple[str, str]]]],
        now: datetime,
    ) -> bool:
        """Stores what a tick found, in one transaction: incidents, messages and positions, or nothing of it.

        Args:
            before: the positions that the tick started from.
            after: those that it ends with.
            incidents: every incident that is open or was closed.
            messages: the messages, each with the keys and labels of its receivers.
            now: when the messages were written.

        Returns:
            Whether it was stored; not if another process has read the same records meanwhile.
        """
        with self._transaction() as connection:
            # A database that lets two transactions read at once makes the second one wait here.
            connection.execute(sa.select(POSITIONS).where(POSITIONS.c.source == "version").with_for_update())
            if any(_position(connection, source) != before.get(source) for source in after):
                return False
            for incident in incidents:
                _save(connection, incident)
            for message, receivers in messages:
                for receiver, label in receivers:
                    connection.execute(OUTBOX.insert().values(_row(message, receiver, label, now)))
            for source, position in after.items():
                _set_position(connection, source, position)
            _forget(connection, now - KEPT)
        return True

    # The outbox

    def unsent(self) -> list[Outgoing]:
        """The messages that wait or are being sent, in order."""
        return self._outgoing(OUTBOX.c.state.in_([State.PENDING.value, State.SENDING.value]))

    def refused(self) -> list[Outgoing]:
        """The messages that a receiver refused for good, in order."""
        return self._outgoing(OUTBOX.c.state == State.REFUSED.value)

    def refusing(self) -> list[Outgoing]:
        """For each receiver whose last answer was a refusal, the message that it refused."""
        done = self._outgoing(OUTBOX.c.state.in_([State.SENT.value, State.REFUSED.value]))
        newest = {outgoing.receiver: outgoing for outgoing in done}
        return [outgoing for outgoing in newest.values() if outgoing.state is State.REFUSED]

    def last_look(self) -> datetime | None:
        """When the alerts last looked at Dagster's records; None if they never did."""
        looked: str | None = self.positions().get(LAST_LOOK)
        return datetime.fromisoformat(looked) if looked else None

    def _outgoing(self, condition: sa.ColumnElement[bool]) -> list[Outgoing]:
        columns = [OUTBOX.c[name] for name in Outgoing.__dataclass_fields__]
        with self._transaction() as connection:
            rows = connection.execute(sa.select(*columns).where(condition).order_by(OUTBOX.c.id)).mappings().all()
        return [Outgoing(**{**row, "state": State(row["state"])}) for row in rows]

    def claim(self, outgoing: Outgoing, until: datetime) -> bool:
        """Takes a message to send it; another process that tries the same at once gets False.

        Args:
            outgoing: the message as it was read.
            until: when it may be tried again if this process dies meanwhile.
        """
        claimed = {"state": State.SENDING.value, "attempts": outgoing.attempts + 1, "due": until}
        return self._update(outgoing, claimed, outgoing.state, outgoing.attempts)

    def settle(self, outgoing: Outgoing, state: State, answer: str, now: datetime, due: datetime | None = None) -> None:
        """Notes what became of a message that was claimed.

        Args:
            outgoing: the message as it was read before the claim.
            state: what became of it.
            answer: the receiver's answer, without a secret.
            now: when.
            due: when it is tried again, where it is pending.
        """
        done = None if state is State.PENDING else now
        values = {"state": state.value, "answer": answer, "due": due or now, "done": done}
        self._update(outgoing, values, State.SENDING, outgoing.attempts + 1)

    def _update(self, outgoing: Outgoing, values: dict[str, Any], state: State, attempts: int) -> bool:
        matching = sa.and_(OUTBOX.c.id == outgoing.id, OUTBOX.c.state == state.value, OUTBOX.c.attempts == attempts)
        with self._transaction() as connection:
            return connection.execute(OUTBOX.update().where(matching).values(values)).rowcount == 1

    def queue_refused(self, receiver: str, now: datetime, since: datetime) -> int:
        """Queues the messages again that a receiver refused, oldest first.

        Args:
            receiver: the receiver's key.
            now: when they are due.
            since: older messages stay refused.

        Returns:
            How many messages were queued.
        """
        refused = sa.and_(OUTBOX.c.receiver == receiver, OUTBOX.c.state == State.REFUSED.value)
        queued = {"state": State.PENDING.value, "attempts": 0, "due": now, "done": None}
        with self._transaction() as connection:
            return connection.execute(OUTBOX.update().where(refused, OUTBOX.c.created >= since).values(queued)).rowcount

    def hand_over(self, receivers: Mapping[str, Sequence[tuple[str, str]]], now: datetime, since: datetime) -> int:
        """Gives the undelivered messages of receivers that are not set any more to those that are.

        Args:
            receivers: for each level, the keys and labels of its receivers.
            now: when.
            since: older messages are dropped.

        Returns:
            How many messages changed hands.
        """
        known = {key for each in receivers.values() for key, _ in each}
        undelivered = [State.PENDING.value, State.SENDING.value, State.REFUSED.value]
        orphaned = sa.and_(OUTBOX.c.state.in_(undelivered), OUTBOX.c.receiver.not_in(known))
        with self._transaction() as connection:
            rows = connection.execute(sa.select(OUTBOX).where(orphaned).order_by(OUTBOX.c.id)).mappings().all()
            handed = [row for row in rows if row["created"] >= since]
            for row in handed:
                for key, label in receivers.get(row["level"], ()):
                    _hand_over(connection, row, key, label, now)
            connection.execute(OUTBOX.update().where(orphaned).values(state=State.DROPPED.value, done=now))
        return len(handed)


def _hand_over(connection: sa.Connection, row: sa.RowMapping, key: str, label: str, now: datetime) -> None:
    """Copies a message for another receiver, unless that one has it already."""
    same = sa.and_(OUTBOX.c.receiver == key, OUTBOX.c.created == row["created"], OUTBOX.c.title == row["title"])
    if connection.execute(sa.select(OUTBOX.c.id).where(same)).first() is None:
        copied = {name: value for name, value in row.items() if name not in ("id", "answer", "done")}
        changed = {"receiver": key, "label": label, "state": State.PENDING.value, "attempts": 0, "due": now}
        connection.execute(OUTBOX.insert().values(copied | changed))


def _row(message: Message, receiver: str, label: str, now: datetime) -> dict[str, Any]:
    return {
        "level": message.level,
        "receiver": receiver,
        "label": label,
        "news": message.news.value,
        "incidents": json.dumps(message.incidents),
        "title": message.title,
        "body": message.body,
        "created": now,
        "state": State.PENDING.value,
        "due": now,
    }


def _save(connection: sa.Connection, incident: Incident) -> None:
    values = {"opened": incident.opened, "over": incident.over, "incident": to_json(incident)}
    is_known = connection.execute(INCIDENTS.update().where(INCIDENTS.c.key == incident.key).values(values)).rowcount
    if not is_known:
        connection.execute(INCIDENTS.insert().values(key=incident.key, **values))


def _forget(connection: sa.Connection, before: datetime) -> None:
    connection.execute(INCIDENTS.delete().where(INCIDENTS.c.over < before))
    connection.execute(OUTBOX.delete().where(OUTBOX.c.done < before))


def _position(connection: sa.Connection, source: str) -> Any:
    query = sa.select(POSITIONS.c.position).where(POSITIONS.c.source == source)
    found = connection.execute(query).scalar()
    return None if found is None else json.loads(found)


def _set_position(connection: sa.Connection, source: str, position: Any) -> None:
    text = json.dumps(position)
    changed = connection.execute(POSITIONS.update().where(POSITIONS.c.source == source).values(position=text))
    if not changed.rowcount:
        connection.execute(POSITIONS.insert().values(source=source, position=text))


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except exc.ArgumentError:
        raise AlertStoreError(
            "TRACKS_ALERT_DATABASE is not a URL of a database.",
            next_step="Set it to one such as sqlite:////path/alerts.db or postgresql://user:password@host/name.",
        ) from None


def _engine(url: URL) -> sa.Engine:
    if url.get_backend_name() != "sqlite":
        return sa.create_engine(url, pool_pre_ping=True)
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, connect_args={"timeout": _LOCK_SECONDS})

    # As SQLAlchemy's documentation of SQLite says: the driver begins no transaction, so that this one locks at once.
    @event.listens_for(engine, "connect")
    def _no_driver_transactions(connection: Any, _record: object) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("begin immediate")

    return engine


def _first_line(error: BaseException | None) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else "no text"
