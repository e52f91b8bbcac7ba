"""Inbound addresses: where the webhooks of other systems come in, and what is known of each."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update

from connector.ledger.remains import leave
from connector.ledger.tables import inbounds


@dataclass(frozen=True, slots=True)
class Address:
    """An address for one source of one connection.

    `secret_sealed`: the secret and, after a rotation, the one before it, separated by a line break. `options`: how what
    comes is read. `state`: `old_until`, `verified_at`, `next_slot_at` (UNIX milliseconds), `token` (the secret is one
    that Notion made), `access_sealed` and `access_until` (an access token that the system gave, and how long).
    """

    id: str
    connection_id: str
    source: str
    label: str
    secret_sealed: bytes = field(repr=False)
    credential_sealed: bytes | None = field(repr=False)
    options: Mapping[str, Any]
    state: Mapping[str, Any]
    created_at: int


def add(connection: Connection, address: Address) -> None:
    """Stores a new address."""
    connection.execute(insert(inbounds), _row(address))


def save(connection: Connection, address: Address) -> None:
    """Stores what has changed of an address that is there."""
    connection.execute(update(inbounds).where(inbounds.c.id == address.id).values(_row(address)))


def get(connection: Connection, connection_id: str, inbound_id: str) -> Address | None:
    """One address of a connection."""
    return _found(connection, _mine(connection_id, inbound_id))


def find(connection: Connection, source: str, inbound_id: str) -> Address | None:
    """The address of this source and id, of whichever connection."""
    return _found(connection, (inbounds.c.id == inbound_id) & (inbounds.c.source == source))


def locked(connection: Connection, inbound_id: str) -> Address | None:
    """One address that nobody changes, and at which nothing arrives, until this transaction ends."""
    mine = select(inbounds).where(inbounds.c.id == inbound_id).with_for_update(key_share=True)
    row = connection.execute(mine).one_or_none()
    return None if row is None else _of(row)


def is_locked(connection: Connection, inbound_id: str) -> bool:
    """The same, of an address that nobody has locked; whether it is."""
    mine = select(inbounds.c.id).where(inbounds.c.id == inbound_id).with_for_update(key_share=True, skip_locked=True)
    return connection.execute(mine).one_or_none() is not None


def newest(connection: Connection, connection_id: str, *, before: str | None, limit: int) -> list[Address]:
    """A connection's addresses, newest first, from before this id on."""
    wanted = inbounds.c.connection_id == connection_id
    if before is not None:
        wanted &= inbounds.c.id < before
    listing = select(inbounds).where(wanted).order_by(inbounds.c.id.desc()).limit(limit)
    return [_of(row) for row in connection.execute(listing)]


def of_sources(connection: Connection, connection_id: str, sources: Collection[str]) -> dict[str, Address]:
    """A connection's addresses for these sources, by id."""
    mine = (inbounds.c.connection_id == connection_id) & inbounds.c.source.in_(sources)
    return {row.id: _of(row) for row in connection.execute(select(inbounds).where(mine))}


def accounts(connection: Connection, connection_id: str, source: str) -> int:
    """How many accounts of a source a connection's addresses may be for: what does not say its account is one."""
    mine = (inbounds.c.connection_id == connection_id) & (inbounds.c.source == source)
    rows = connection.execute(select(inbounds.c.id, inbounds.c.options).where(mine))
    return len({row.options.get("sender") or row.id for row in rows})


def remove(connection: Connection, connection_id: str, inbound_id: str) -> bool:
    """Removes an address with everything that arrived there; what was accepted stays."""
    removed = connection.execute(delete(inbounds).where(_mine(connection_id, inbound_id))).rowcount
    leave(connection)
    return bool(removed)


def take_slot(connection: Connection, inbound_id: str, now: int, *, gap: int, patience: int) -> int | None:
    """When the next request to this address's system may be made (UNIX milliseconds); the one after it comes `gap`
    milliseconds later. None when the address is gone. A time later than `patience` milliseconds from now is only told,
    not taken."""
    address = locked(connection, inbound_id)
    if address is None:
        return None
    slot = max(now, int(address.state.get("next_slot_at", 0)))
    if slot - now <= patience:
        _save_state(connection, address, next_slot_at=slot + gap)
    return slot


def pause(connection: Connection, inbound_id: str, until: int) -> None:
    """No request is made to this address's system before this time (UNIX milliseconds)."""
    address = locked(connection, inbound_id)
    if address is not None:
        _save_state(connection, address, next_slot_at=max(until, int(address.state.get("next_slot_at", 0))))


def keep_access(connection: Connection, inbound_id: str, told: Mapping[str, Any] | None) -> None:
    """Keeps the access token that an address's system has given (`access_sealed`, `access_until`), or forgets it."""
    address = locked(connection, inbound_id)
    if address is not None:
        state = {name: value for name, value in address.state.items() if not name.startswith("access_")}
        _save(connection, inbound_id, {**state, **(told or {})})


def verified(connection: Connection, address: Address, now: int) -> None:
    """Something came that was proved to be true: from now on no handshake is taken."""
    _save_state(connection, address, verified_at=now)


def every(connection: Connection) -> list[Address]:
    """All addresses of all connections."""
    return [_of(row) for row in connection.execute(select(inbounds).order_by(inbounds.c.id))]


def _save_state(connection: Connection, address: Address, **changes: int) -> None:
    _save(connection, address.id, {**address.state, **changes})


def _save(connection: Connection, inbound_id: str, state: Mapping[str, Any]) -> None:
    connection.execute(update(inbounds).where(inbounds.c.id == inbound_id).values(state=dict(state)))


def _mine(connection_id: str, inbound_id: str) -> ColumnElement[bool]:
    return (inbounds.c.connection_id == connection_id) & (inbounds.c.id == inbound_id)


def _found(connection: Connection, which: ColumnElement[bool]) -> Address | None:
    row = connection.execute(select(inbounds).where(which)).one_or_none()
    return None if row is None else _of(row)


def _row(address: Address) -> dict[str, Any]:
    return {name: getattr(address, name) for name in Address.__slots__}


def _of(row: Row[Any]) -> Address:
    return Address(**{name: getattr(row, name) for name in Address.__slots__})
