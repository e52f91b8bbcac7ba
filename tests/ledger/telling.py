"""Subscriptions, sinks and deliveries as a test wants them."""

from typing import Any

from sqlalchemy import insert, select, update

from connector.hooks.plan import Attempt, Next
from connector.ids import new_id
from connector.ledger import Ledger, claims, deliveries, subscriptions
from connector.ledger.claims import Claim, Target
from connector.ledger.subscriptions import Subscription
from connector.ledger.tables import deliveries as rows
from connector.ledger.tables import sinks
from tests.building import NOW

PAYLOAD: dict[str, Any] = {
    "id": "e1",
    "contact": {"email": "ada@example.com", "segments": ["vip"]},
    "changed": ["city"],
}


def subscribe(ledger: Ledger, event: str = "contact_created", **more: Any) -> str:
    """A subscription of the connection W; its id."""
    made = new_id()
    plain: dict[str, Any] = {
        "id": made,
        "connection_id": "W",
        "event": event,
        "target_url": "https://hooks.example.com/x",
        "filter": {},
        "include_own": False,
        "fingerprint": made,
        "created_at": NOW,
        "secret_sealed": b"sealed",
        "token_sealed": b"sealed",
        "token_hash": subscriptions.hash_of("token"),
    }
    with ledger.write() as connection:
        assert subscriptions.add(connection, Subscription(**{**plain, **more}))
    return str({**plain, **more}["id"])


def add_sink(ledger: Ledger, *events: str, **more: Any) -> str:
    """A sink of the connection W for these events; its id."""
    made = {"id": new_id(), "connection_id": "W", "kind": "test", "label": "a sheet", "events": list(events)}
    with ledger.write() as connection:
        sealed = {"credential_sealed": b"sealed", "created_at": NOW, "options": {}}
        connection.execute(insert(sinks), {**made, **sealed, **more})
    return str(made["id"])


def tell(ledger: Ledger, event: str = "contact_created", now: int = NOW, **more: Any) -> int:
    """An event of the connection W; how many want it."""
    told: dict[str, Any] = {"event_id": new_id(), "own": False, "who": new_id(), "payload": PAYLOAD}
    with ledger.write() as connection:
        return deliveries.tell(connection, "W", event=event, now=now, **{**told, **more})


def claim(
    ledger: Ledger, holder: str = "a", now: int = NOW, limit: int = 64, **more: Any
) -> list[tuple[Target, Claim]]:
    """Claims for a minute."""
    with ledger.write() as connection:
        return claims.claim(connection, holder, now, now + 60_000, limit, more.pop("per_target", 4), **more)


def all_of(ledger: Ledger, **equal: Any) -> list[Any]:
    """Deliveries, in the order in which they were written."""
    with ledger.read() as connection:
        wanted = [rows.c[name] == value for name, value in equal.items()]
        return list(connection.execute(select(rows).where(*wanted).order_by(rows.c.sequence, rows.c.id)))


def found(ledger: Ledger, subscription_id: str) -> Subscription | None:
    """The subscription as it is."""
    with ledger.read() as connection:
        return subscriptions.get(connection, "W", subscription_id)


def change(ledger: Ledger, delivery_id: str, **values: Any) -> None:
    """Changes a delivery."""
    with ledger.write() as connection:
        connection.execute(update(rows).where(rows.c.id == delivery_id).values(values))


def said(status: int | None = 200, at: int = NOW) -> Attempt:
    """An attempt that was answered so."""
    return Attempt(at, 7, status, None if status else "the connection broke off")


DELIVERED, AGAIN = Next("delivered"), Next("waiting", NOW + 5_000)
