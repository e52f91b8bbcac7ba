"""Foreseeing a pull: what would become of all that an address's system has. Writes nothing."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from connector.crisp.calls import How
from connector.errors import Problem
from connector.imports import eta
from connector.inbound.asking import asker_of
from connector.inbound.needs import Needs
from connector.inbound.payload import options_of, reading_of
from connector.inbound.pulling import check, since_of
from connector.intake import Reading
from connector.intake.foreseeing import MOST_ROWS, Foreseen
from connector.intake.sorting import sorting
from connector.ledger.connections import CrispConnection
from connector.ledger.inbounds import Address
from connector.vendors.base import Page


def _tell_nobody(_records: int) -> None:
    """Nobody looks at how far it is."""


def foreseen(
    needs: Needs,
    tenant: CrispConnection,
    address: Address,
    since: int | None,
    *,
    seconds: float | None = None,
    patience: int = 0,
    tell: Callable[[int], None] = _tell_nobody,
) -> dict[str, Any]:
    """`{totals, eta_seconds, whole}`: how the records would end, and how long the quota makes it take; of who is on
    several pages, as of one. `whole`: all of it was seen, not what came within so many seconds alone, or the first
    100,000. `patience`: pauses of so many seconds are waited for; `tell` hears how many records were seen.

    Raises `pull_unsupported`, `pull_unset`, `files_unavailable`, and what an `Asker` raises.
    """
    until = None if seconds is None else time.monotonic() + seconds
    now, mode = needs.intake.clock(), options_of(needs, address).mode
    found = Foreseen(tenant.id, needs.manifest, mode, How.found(tenant.findings), now)
    with sorting() as waiting:
        for reading, more in _seen(needs, address, since, patience=patience):
            with needs.ledger.read() as connection:
                found.add(connection, reading, waiting)
            tell(found.rows)
            if more and (found.rows >= MOST_ROWS or (until is not None and time.monotonic() >= until)):
                found.whole = False
                break
        with needs.ledger.snapshot() as connection:
            found.deliver(connection, waiting)
            takes = eta(connection, tenant.id, found.calls, 0, now, reserve=needs.settings.reserve)
    return {"totals": found.totals(), "eta_seconds": (takes or 0.0) if found.calls else 0.0, "whole": found.whole}


def _seen(needs: Needs, address: Address, since: int | None, *, patience: int = 0) -> Iterator[tuple[Reading, bool]]:
    """The pages' records, of which nothing is kept, each with whether there are more. `patience`: pauses of so many
    seconds are waited for. Raises what `check` and an `Asker` raise."""
    check(needs, address)
    asker, since = asker_of(needs, address), since_of(address, since)
    cursor, rows, more = None, 0, asker is not None
    while more and asker is not None:
        page = _patiently(partial(asker.page, since, cursor), patience)
        reading = reading_of(needs, address, page.payloads, {}, before=rows)
        rows, cursor, more = rows + reading.count, page.cursor, page.cursor is not None
        yield reading, more


def _patiently(ask: Callable[[], Page], patience: int) -> Page:
    while True:
        try:
            return ask()
        except Problem as problem:
            if problem.retry_after is None or problem.retry_after > patience:
                raise
            time.sleep(problem.retry_after)
