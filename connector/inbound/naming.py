"""Naming: whether what arrived names a person, in words or by the id that its source has for the person."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
from sqlalchemy import Row

from connector import vendors
from connector.errors import Problem
from connector.inbound import payload
from connector.inbound.completing import thin_of
from connector.inbound.needs import Needs
from connector.inbound.taking import DEADLY
from connector.intake import Reading
from connector.ledger import arrivals
from connector.ledger.inbounds import Address
from connector.ledger.naming import Called, says

T = TypeVar("T")
# So many processes in a row have died with an arrival in hand: it may be what kills them. One may have been killed.
_SUSPECT = 2
log = structlog.get_logger()


@dataclass(frozen=True)
class Naming:
    """Finds a person in arrivals at these addresses of one connection, which are by id: others' sources have no id for
    the person."""

    needs: Needs
    called: Called
    addresses: Mapping[str, Address]
    _found: dict[tuple[str, int], bool] = field(default_factory=dict)

    def __call__(self, arrival: Row[Any]) -> bool:
        """Whether an arrival with a body names the person. Each body is read once: there may be many, and whoever asks
        again holds the database meanwhile."""
        one = (arrival.id, hash(arrival.body))
        if one not in self._found:
            found = self._names(arrival)
            if found is None:
                return False  # not remembered: it may turn out to be harmless
            self._found[one] = found
        return self._found[one]

    def _names(self, arrival: Row[Any]) -> bool | None:
        """None of what may kill whoever reads it, and is not read: who dies of it is counted as who takes it in
        alone."""
        if says(arrival.body, self.called.names):
            return True
        if arrival.outcome == DEADLY or arrivals.losses(arrival) >= _SUSPECT:
            return None
        address = self.addresses.get(arrival.inbound_id)
        return address is not None and bool(self._read(arrival, lambda: self._is_about(address, arrival)))

    def without(self, address: Address, arrival: Row[Any]) -> bytes | None:
        """What a notification of several says of all others, as JSON; None when of nobody else, or when they cannot be
        told apart."""
        return self._read(arrival, lambda: self._without(address, arrival))

    def _read(self, arrival: Row[Any], read: Callable[[], T]) -> T | None:
        """What is read of an arrival, which is None when it is nothing of its source's, so that it never becomes a
        record; and when a mistake of ours shows in it: no erasure fails for what somebody else has sent."""
        try:
            return read()
        except Problem:
            return None
        except Exception as mistake:
            names = {"connection": arrival.connection_id, "inbound": arrival.inbound_id, "arrival": arrival.id}
            log.error("arrival_unread", **names, reason=type(mistake).__name__)
            return None

    def _without(self, address: Address, arrival: Row[Any]) -> bytes | None:
        leave_out = getattr(vendors.registry().get(address.source), "without", None)
        if leave_out is None or payload.is_lines(arrival.content_type):
            return None
        value = payload.value_of(arrival.body, arrival.content_type)
        if thin_of(address, value) is None:
            return None
        rest = leave_out(value, lambda said: self._is_named(address, said))
        return None if rest is None or self._is_named(address, rest) else json.dumps(rest).encode()

    def _is_named(self, address: Address, value: Any) -> bool:
        return says(json.dumps(value).encode(), self.called.names) or self._has_id(address, value, {})

    def _is_about(self, address: Address, arrival: Row[Any]) -> bool:
        if payload.is_lines(arrival.content_type):
            return self._is_one_of(address, payload.reading_of_lines(self.needs, address, arrival.body))
        value = payload.value_of(arrival.body, arrival.content_type)
        return self._has_id(address, value, arrival.headers or {})

    def _has_id(self, address: Address, value: Any, headers: Mapping[str, str]) -> bool:
        """By what is to be read, or by the records that it is. Some name what is to be read with its kind before it,
        such as `Contact/003…`; records have the id alone."""
        thin = thin_of(address, value)
        named = set() if thin is None else {each.rpartition("/")[2] for each in thin.ids}
        if not named.isdisjoint(self._ids(address)):
            return True
        return self._is_one_of(address, payload.reading_of(self.needs, address, [value], headers))

    def _is_one_of(self, address: Address, reading: Reading) -> bool:
        return any(each.translated.id in self._ids(address) for each in reading)

    def _ids(self, address: Address) -> frozenset[str]:
        return self.called.ids.get(address.source, frozenset())
