"""Rows for the ledger as the intake would write them."""

from collections.abc import Iterable, Mapping
from typing import Any

from connector.contact import Contact
from connector.ids import new_id
from connector.ledger import Ledger, records
from connector.ledger import connections as tenants
from connector.ledger.connections import CrispConnection
from connector.ledger.lanes import BULK
from connector.ledger.leases import Lease
from connector.ledger.leases import take as take_lease

NOW = 1_700_000_000_000


def tenant(tenant_id: str = "W", **more: Any) -> CrispConnection:
    """A connection that is not saved yet."""
    plain: dict[str, Any] = {
        "id": tenant_id,
        "label": "a shop",
        "website_id": tenant_id,
        "tier": "website",
        "identifier": "I",
        "key_sealed": b"sealed",
        "daily_quota": 10_000,
        "rate": None,
    }
    return CrispConnection(**{**plain, **more})


def add_tenant(ledger: Ledger, tenant_id: str = "W", **more: Any) -> CrispConnection:
    """A connection in the ledger."""
    made = tenant(tenant_id, **more)
    with ledger.write() as connection:
        tenants.save(connection, made, NOW)
    return made


def contact(
    email: str, *, segments: Iterable[str] = (), data: Mapping[str, Any] | None = None, **fields: Any
) -> Contact:
    """A contact with this address."""
    return Contact({"email": email, **fields}, tuple(segments), dict(data or {}))


def row(said: Contact | None, connection_id: str = "W", **more: Any) -> dict[str, Any]:
    """A waiting, due record that says this; without a contact it was rejected on its way in."""
    email = said.email if said else None
    plain: dict[str, Any] = {
        "id": new_id(),
        "connection_id": connection_id,
        "import_id": None,
        "row": 1,
        "source": "generic",
        "source_id": None,
        "who": email,
        "email": email,
        "people_id": None,
        "mode": "upsert",
        "lane": BULK,
        "status": "waiting" if said else "rejected",
        "code": None,
        "detail": None,
        "contact": said.flat() if said else None,
        "at": None,
        "notes": [],
        "changed": [],
        "calls": 0,
        "trail": [],
        "step": None,
        "unsure": None,
        "attempts": 0,
        "failing_since": None,
        "claim": None,
        "due_at": NOW if said else None,
        "superseded_by": None,
        "created_at": NOW,
        "finished_at": None if said else NOW,
    }
    return {**plain, **more}


def add_rows(ledger: Ledger, rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Stores records; returns their ids in the same order."""
    rows = list(rows)
    with ledger.write() as connection:
        records.add(connection, rows)
    return [each["id"] for each in rows]


def grant(ledger: Ledger, now: int = NOW, holder: str = "a drain", connection_id: str = "W") -> Lease:
    """The lease, which must be free."""
    with ledger.write() as connection:
        lease = take_lease(connection, connection_id, holder, now)
    assert lease is not None, "the lease is not free"
    return lease


def outcome(ledger: Ledger, record_id: str, connection_id: str = "W") -> Any:
    """A record's row, which must be there."""
    with ledger.read() as connection:
        found = records.get(connection, connection_id, record_id)
    assert found is not None, f"record {record_id} is gone"
    return found
