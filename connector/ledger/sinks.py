"""Sinks: the places that events are written to, with their sealed credentials and how they are doing."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from connector.ledger.tables import deliveries, sinks

# Why a sink is disabled that its owner switched off; any other reason is a sentence with the remedy.
SWITCHED_OFF = "switched_off"
_CHANGEABLE = ("label", "events", "options", "credential_sealed", "failing_since", "disabled_at", "disabled_reason")


@dataclass(frozen=True, slots=True)
class Sink:
    """A place that events are written to. `failing_since`: since when no write succeeded; times in UNIX ms."""

    id: str
    connection_id: str
    kind: str
    label: str
    events: tuple[str, ...]
    options: dict[str, Any]
    credential_sealed: bytes = field(repr=False)
    created_at: int
    failing_since: int | None = None
    disabled_at: int | None = None
    disabled_reason: str | None = None


def add(connection: Connection, sink: Sink) -> None:
    """Stores a new sink."""
    connection.execute(insert(sinks), {name: _stored(sink, name) for name in Sink.__slots__})


def _stored(sink: Sink, name: str) -> Any:
    return list(sink.events) if name == "events" else getattr(sink, name)


def every(connection: Connection, connection_id: str) -> list[Sink]:
    """A connection's sinks, the oldest first."""
    listing = select(sinks).where(sinks.c.connection_id == connection_id).order_by(sinks.c.id)
    return [_of(row) for row in connection.execute(listing)]


def get(connection: Connection, connection_id: str, sink_id: str) -> Sink | None:
    """One sink of a connection."""
    mine = (sinks.c.connection_id == connection_id) & (sinks.c.id == sink_id)
    row = connection.execute(select(sinks).where(mine)).one_or_none()
    return None if row is None else _of(row)


def locked(connection: Connection, connection_id: str, sink_id: str) -> Sink | None:
    """One sink that nobody else changes until this transaction ends; events may still be told to it."""
    mine = (sinks.c.connection_id == connection_id) & (sinks.c.id == sink_id)
    row = connection.execute(select(sinks).where(mine).with_for_update(key_share=True)).one_or_none()
    return None if row is None else _of(row)


def failing_reason(connection: Connection, sink_id: str) -> str | None:
    """What came of the last attempt to write what waits first, None when nothing that waits was tried."""
    mine = (deliveries.c.sink_id == sink_id, deliveries.c.status == "waiting")
    first = select(deliveries.c.trail).where(*mine).order_by(deliveries.c.sequence).limit(1)
    trail = connection.scalar(first)
    return trail[-1].get("reason") if trail else None


def change(connection: Connection, sink: Sink) -> None:
    """Stores everything of it that may change."""
    values = {name: _stored(sink, name) for name in _CHANGEABLE}
    connection.execute(update(sinks).where(sinks.c.id == sink.id).values(values))


def remove(connection: Connection, connection_id: str, sink_id: str) -> bool:
    """Removes a sink with its deliveries; what is written there stays."""
    mine = (sinks.c.connection_id == connection_id) & (sinks.c.id == sink_id)
    return bool(connection.execute(delete(sinks).where(mine)).rowcount)


def reseal(connection: Connection, renewed: Callable[[bytes], bytes | None]) -> int:
    """Brings all credentials under another key; how many that were. `renewed`: the same secret, sealed anew, None when
    it need not be. It raises for one that no key opens: that is the caller's to take."""
    changed = 0
    columns = (sinks.c.id, sinks.c.credential_sealed)
    for row in connection.execute(select(*columns).order_by(sinks.c.id).with_for_update(key_share=True)).all():
        sealed = renewed(row.credential_sealed)
        if sealed is not None:
            connection.execute(update(sinks).where(sinks.c.id == row.id).values(credential_sealed=sealed))
            changed += 1
    return changed


def disabled(connection: Connection, connection_id: str) -> list[Sink]:
    """Those that nothing is written to any more, for nothing but failures came of it."""
    return [each for each in every(connection, connection_id) if each.disabled_reason not in (None, SWITCHED_OFF)]


def _of(row: Row[Any]) -> Sink:
    plain = {name: getattr(row, name) for name in Sink.__slots__}
    return Sink(**{**plain, "events": tuple(row.events), "options": dict(row.options)})
