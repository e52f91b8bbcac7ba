"""Hooks: what Crisp told, until it is understood, and which person a conversation is with."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, Row, delete, func, or_, select, update

from connector.ledger.tables import hooks, sessions
from connector.ledger.upsert import insert_or_ignore, insert_or_update


def add(connection: Connection, row: Mapping[str, Any]) -> bool:
    """Stores what Crisp told; False when the same was told before."""
    return insert_or_ignore(connection, hooks, row)


def signature_of(connection: Connection, connection_id: str, digest: str) -> str | None:
    """How the same was signed when it came first."""
    mine = (hooks.c.connection_id == connection_id) & (hooks.c.digest == digest)
    found: str | None = connection.scalar(select(hooks.c.signature).where(mine))
    return found


def due(connection: Connection, now: int, limit: int) -> list[Row[Any]]:
    """What is to be understood by now, in the order in which it came. Where several processes do that, each gets
    others."""
    ready = select(hooks).where(hooks.c.due_at <= now).order_by(hooks.c.due_at, hooks.c.id).limit(limit)
    return list(connection.execute(ready.with_for_update(skip_locked=True)))


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
    newest = select(func.max(hooks.c.received_at)).where(hooks.c.connection_id == connection_id)
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


def forget_person(connection: Connection, connection_id: str, names: Collection[str]) -> int:
    """Takes a person out of the conversations, and out of what Crisp told and is not understood yet."""
    named = or_(*(hooks.c.body.icontains(name, autoescape=True) for name in names))
    untold = update(hooks).where(hooks.c.connection_id == connection_id, hooks.c.body.is_not(None), named)
    connection.execute(untold.values(body=None, due_at=None, outcome="nothing"))
    known = sessions.c.email.in_(names) | sessions.c.people_id.in_(names)
    return connection.execute(delete(sessions).where(sessions.c.connection_id == connection_id, known)).rowcount
