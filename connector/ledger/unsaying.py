"""Unsaying: what was told of a person, by Crisp, by us and to others, is forgotten; that it was told stays."""

import json
from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, Text, cast, delete, false, or_, select

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
    alone = _outlived(connection, connection_id, names, sessions)
    telling.forget(connection, connection_id, [*told, *alone], now)
    connection.execute(delete(events).where(events.c.id.in_(told)))
    return count + len(told) + len(alone)


def _about(names: Collection[str], sessions: Collection[str]) -> ColumnElement[bool]:
    """Events of the person, and those that say of a person who has another address now that it was this one."""
    told = _says(cast(events.c.payload, Text), email=_addresses(names))
    return or_(events.c.email.in_(names), events.c.people_id.in_(names), events.c.session_id.in_(sessions), told)


def _outlived(
    connection: Connection, connection_id: str, names: Collection[str], sessions: Collection[str]
) -> set[str]:
    """Events that are not kept any more, while a delivery still says that they are about the person, or that one with
    another address now had this one."""
    lives = select(events.c.id).where(events.c.id == deliveries.c.event_id).exists()
    addresses = _addresses(names)
    told = _says(deliveries.c.body, email=addresses, people_id={*names} - addresses, session_id=sessions)
    mine = select(deliveries.c.event_id).where(deliveries.c.connection_id == connection_id, told, ~lives)
    return set(connection.scalars(mine))


def _addresses(names: Collection[str]) -> set[str]:
    return {name for name in names if "@" in name}


def _says(text: ColumnElement[str], **named: Collection[str]) -> ColumnElement[bool]:
    """Whether a text, which is JSON as the ledger writes it, has one of these values under its key, anywhere."""
    said = [f'"{key}":{json.dumps(value, ensure_ascii=False)}' for key, values in named.items() for value in values]
    return or_(false(), *(text.contains(each, autoescape=True) for each in said))
