"""Unsaying: what was told of a person, by Crisp, by us and to others, is forgotten; that it was told stays."""

import json
from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, cast, delete, or_, select

from connector.ledger import deliveries as telling
from connector.ledger import hooks
from connector.ledger.tables import deliveries, events


def unsay(connection: Connection, connection_id: str, names: Collection[str], now: int) -> int:
    """Takes a person out of what Crisp told, of events, and of what is or was sent of them; how many of these there
    were.

    In the order in which news goes its way, so that whoever is at it is waited for and what it made is found after
    that: what is not understood, events, deliveries.
    """
    sessions, count = hooks.forget_person(connection, connection_id, names)
    mine = (events.c.connection_id == connection_id) & _about(names, sessions)
    connection.execute(select(events.c.id).where(mine).order_by(events.c.id).with_for_update()).all()
    # Looked for once more: who told one of them has begun another about the same person.
    told = connection.scalars(select(events.c.id).where(mine)).all()
    alone = set(_outlived(connection, connection_id, {*names, *sessions}))
    telling.forget(connection, connection_id, [*told, *alone], now)
    connection.execute(delete(events).where(events.c.id.in_(told)))
    return count + len(told) + len(alone)


def _about(names: Collection[str], sessions: Collection[str]) -> ColumnElement[bool]:
    """Events of the person, and those that say of a person who has another address now that it was this one."""
    # As the ledger writes JSON.
    said, addresses = cast(events.c.payload, Text), (name for name in names if "@" in name)
    named = (
        said.contains(f'"email":{json.dumps(address, ensure_ascii=False)}', autoescape=True) for address in addresses
    )
    return or_(events.c.email.in_(names), events.c.people_id.in_(names), events.c.session_id.in_(sessions), *named)


def _outlived(connection: Connection, connection_id: str, names: Collection[str]) -> Iterator[str]:
    """Events that are not kept any more, while a delivery still says of them that they are about one of these."""
    lives = select(events.c.id).where(events.c.id == deliveries.c.event_id).exists()
    named = or_(*(deliveries.c.body.contains(name, autoescape=True) for name in names))
    mine = select(deliveries.c.event_id, deliveries.c.body).where(deliveries.c.connection_id == connection_id)
    for event_id, body in connection.execute(mine.where(named, ~lives)).all():
        if _whom(json.loads(body)) & set(names):
            yield event_id


def _whom(said: dict[str, Any]) -> set[Any]:
    """The names of the person whom an event is about."""
    contact = said.get("contact", {})
    return {contact.get("email"), contact.get("people_id"), said.get("session_id")}
