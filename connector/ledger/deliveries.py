"""Deliveries: one event for one who wants it, written in the transaction that makes the event final."""

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    ScalarSelect,
    Select,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)

from connector.hooks.conditions import fits
from connector.ids import new_id
from connector.ledger import choosing
from connector.ledger.tables import deliveries, sinks, subscriptions

# Made once: `json.dumps` makes one for every value.
_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

ENDED = ("delivered", "dead")


def _last(target: ColumnElement[Any], own: ColumnElement[Any]) -> ScalarSelect[Any]:
    """The last sequence that this one was told."""
    return select(func.max(deliveries.c.sequence)).where(target == own).scalar_subquery()


def _wanting(table: Any, target: ColumnElement[Any], *columns: ColumnElement[Any]) -> Select[Any]:
    """Who may want an event of a connection. Nobody is removed before this transaction ends: what is written for who
    is not there any more would undo the event itself."""
    last = _last(target, table.c.id).label("last")
    enabled = (table.c.connection_id == bindparam("b_connection")) & table.c.disabled_at.is_(None)
    found = select(table.c.id, *columns, last).where(enabled).order_by(table.c.id)
    return found.with_for_update(read=True, key_share=True, of=table)


_SUBSCRIBERS = _wanting(
    subscriptions, deliveries.c.subscription_id, subscriptions.c.filter, subscriptions.c.include_own
).where(subscriptions.c.event == bindparam("b_event"))
_SINKS = _wanting(sinks, deliveries.c.sink_id, sinks.c.events, sinks.c.options)


def tell(
    connection: Connection,
    connection_id: str,
    *,
    event_id: str,
    event: str,
    own: bool,
    who: str,
    payload: Mapping[str, Any],
    now: int,
) -> int:
    """Writes a delivery for everybody who wants this event; how many they are.

    For the transaction that makes the event final. `own`: the echo of our own write, for those alone who include it;
    `who`: the person whom it is about, empty when it is about none. `payload` is frozen here: every attempt sends the
    same bytes. A delivery's `sequence` is the time (UNIX milliseconds), or one more than the last of the same
    subscription: it grows from one transaction to the next without a row that all would have to wait for.
    """
    body = _dumps(payload)
    about = {"connection_id": connection_id, "event_id": event_id, "event": event, "body": body, "created_at": now}
    new = {"status": "waiting", "attempts": 0, "trail": [], "due_at": now, "sink_id": None, "subscription_id": None}
    rows = [
        {**about, **new, column: row.id, "id": new_id(), "person": _person(row.id, who), "sequence": _next(row, now)}
        for column, row in _wanted(connection, connection_id, event, payload, own=own)
    ]
    if rows:
        connection.execute(insert(deliveries), rows)
    return len(rows)


def _wanted(
    connection: Connection, connection_id: str, event: str, payload: Mapping[str, Any], *, own: bool
) -> Iterator[tuple[str, Row[Any]]]:
    """Everybody who wants it: the column that names the row, and the row."""
    named = {"b_connection": connection_id}
    for row in connection.execute(_SUBSCRIBERS, {**named, "b_event": event}).all():
        if (not own or row.include_own) and fits(row.filter, payload):
            yield "subscription_id", row
    for row in connection.execute(_SINKS, named).all():
        if event in row.events and (not own or row.options.get("include_own")):
            yield "sink_id", row


def _next(row: Row[Any], now: int) -> int:
    return max(now, (row.last or 0) + 1)


def _person(target_id: str, who: str) -> int:
    """Tells the persons of one subscription apart, and names none; 0 stands for nobody."""
    return zlib.crc32(f"{target_id}:{who}".encode("utf-8", "replace")) if who else 0


def newest(
    connection: Connection, connection_id: str, *, before: str | None, limit: int, **equal: str
) -> list[Row[Any]]:
    """Deliveries newest first, those before a cursor, with these columns equal."""
    listing = select(deliveries).where(deliveries.c.connection_id == connection_id)
    listing = listing.where(*(deliveries.c[name] == value for name, value in equal.items()))
    if before:
        listing = listing.where(deliveries.c.id < before)
    return list(connection.execute(listing.order_by(deliveries.c.id.desc()).limit(limit)))


def get(connection: Connection, connection_id: str, delivery_id: str) -> Row[Any] | None:
    """One delivery."""
    mine = (deliveries.c.connection_id == connection_id) & (deliveries.c.id == delivery_id)
    return connection.execute(select(deliveries).where(mine)).one_or_none()


def chosen(
    *,
    ids: Sequence[str] | None = None,
    subscription_id: str | None = None,
    since: int | None = None,
    until: int | None = None,
) -> list[ColumnElement[bool]]:
    """Conditions for `replay`: every one that is given must hold. `since` and `until`: when the delivery was written
    (UNIX milliseconds)."""
    equal = {deliveries.c.subscription_id: subscription_id}
    return choosing.conditions(deliveries.c.created_at, equal, ids=ids, since=since, until=until)


def known(connection: Connection, connection_id: str, ids: Sequence[str]) -> set[str]:
    """Those of these ids that are deliveries of the connection."""
    return choosing.known(connection, deliveries, connection_id, ids)


def replay(connection: Connection, connection_id: str, conditions: Sequence[Any], now: int) -> int:
    """What was delivered or given up is told once more, by the whole schedule; how many those are. Not what was
    forgotten, nor what a disabled subscription was to be told."""
    mine = (deliveries.c.connection_id == connection_id) & deliveries.c.body.is_not(None)
    told = select(subscriptions.c.id).where(
        subscriptions.c.id == deliveries.c.subscription_id, subscriptions.c.disabled_at.is_(None)
    )
    written = select(sinks.c.id).where(sinks.c.id == deliveries.c.sink_id, sinks.c.disabled_at.is_(None))
    again = (mine, deliveries.c.status.in_(ENDED), told.exists() | written.exists(), *conditions)
    values = {"status": "waiting", "due_at": now, "attempts": 0, "finished_at": None}
    return connection.execute(update(deliveries).where(*again).values(values)).rowcount


def end(connection: Connection, target: ColumnElement[bool], now: int) -> int:
    """What waits (for a subscription or a sink) is given up; how many those are. Replayed, it is told all the same."""
    waiting = (target, deliveries.c.status == "waiting")
    given_up = {"status": "dead", "due_at": None, "claim": None, "claimed_until": None, "finished_at": now}
    return connection.execute(update(deliveries).where(*waiting).values(given_up)).rowcount


def forget(connection: Connection, connection_id: str, event_ids: Sequence[str], now: int) -> int:
    """Nothing is told of these events any more, and nothing of what they said is kept; how many deliveries those are.
    That an event was told stays."""
    mine = (deliveries.c.connection_id == connection_id) & deliveries.c.event_id.in_(event_ids)
    # In the order in which all others lock them.
    connection.execute(select(deliveries.c.id).where(mine).order_by(deliveries.c.id).with_for_update()).all()
    end(connection, mine, now)
    return connection.execute(update(deliveries).where(mine).values(body=None, person=0)).rowcount


def purge(connection: Connection, before: int, *, limit: int) -> int:
    """Removes deliveries that were written before this time and have ended, so many at most; how many those were."""
    # Ids begin with the time at which they were made, so the oldest come first.
    old = (deliveries.c.id < f"{before:012x}") & deliveries.c.status.in_(ENDED) & (deliveries.c.created_at < before)
    which = select(deliveries.c.id).where(old).order_by(deliveries.c.id).limit(limit)
    return connection.execute(delete(deliveries).where(deliveries.c.id.in_(which))).rowcount
