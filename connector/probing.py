"""Probing a connection's Crisp with one throw-away contact, whose removal is seen to whatever happens."""

import secrets
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from connector.budget import Budget
from connector.courier.single import Single
from connector.crisp import plan
from connector.crisp.answers import Failure
from connector.crisp.calls import Call, Reply
from connector.crisp.client import Clients
from connector.crisp.probe import MOST_CALLS, SIZES, STEPS, Probe
from connector.errors import Problem
from connector.ledger import connections as tenants
from connector.ledger.connections import CrispConnection
from connector.services import Services

# Under this key of the findings stand the addresses of throw-away contacts that may still be in Crisp.
LEFT = "left_behind"
# A domain that nobody can have (RFC 2606).
_DOMAIN = "example.com"
# A pause that Crisp wants is waited for so often, when it is no longer than so many seconds.
_PAUSES, _PATIENCE = 3, 60
_WAITED_FOR = frozenset({"crisp_rate_limited", "quota_used_up"})
# So many calls are left for the removal, whatever the questions took.
_FOR_REMOVAL = STEPS[-1].calls


@dataclass(frozen=True, slots=True)
class Probed:
    """What was found out, how many calls were sent for it, and the addresses of contacts that could not be removed."""

    findings: dict[str, Any]
    calls: int
    left_behind: tuple[str, ...]


def left_behind(services: Services, connection_id: str) -> tuple[str, ...]:
    """Addresses of throw-away contacts that may still be in this connection's Crisp."""
    return tuple(_findings(services, connection_id).get(LEFT, ()))


def probe(services: Services, connection_id: str) -> Probed:
    """Finds out how this Crisp behaves and stores it; also removes what an earlier probe left behind.

    It sends `MOST_CALLS` calls at most, and each try is one: when Crisp fails so often that they do not last for all
    questions, it asks no more, and what is not found out is assumed as before. The address is stored before the contact
    is made: even after a power cut the next probe removes it. It is forgotten again when Crisp surely made none. Raises
    what `Courier.run` raises; then the findings are what they were.
    """
    with closing(Counted(services)) as line:
        return _probed(services, connection_id, _Calls(line, connection_id))


def _probed(services: Services, connection_id: str, calls: "_Calls") -> Probed:
    before = _findings(services, connection_id)
    asked = Probe(_address(), [str(uuid4()) for _ in range(max(SIZES))])
    # What this probe made is removed first: for the rest there may be no call left.
    left = [asked.address, *before.get(LEFT, ())]
    _store(services, connection_id, {**before, LEFT: left})
    found: dict[str, Any] | None = None
    try:
        calls.carry(asked.plan(), MOST_CALLS - _FOR_REMOVAL)
        found = asked.findings
    finally:
        if not calls.maybe_applied:
            left.remove(asked.address)
        left = [address for address in left if not calls.removes(_names(asked, address))]
        kept = before if found is None else found
        told = {**{key: value for key, value in kept.items() if key != LEFT}, **({LEFT: left} if left else {})}
        _store(services, connection_id, told, probed=found is not None)
    return Probed(asked.findings, calls.sent, tuple(left))


def _address() -> str:
    return f"crisp-connector-probe-{secrets.token_hex(8)}@{_DOMAIN}"


def _names(asked: Probe, address: str) -> Sequence[str]:
    """What to remove for this address: the contacts that were made, or whoever has it when no answer named one."""
    return asked.made if address == asked.address and asked.made else (address,)


class _Enough(Exception):
    """There is no call left for this."""


class Counted(Single):
    """Runs single plans as the courier does, and counts what is sent: each try of a call is one. When `most` are sent,
    no other goes out."""

    def __init__(self, services: Services) -> None:
        settings, courier = services.settings, services.courier
        self._clients = Clients(settings.crisp_api_url, 1, read_timeout=settings.call_timeout).hasty()
        super().__init__(services.ledger, services.vault, self._clients, courier.clock, reserve=settings.reserve)
        self.sent = self.most = 0

    def close(self) -> None:
        """Closes its session."""
        self._clients.close()

    def _charge(self, tenant: CrispConnection, until: float, *, unsure: bool, live: bool) -> tuple[Budget, int]:
        if self.sent >= self.most:
            raise _Enough
        return super()._charge(tenant, until, unsure=unsure, live=live)

    def _send(self, tenant: CrispConnection, call: Call) -> Reply | Failure:
        self.sent += 1
        answer = super()._send(tenant, call)
        if isinstance(answer, Failure) and not answer.sent:
            self.sent -= 1
        return answer


class _Calls:
    """Makes calls one by one, each within the budget. `maybe_applied`: at least one may have been."""

    def __init__(self, line: Counted, connection_id: str) -> None:
        self._line, self._connection_id = line, connection_id
        self.maybe_applied = False

    @property
    def sent(self) -> int:
        """How many were sent."""
        return self._line.sent

    def carry(self, asking: Generator[Call, Reply, object], most: int) -> bool:
        """Carries a plan to its end, unless so many calls are sent before; whether it came to its end."""
        self._line.most = most
        try:
            call = next(asking)
            while True:
                call = asking.send(self._answer(call))
        except StopIteration:
            return True
        except _Enough:
            return False

    def removes(self, names: Sequence[str]) -> bool:
        """Whether nobody stands under these names any more."""
        try:
            return all(self.carry(plan.erase(name), MOST_CALLS) for name in names)
        except Problem:
            return False

    def _answer(self, call: Call) -> Reply:
        """One call by itself, so that each may take as long as a call may; a short pause of Crisp's is waited for."""
        for _ in range(_PAUSES):
            try:
                return self._once(call)
            except Problem as problem:
                if problem.code not in _WAITED_FOR or (problem.retry_after or 0) > _PATIENCE:
                    raise
                time.sleep(problem.retry_after or 1)
        return self._once(call)

    def _once(self, call: Call) -> Reply:
        before, self.maybe_applied = self.maybe_applied, True  # until it is known better: it may be broken off
        try:
            return self._line.run(self._connection_id, _alone(call))
        except Problem as problem:
            self.maybe_applied = before or problem.maybe_applied
            raise


def _alone(call: Call) -> Generator[Call, Reply, Reply]:
    return (yield call)


def _findings(services: Services, connection_id: str) -> dict[str, Any]:
    with services.ledger.read() as connection:
        tenant = tenants.get(connection, connection_id)
    if tenant is None:
        raise Problem("no_connection")
    return tenant.findings


def _store(services: Services, connection_id: str, findings: dict[str, Any], *, probed: bool = False) -> None:
    with services.ledger.write(durable=True) as connection:
        moment = services.courier.clock() if probed else tenants.probed_at(connection, connection_id)
        tenants.save_findings(connection, connection_id, findings, moment)
