"""Taking in: what was kept is read as a payload of its source, and accepted. Here alone it becomes records."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from connector.errors import Problem
from connector.inbound import payload
from connector.inbound.completing import Gone, completed
from connector.inbound.needs import Needs
from connector.intake import Once, Reading
from connector.ledger import records
from connector.ledger.inbounds import Address


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an arrival. `outcome`: `accepted`, `no_records`, `gone`, or the code for which its record
    was rejected or it cannot be read; `keeps_body`: it may be looked at, or read again."""

    outcome: str
    record_id: str | None = None
    import_id: str | None = None
    keeps_body: bool = False


def take_in(needs: Needs, address: Address, arrival: Row[Any], wait: Callable[[float], object] = time.sleep) -> Taken:
    """Accepts what an arrival says, once: one record by itself, several as an import.

    `wait` waits so many seconds for a turn at Notion. Raises a `Problem` of 500 and above: it is to be tried again.
    """
    try:
        reading = _reading(needs, address, arrival, wait)
        return Taken("no_records") if reading is None else _accepted(needs, address, arrival, reading)
    except Gone:
        return Taken("gone")
    except Problem as problem:
        if problem.status >= 500:
            raise
        return Taken(problem.code, keeps_body=True)


def _reading(needs: Needs, address: Address, arrival: Row[Any], wait: Callable[[float], object]) -> Reading | None:
    """The records; None when what came is about no contact."""
    body = arrival.body or b""
    if payload.is_lines(arrival.content_type):
        return payload.reading_of_lines(needs, address, body)
    value = completed(needs, address, payload.value_of(body, arrival.content_type), wait)
    return None if value is None else payload.reading_of(needs, address, value)


def _accepted(needs: Needs, address: Address, arrival: Row[Any], reading: Reading) -> Taken:
    options = payload.options_of(needs, address)
    # A process that dies after this and before the arrival is ended must not accept it a second time.
    once = Once(f"arrival {arrival.id}", arrival.digest)
    if reading.count > 1:
        import_id = needs.intake.many(address.connection_id, reading, options.mode, once=once)
        return Taken("accepted", import_id=import_id)
    record_id = needs.intake.one(address.connection_id, reading, options.mode, once=once)
    return Taken("no_records") if record_id is None else _told(needs, address, record_id)


def _told(needs: Needs, address: Address, record_id: str) -> Taken:
    with needs.ledger.read() as connection:
        row = records.get(connection, address.connection_id, record_id)
    # What becomes of it after that, in Crisp, is told by the record itself.
    refused = row is not None and row.status == "rejected" and not row.attempts
    return Taken(row.code if row is not None and refused else "accepted", record_id)
