"""Completing: notifications that carry only ids, or only what has changed, by reading what they are about."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from connector import vendors
from connector.errors import Problem
from connector.inbound.asking import asker_of
from connector.inbound.needs import Needs
from connector.ledger.inbounds import Address
from connector.vendors.base import Thin


class Gone(Exception):
    """What a notification is about is not there any more."""


@dataclass(frozen=True, slots=True)
class Completed:
    """What a notification says once what it is about was read: payloads, and the ids that were read for it."""

    payloads: list[Any] = field(repr=False)
    ids: frozenset[str] = frozenset()


def thin_of(address: Address, value: Any) -> Thin | None:
    """What of a payload is to be read; None when it says all there is, or cannot be completed at this address."""
    thin = getattr(vendors.registry().get(address.source), "thin", None)
    found: Thin | None = thin(value) if thin else None
    # Without a credential it is read as it is; but what is about no contact is that all the same.
    return found if found is None or address.credential_sealed is not None or not found.ids else None


def completed(
    needs: Needs,
    address: Address,
    value: Any,
    wait: Callable[[float], object] = time.sleep,
    holds: Callable[[Connection], None] | None = None,
) -> Completed:
    """What a notification says, and what it is about, where that can be read; else the payload as it came. No payloads:
    it is about nothing that is a contact.

    `wait` waits for a turn at the other system, `holds` is told of each. Raises `Gone`, and what an `Asker` raises.
    """
    thin = thin_of(address, value)
    if thin is None:
        return Completed([value])
    rest = [] if thin.rest is None else [thin.rest]
    found = _read(needs, address, thin, wait, holds) if thin.ids else []
    if thin.ids and not found and not rest:
        raise Gone
    return Completed([*rest, *found], thin.ids)


def _read(
    needs: Needs,
    address: Address,
    thin: Thin,
    wait: Callable[[float], object],
    holds: Callable[[Connection], None] | None,
) -> list[Any]:
    asker = asker_of(needs, address, wait, holds)
    if asker is None:
        return []
    read = asker.vendor.read  # type: ignore[attr-defined]  # who has `thin` has it
    try:
        found: list[Any] = asker.carry(lambda account: read(account, sorted(thin.ids)))
    except Problem as problem:
        if problem.code == "source_missing":
            return []
        raise
    return found
