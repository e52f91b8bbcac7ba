"""Taking in: what was kept is read as a payload of its source, and accepted. Here alone it becomes records."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row

from connector.errors import Problem
from connector.inbound import payload
from connector.inbound.completing import Completed, Gone, completed, thin_of
from connector.inbound.needs import Needs
from connector.intake import Once, Reading
from connector.ledger import arrivals, records
from connector.ledger.inbounds import Address
from connector.vendors.base import Thin

# What ended so is read again once its address has another credential.
FOR_A_CREDENTIAL = ("source_credential_refused",)
# What ended so has killed whoever took it in.
DEADLY = "arrival_deadly"
# So many of an address are looked through for those that are about the same.
_MOST_BESIDE = 200


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an arrival. `outcome`: `accepted`, `no_records`, `gone`, or the code for which its record
    was rejected, it cannot be read, or somebody has to see to it; `keeps_body`: it may be looked at, or read again;
    `beside`: other arrivals that were about the same, so that this was said for them."""

    outcome: str
    record_id: str | None = None
    import_id: str | None = None
    keeps_body: bool = False
    beside: tuple[str, ...] = ()


class Early(Exception):
    """What an arrival is about is read a moment later, `due_at` (UNIX milliseconds): more may come of it until then."""

    def __init__(self, due_at: int) -> None:
        super().__init__(due_at)
        self.due_at = due_at


@dataclass(frozen=True)
class _Held(Once):
    """Accepted once, and by who still has it in hand: another may have ended it since, and its person be erased."""

    arrival: Row[Any]

    def taken(self, connection: Connection, connection_id: str, now: int) -> Row[Any] | None:
        """What was made of it before. Raises `contact_busy`, which nobody hears: who has lost it cannot end it."""
        if not arrivals.holds(connection, self.arrival):
            raise Problem("contact_busy")
        return super().taken(connection, connection_id, now)


def take_in(
    needs: Needs,
    address: Address,
    arrival: Row[Any],
    wait: Callable[[float], object] = time.sleep,
    holds: Callable[[Connection], None] | None = None,
    *,
    at_once: bool = False,
) -> Taken:
    """Accepts what an arrival says, once: one record by itself, several as an import.

    `wait` waits so many seconds for a turn at the other system, `holds` is told of each turn, within its transaction;
    `at_once`: whatever more may come of it. Raises `Early`, and a `Problem` of 500 and above: it is to be tried again.
    """
    beside: tuple[str, ...] = ()
    try:
        if payload.is_lines(arrival.content_type):
            reading = payload.reading_of_lines(needs, address, arrival.body or b"")
        else:
            value = payload.value_of(arrival.body or b"", arrival.content_type)
            beside = _beside(needs, address, arrival, thin_of(address, value), at_once=at_once)
            reading = _reading(needs, address, arrival, completed(needs, address, value, wait, holds))
        taken = _accepted(needs, address, arrival, reading)
        return replace(taken, beside=beside) if taken.outcome == "accepted" else taken
    except Gone:
        return Taken("gone", beside=beside)
    except Problem as problem:
        if problem.status >= 500:
            raise
        return Taken(problem.code, keeps_body=True)


def _beside(needs: Needs, address: Address, arrival: Row[Any], thin: Thin | None, *, at_once: bool) -> tuple[str, ...]:
    """Other arrivals that came by now and are about nothing but what is to be read for this one. Raises `Early`."""
    window = needs.settings.read_window * 1000
    if thin is None or not thin.ids or not window:
        return ()
    now = needs.intake.clock()
    if not at_once and arrival.received_at <= now < arrival.received_at + window:
        raise Early(arrival.received_at + window)
    with needs.ledger.read() as connection:
        others = arrivals.open_at(connection, address.id, until=now, limit=_MOST_BESIDE)
    return tuple(each.id for each in others if each.id != arrival.id and _is_covered(address, each, thin))


def _is_covered(address: Address, other: Row[Any], thin: Thin) -> bool:
    try:
        found = thin_of(address, payload.value_of(other.body, other.content_type))
    except Problem:
        return False
    return found is not None and found.rest is None and bool(found.ids) and found.ids <= thin.ids


def _reading(needs: Needs, address: Address, arrival: Row[Any], said: Completed) -> Reading:
    """The records. Headers are of what came, not of what was read for it."""
    headers = {} if said.ids else arrival.headers or {}
    everybody = None if said.ids else _of_everybody(needs, address, said.payloads, headers)
    return everybody or payload.reading_of(needs, address, said.payloads, headers)


def _of_everybody(needs: Needs, address: Address, values: Sequence[Any], headers: Mapping[str, str]) -> Reading | None:
    return payload.reading_of_everybody(needs, address, values[0], headers) if len(values) == 1 else None


def _accepted(needs: Needs, address: Address, arrival: Row[Any], reading: Reading) -> Taken:
    options = payload.options_of(needs, address)
    # A process that dies after this and before the arrival is ended must not accept it a second time.
    once = _Held(f"arrival {arrival.id}", arrival.digest, arrival)
    if reading.count > 1:
        import_id = needs.intake.many(address.connection_id, reading, options.mode, once=once)
        return Taken("accepted", import_id=import_id)
    record_id = needs.intake.one(address.connection_id, reading, options.mode, once=once)
    return _nothing(reading) if record_id is None else _told(needs, address, record_id)


def _nothing(reading: Reading) -> Taken:
    """No record; what has to be seen to all the same is the outcome."""
    return Taken(next((found.code for found in reading.notes if found.level == "warning"), "no_records"))


def _told(needs: Needs, address: Address, record_id: str) -> Taken:
    with needs.ledger.read() as connection:
        row = records.get(connection, address.connection_id, record_id)
    # What becomes of it after that, in Crisp, is told by the record itself.
    refused = row is not None and row.status == "rejected" and not row.attempts
    return Taken(row.code if row is not None and refused else "accepted", record_id)
