"""Hooks: what Crisp told, until it is understood, and which person a conversation is with."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, select, update

from connector.ids import new_id
from connector.ledger.naming import says
from connector.ledger.tables import hooks, sessions
from connector.ledger.upsert import insert_or_ignore, insert_or_update

_FIRST = (hooks.c.due_at, hooks.c.id)
# Asked for every second, so made once.
_ANY_DUE = select(hooks.c.id).where(hooks.c.due_at <= bindparam("b_now")).limit(1)


def add(connection: Connection, row: Mapping[str, Any]) -> bool:
    """Stores what Crisp told; False when the same was told before."""
    return insert_or_ignore(connection, hooks, row)


def signature_of(connection: Connection, connection_id: str, digest: str) -> str | None:
    """How the same was signed when it came first."""
    mine = (hooks.c.connection_id == connection_id) & (hooks.c.digest == digest)
    found: str | None = connection.scalar(select(hooks.c.signature).where(mine))
    return found


def expect_removal(connection: Connection, connection_id: str, people_ids: Iterable[str], now: int) -> None:
    """We remove these from Crisp: what it tells of that is our own doing. Nobody is named by what is kept."""
    for people_id in people_ids:
        row = {"id": new_id(), "connection_id": connection_id, "digest": _removal(people_id), "way": "own"}
        more = {"event": "people:profile:removed", "outcome": "known", "received_at": now}
        insert_or_update(connection, hooks, [{**row, **more}], ("connection_id", "digest"), kept=("id",))


def is_expected(connection: Connection, connection_id: str, people_id: str) -> bool:
    """Whether we have removed this person from Crisp of late."""
    mine = (hooks.c.connection_id == connection_id) & (hooks.c.digest == _removal(people_id))
    return connection.scalar(select(hooks.c.id).where(mine)) is not None


def _removal(people_id: str) -> str:
    return hashlib.sha256(f"removed by us: {people_id}".encode()).hexdigest()


def due(connection: Connection, now: int, limit: int) -> list[Row[Any]]:
    """What is to be understood by now, in the order in which it came. Where several processes do that, one waits for
    the other: what is understood first is gathered first."""
    ready = select(hooks).where(hooks.c.due_at <= now).order_by(*_FIRST).limit(limit)
    return list(connection.execute(ready.with_for_update()))


def any_due(connection: Connection, now: int) -> bool:
    """Whether there is something to understand by now."""
    return connection.scalar(_ANY_DUE, {"b_now": now}) is not None


def finish(connection: Connection, outcomes: Mapping[str, str]) -> None:
    """Understood: what was said is dropped, that it was said is kept."""
    for outcome in set(outcomes.values()):
        ids = [hook_id for hook_id, each in outcomes.items() if each == outcome]
        connection.execute(update(hooks).where(hooks.c.id.in_(ids)).values(outcome=outcome, body=None, due_at=None))


def purge(connection: Connection, before: int) -> int:
    """Forgets that anything was told before this time."""
    old = (hooks.c.received_at < before) & hooks.c.due_at.is_(None)
    return connection.execute(delete(hooks).where(old)).rowcount


def unknown(connection: Connection, connection_id: str) -> dict[str, int]:
    """Names of events that are not known here, and how often each came of late."""
    mine = (hooks.c.connection_id == connection_id) & (hooks.c.outcome == "unknown")
    counted = select(hooks.c.event, func.count()).where(mine).group_by(hooks.c.event)
    return {row[0]: row[1] for row in connection.execute(counted)}


def last(connection: Connection, connection_id: str) -> int | None:
    """When Crisp told anything last (UNIX milliseconds)."""
    newest = select(func.max(hooks.c.received_at)).where(hooks.c.connection_id == connection_id, hooks.c.way != "own")
    found: int | None = connection.scalar(newest)
    return found


def link(connection: Connection, row: Mapping[str, Any]) -> None:
    """Which person a conversation is with; what is not said now stays as it was."""
    said = {key: value for key, value in row.items() if value is not None}
    insert_or_update(connection, sessions, [said], ("connection_id", "session_id"))


def person_of(connection: Connection, connection_id: str, session_id: str) -> Row[Any] | None:
    """The person of a conversation: `people_id`, `email`."""
    mine = (sessions.c.connection_id == connection_id) & (sessions.c.session_id == session_id)
    return connection.execute(select(sessions).where(mine)).one_or_none()


def rename_person(connection: Connection, connection_id: str, before: str, email: str) -> None:
    """Conversations with a person who has another address now are still with that person."""
    mine = (sessions.c.connection_id == connection_id) & (sessions.c.email == before)
    # In the order in which they are linked.
    connection.execute(
        select(sessions.c.session_id).where(mine).order_by(sessions.c.session_id).with_for_update()
    ).all()
    connection.execute(update(sessions).where(mine).values(email=email))


def forget_person(connection: Connection, connection_id: str, names: Collection[str]) -> tuple[set[str], int]:
    """Takes a person out of the conversations, and out of what Crisp told and is not understood yet: the conversations,
    and how many rows said anything of it. Who is just understanding any of it is waited for."""
    untold = (hooks.c.connection_id == connection_id) & hooks.c.body.is_not(None)
    waiting = select(hooks.c.id, hooks.c.body).where(untold).order_by(*_FIRST).with_for_update()
    held = connection.execute(waiting).all()
    known = sessions.c.email.in_(names) | sessions.c.people_id.in_(names)
    linked = delete(sessions).where(sessions.c.connection_id == connection_id, known)
    theirs = set(connection.scalars(linked.returning(sessions.c.session_id)))
    told = [row.id for row in held if says(row.body.encode(), {*names, *theirs})]
    finish(connection, dict.fromkeys(told, "nothing"))
    return theirs, len(theirs) + len(told)
