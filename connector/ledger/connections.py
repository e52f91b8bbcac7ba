"""Connections (tenants) and their API keys."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from connector.budget import Limits
from connector.ids import new_id
from connector.ledger import quotas
from connector.ledger.remains import leave
from connector.ledger.tables import connections, keys, leases
from connector.ledger.upsert import insert_or_ignore, insert_or_update

SCOPES = ("read", "write", "admin")
# Asked for with every request, so made once.
_ONE = select(connections).where(connections.c.id == bindparam("b_id"))
_KEY = select(keys).where(keys.c.hash == bindparam("b_hash"))


@dataclass(frozen=True, slots=True)
class CrispConnection:
    """One Crisp website with its (encrypted) credential and limits."""

    id: str
    label: str
    website_id: str
    tier: str
    identifier: str
    key_sealed: bytes = field(repr=False)
    daily_quota: int
    rate: int | None
    halted: str | None = None
    findings: dict[str, Any] = field(default_factory=dict)
    probed_at: int | None = None
    added_by: str | None = None
    created_at: int = field(default=0, compare=False)

    @property
    def limits(self) -> Limits:
        """What its token may call."""
        return Limits(self.daily_quota, self.rate)


def save(connection: Connection, wanted: CrispConnection, now: int) -> None:
    """Inserts or replaces a connection; a quota that was used up and is raised has room at once. Its quota is locked
    first, as where an answer halts it."""
    before = get(connection, wanted.id)
    more = before is not None and wanted.daily_quota > before.daily_quota
    quotas.reopen(connection, wanted.id, wanted.limits, more=more)
    insert_or_update(connection, connections, [_row(wanted, now)], ("id",), kept=("created_at", "added_by"))


def add(connection: Connection, wanted: CrispConnection, now: int) -> bool:
    """Inserts a connection; False when one of its id is there."""
    return insert_or_ignore(connection, connections, _row(wanted, now))


def _row(wanted: CrispConnection, now: int) -> dict[str, Any]:
    counts_in = quotas.quota_id(wanted.id, wanted.tier, wanted.identifier)
    plain = {name: getattr(wanted, name) for name in CrispConnection.__slots__}
    return {**plain, "created_at": now, "quota_id": counts_in}


def every(connection: Connection) -> list[CrispConnection]:
    """All connections, the oldest first."""
    return [_of(row) for row in connection.execute(select(connections).order_by(connections.c.created_at))]


def hooks_of(connection: Connection, connection_id: str) -> tuple[bytes | None, bytes | None]:
    """The sealed secret of its plugin hooks, and the sealed key of its website hooks."""
    columns = (connections.c.hook_secret_sealed, connections.c.hook_key_sealed)
    row = connection.execute(select(*columns).where(connections.c.id == connection_id)).one_or_none()
    return (row.hook_secret_sealed, row.hook_key_sealed) if row else (None, None)


def save_hooks(connection: Connection, connection_id: str, sealed: Mapping[str, bytes | None]) -> None:
    """Replaces `hook_secret_sealed` or `hook_key_sealed`, or both."""
    connection.execute(update(connections).where(connections.c.id == connection_id).values(dict(sealed)))


def reached_by(connection: Connection, connection_id: str) -> list[CrispConnection]:
    """What the keys of a connection may manage: itself and those that were added with one of them."""
    mine = (connections.c.id == connection_id) | (connections.c.added_by == connection_id)
    return [_of(row) for row in connection.execute(select(connections).where(mine).order_by(connections.c.created_at))]


def get(connection: Connection, connection_id: str) -> CrispConnection | None:
    """One connection."""
    row = connection.execute(_ONE, {"b_id": connection_id}).one_or_none()
    return None if row is None else _of(row)


def locked(connection: Connection, connection_id: str) -> CrispConnection | None:
    """One connection that nobody changes until this transaction ends; records may still come in."""
    quotas.hold(connection, connection_id)
    mine = select(connections).where(connections.c.id == connection_id).with_for_update(key_share=True)
    row = connection.execute(mine).one_or_none()
    return None if row is None else _of(row)


def remove(connection: Connection, connection_id: str) -> bool:
    """Removes a connection and everything of it; those that were added with its keys stay, and are their own. Its
    lease comes first, then its quota, as in a drain's turn: in another order the two would wait for each other."""
    connection.execute(select(leases.c.token).where(leases.c.connection_id == connection_id).with_for_update())
    quotas.hold(connection, connection_id)
    leave(connection)
    quotas.forget(connection, connection_id)
    connection.execute(update(connections).where(connections.c.added_by == connection_id).values(added_by=None))
    return bool(connection.execute(delete(connections).where(connections.c.id == connection_id)).rowcount)


def reseal(connection: Connection, connection_id: str, before: bytes, after: bytes) -> bool:
    """Stores the same credential under another key, unless it was replaced meanwhile."""
    same = (connections.c.id == connection_id) & (connections.c.key_sealed == before)
    return bool(connection.execute(update(connections).where(same).values(key_sealed=after)).rowcount)


def halt(connection: Connection, connection_id: str, code: str | None, now: int) -> bool:
    """Halts a connection with a reason, or ends the halt (None). Returns whether that is new."""
    differs = connections.c.halted.is_distinct_from(code)
    changed = update(connections).where(connections.c.id == connection_id, differs).values(halted=code, halted_at=now)
    return bool(connection.execute(changed).rowcount)


def suggestions(connection: Connection, connection_id: str) -> tuple[dict[str, list[str]] | None, int]:
    """Segments and data keys in use (`{"segments", "data"}`), and when Crisp was asked for them."""
    columns = (connections.c.suggestions, connections.c.suggested_at)
    row = connection.execute(select(*columns).where(connections.c.id == connection_id)).one()
    return row.suggestions, row.suggested_at or 0


def save_suggestions(
    connection: Connection, connection_id: str, found: dict[str, list[str]] | None, asked_at: int
) -> None:
    """Stores what Crisp said is in use, None when it never did, and when it was asked."""
    changed = update(connections).where(connections.c.id == connection_id)
    connection.execute(changed.values(suggestions=found, suggested_at=asked_at))


def probed_at(connection: Connection, connection_id: str) -> int | None:
    """When its Crisp was probed (UNIX milliseconds), None when it never was."""
    when: int | None = connection.scalar(select(connections.c.probed_at).where(connections.c.id == connection_id))
    return when


def save_findings(connection: Connection, connection_id: str, findings: dict[str, Any], probed_at: int | None) -> None:
    """Stores what was found out about its Crisp, and when."""
    changed = update(connections).where(connections.c.id == connection_id)
    connection.execute(changed.values(findings=findings, probed_at=probed_at))


def _of(row: Row[Any]) -> CrispConnection:
    plain = {name: getattr(row, name) for name in CrispConnection.__slots__}
    return CrispConnection(**plain)


@dataclass(frozen=True, slots=True)
class Key:
    """An API key without its secret."""

    id: str
    connection_id: str
    label: str
    scopes: tuple[str, ...]
    created_at: int
    revoked_at: int | None = None
    used_at: int | None = None


def digest(secret: str) -> str:
    """SHA-256; the keys that we make have 256 random bits, so no slow hash is needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def add_key(
    connection: Connection, connection_id: str, secret: str, *, label: str, scopes: tuple[str, ...], now: int
) -> Key:
    """Stores a key by its hash. Adding the same secret again gives the key that is there."""
    known = find_key(connection, secret)
    if known is not None and known.connection_id == connection_id:
        return known
    key = Key(new_id(), connection_id, label, scopes, now)
    row = {"id": key.id, "connection_id": connection_id, "hash": digest(secret), "label": label, "scopes": list(scopes)}
    connection.execute(insert(keys), {**row, "created_at": now})
    return key


def find_key(connection: Connection, secret: str) -> Key | None:
    """The key with this secret, revoked or not."""
    wanted = digest(secret)
    row = connection.execute(_KEY, {"b_hash": wanted}).one_or_none()
    return to_key(row) if row is not None and hmac.compare_digest(row.hash, wanted) else None


def used_key(connection: Connection, key_id: str, now: int) -> None:
    """Writes down that a key was used."""
    connection.execute(update(keys).where(keys.c.id == key_id).values(used_at=now))


def has_admin_key(connection: Connection) -> bool:
    """Whether somebody has a key of any connection that may do everything."""
    living = connection.execute(select(keys).where(keys.c.revoked_at.is_(None)))
    return any("admin" in row.scopes for row in living)


def forget_key(connection: Connection, secret: str) -> None:
    """Removes the key with this secret."""
    connection.execute(delete(keys).where(keys.c.hash == digest(secret)))


def list_keys(connection: Connection, connection_id: str) -> list[Key]:
    """A connection's keys, the oldest first."""
    listing = select(keys).where(keys.c.connection_id == connection_id).order_by(keys.c.id)
    return [to_key(row) for row in connection.execute(listing)]


def revoke_key(connection: Connection, connection_id: str, key_id: str, now: int) -> bool:
    """Ends a key at once."""
    mine = (keys.c.connection_id == connection_id) & (keys.c.id == key_id) & keys.c.revoked_at.is_(None)
    return bool(connection.execute(update(keys).where(mine).values(revoked_at=now)).rowcount)


def to_key(row: Row[Any]) -> Key:
    """The key in a row of their table."""
    return Key(row.id, row.connection_id, row.label, tuple(row.scopes), row.created_at, row.revoked_at, row.used_at)
