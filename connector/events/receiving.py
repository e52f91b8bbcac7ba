"""Receiving: what Crisp tells is on disk before it is answered; everything else comes after."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection

from connector.crisp.events import Told, Way
from connector.ids import new_id
from connector.ledger import Ledger, hooks

Received = Literal["stored", "known", "replayed"]


@dataclass(frozen=True, slots=True)
class Hook:
    """An event and how it came: the body as it came, and its signature where there is one."""

    told: Told
    way: Way
    body: str
    signature: str | None = None


def receive(ledger: Ledger, connection_id: str, hook: Hook, now: int) -> Received:
    """Stores an event in one durable commit.

    The same event, told once more, is `known`: Crisp repeats what was not answered, and may tell by two ways. With the
    same signature as before it is `replayed`.
    """
    row = {
        "id": new_id(),
        "connection_id": connection_id,
        "digest": hook.told.digest,
        "signature": hook.signature,
        "way": hook.way,
        "event": hook.told.event,
        "body": hook.body,
        "received_at": now,
        "due_at": now,
    }
    with ledger.write(durable=True) as connection:
        if hooks.add(connection, row):
            return "stored"
        return "replayed" if _is_replayed(connection, row) else "known"


def _is_replayed(connection: Connection, row: Mapping[str, Any]) -> bool:
    """Whether the known event came with this signature before; a new signature of it is kept as well."""
    if row["signature"] is None:
        return False
    first = hooks.signature_of(connection, row["connection_id"], row["digest"])
    kept = {"digest": row["signature"], "body": None, "due_at": None, "outcome": "known"}
    return bool(first == row["signature"] or not hooks.add(connection, {**row, **kept}))
