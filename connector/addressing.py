"""Inbound addresses are looked at and removed, and shown: the same over HTTP and from the command line."""

from typing import Any

from sqlalchemy import Connection, Row

from connector.convert.times import from_milliseconds, moment_of
from connector.errors import Problem
from connector.inbound import secret
from connector.inbound.managing import OPTIONS, known_to
from connector.inbound.steps import left_out_of, steps_of
from connector.ledger import arrivals, inbounds, pulls
from connector.ledger.inbounds import Address
from connector.platforms import google_sheets
from connector.services import Services


def get(services: Services, connection_id: str, inbound_id: str) -> Address:
    """One address. Raises `inbound_missing`."""
    with services.ledger.read() as connection:
        return known_to(inbounds.get(connection, connection_id, inbound_id), connection_id)


def remove(services: Services, connection_id: str, inbound_id: str) -> None:
    """Removes an address: what comes to it from now on is refused. Raises `inbound_missing`."""
    with services.ledger.write(durable=True) as connection:
        if not inbounds.remove(connection, connection_id, inbound_id):
            raise Problem("inbound_missing")


def url_of(address: Address, base_url: str) -> str:
    """Where the other system sends."""
    return f"{base_url.rstrip('/')}/in/{address.source}/{address.id}"


def script_of(address: Address, base_url: str) -> str:
    """The Apps Script of a Google Sheet with its address in it; the secret is asked for by its menu. Raises
    `script_unsupported`."""
    if address.source != google_sheets.KEY:
        raise Problem("script_unsupported", source=address.source)
    return google_sheets.script(url_of(address, base_url))


def shown(services: Services, address: Address, base_url: str) -> dict[str, Any]:
    """An address as it is shown, without its secret: with what came last, with what was pulled, and with Notion's token
    while that waits to be pasted there."""
    awaited = address.state.get("token") and address.state.get("verified_at") is None
    told = {"verification_token": _newest(services, address)} if awaited else {}
    with services.ledger.read() as connection:
        last = next(iter(arrivals.of_inbound(connection, address.id, before=None, limit=1)), None)
        row = pulled(connection, address)
    came = {"last_arrival": None if last is None else arrival_shown(last)}
    return {**_plain(address, base_url), **came, **({} if row is None else {"pulled": row}), **told}


def with_secret(services: Services, address: Address, base_url: str) -> dict[str, Any]:
    """As it is shown this once, when its secret is new."""
    return {**shown(services, address, base_url), "secret": _newest(services, address)}


def _plain(address: Address, base_url: str) -> dict[str, Any]:
    url = url_of(address, base_url)
    return {
        "id": address.id,
        "source": address.source,
        "label": address.label,
        "url": url,
        **{name: address.options.get(name) for name in OPTIONS},
        "has_credential": address.credential_sealed is not None,
        "created_at": from_milliseconds(address.created_at),
        "verified_at": moment_of(address.state.get("verified_at")),
        "old_secret_until": moment_of(address.state.get("old_until")),
        "steps": steps_of(address, url),
        "left_out": left_out_of(address.source),
    }


def pulled(connection: Connection, address: Address) -> dict[str, Any] | None:
    """How far its system was read, and when it goes on; None when it never was."""
    row = pulls.get(connection, address.id)
    if row is None:
        return None
    return {
        "state": _state_of(row),
        "code": row.code,
        "import_id": row.import_id,
        "pages": row.pages,
        "records": row.records,
        **{name: moment_of(getattr(row, name)) for name in ("since", "began_at", "ended_at")},
        "next_at": moment_of(row.due_at),
    }


def _state_of(row: Row[Any]) -> str:
    if row.began_at is None:
        return "scheduled"
    if row.ended_at is not None:
        return "given_up" if row.code else "completed"
    return "stopped" if row.due_at is None else "waiting" if row.code else "running"


def arrival_shown(row: Row[Any]) -> dict[str, Any]:
    """Something that came, and what became of it."""
    plain = {"id": row.id, "attempts": row.attempts, "outcome": row.outcome}
    made = {"outcome_id": row.record_id, "import_id": row.import_id}
    return {**plain, **made, "received_at": from_milliseconds(row.received_at), "retry_at": moment_of(row.due_at)}


def _newest(services: Services, address: Address) -> str:
    return secret.valid(services.vault, address, services.courier.clock())[0]
