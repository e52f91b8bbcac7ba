"""Drains connections under their lease, and runs single plans at once; both within the budget."""

import time
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from connector.budget import Limits, answered, give_back, take, throttled
from connector.convert.times import from_milliseconds
from connector.courier.drain import Drain, Tools
from connector.courier.job import Retries
from connector.crisp.answers import Action, Failure, Judgement, judge
from connector.crisp.calls import Call, Reply
from connector.crisp.client import Client, Clients, Credential
from connector.errors import Problem
from connector.ids import new_id
from connector.ledger import Ledger, leases, quotas
from connector.ledger import connections as tenants
from connector.ledger.connections import CrispConnection
from connector.ledger.leases import LeaseLost
from connector.manifest import Manifest
from connector.settings import Settings
from connector.vault import Vault

log = structlog.get_logger()
Result = TypeVar("Result")

_RESERVE = 0.05
# A single plan is tried so often when Crisp fails, with these pauses between (seconds).
_PAUSES = (0.2, 0.8)


def now_ms() -> int:
    """UNIX milliseconds."""
    return time.time_ns() // 1_000_000


def _tell_nobody(_ids: Iterable[str]) -> None:
    """Nobody in this process waits for outcomes."""


class Courier:
    """Carries plans to Crisp."""

    def __init__(
        self,
        ledger: Ledger,
        vault: Vault,
        manifest: Manifest,
        settings: Settings,
        *,
        clients: Clients | None = None,
        clock: Callable[[], int] = now_ms,
        announce: Callable[[Iterable[str]], None] = _tell_nobody,
    ) -> None:
        self.ledger, self.clock, self._vault = ledger, clock, vault
        self._holder = new_id()
        self._clients = clients or Clients(settings.crisp_api_url, settings.concurrency)
        self._pool = ThreadPoolExecutor(settings.concurrency * settings.drains, thread_name_prefix="call")
        retries = Retries(cap=settings.retry_cap * 1000, age=settings.retry_age * 1000)
        self._tools = Tools(
            ledger, manifest, self._pool, settings.concurrency, retries, _RESERVE, clock, time.monotonic, announce
        )
        self._drains: dict[str, Drain] = {}

    def drain(self, connection_id: str, stop: Event) -> bool:
        """Delivers a connection's due work. False when another has the lease, or nothing may be sent."""
        with self.ledger.write() as connection:
            tenant = tenants.get(connection, connection_id)
            if tenant is None or tenant.halted:
                return False
            lease = leases.take(connection, connection_id, self._holder, self.clock())
        if lease is None:
            return False
        drain = self._drains[connection_id] = Drain(self._tools, tenant, self._client(tenant), lease, stop)
        try:
            drain.run()
        except (LeaseLost, SQLAlchemyError) as problem:
            # What was in hand is free again when the lease runs out; the sweep comes back to it.
            log.warning("drain_broken", connection=connection_id, reason=type(problem).__name__)
        finally:
            self._drains.pop(connection_id, None)
        return True

    def nudge(self, connection_id: str) -> bool:
        """Tells a running drain of this process that there is new work; False when none runs."""
        drain = self._drains.get(connection_id)
        if drain is None:
            return False
        drain.nudge()
        return True

    def run(self, connection_id: str, plan: Generator[Call, Reply, Result]) -> Result:
        """Runs one plan now, before bulk work, within the budget, and returns its result.

        Raises `Problem`: no_connection, connection_halted, quota_used_up, crisp_refused, crisp_unreachable.
        """
        tenant = self._tenant(connection_id)
        try:
            call = next(plan)
            while True:
                call = plan.send(self._answer(tenant, call))
        except StopIteration as end:
            result: Result = end.value
            return result

    def check(self, connection_id: str, plan: Generator[Call, Reply, Any]) -> str | None:
        """Runs a plan to find out whether the credential works; ends a halt when it does. The code when it does not."""
        with self.ledger.write() as connection:
            tenants.halt(connection, connection_id, None, self.clock())
        try:
            self.run(connection_id, plan)
        except Problem as problem:
            return str(problem.facts.get("reason") or problem.code)
        return None

    def close(self) -> None:
        """Waits for calls in flight and closes the sessions."""
        self._pool.shutdown()
        self._clients.close()

    def _tenant(self, connection_id: str) -> CrispConnection:
        with self.ledger.read() as connection:
            tenant = tenants.get(connection, connection_id)
        if tenant is None:
            raise Problem("no_connection")
        if tenant.halted:
            raise Problem("connection_halted", reason=tenant.halted)
        return tenant

    def _client(self, tenant: CrispConnection) -> Client:
        key = self._vault.open(tenant.key_sealed)
        return self._clients.get(tenant.id, Credential(tenant.website_id, tenant.tier, tenant.identifier, key))

    def _answer(self, tenant: CrispConnection, call: Call) -> Reply:
        """Crisp's answer to one call of a single plan, after at most three tries."""
        for pause in (*_PAUSES, None):
            self._charge(tenant)
            answer = self._client(tenant).send(call)
            judgement = judge(call, answer)
            self._account(tenant, answer, judgement)
            if isinstance(answer, Reply) and judgement.action is Action.ANSWER:
                return answer
            if judgement.action is not Action.RETRY or pause is None:
                raise self._problem(tenant, answer, judgement)
            time.sleep(pause)
        raise Problem("crisp_unreachable")

    def _charge(self, tenant: CrispConnection) -> None:
        now = self.clock()
        limits = Limits(tenant.daily_quota, tenant.rate, _RESERVE)
        with self.ledger.write() as connection:
            grant = take(quotas.locked(connection, tenant.id), limits, 1, now, live=True)
            quotas.save(connection, tenant.id, grant.budget)
        if not grant.slots:
            raise _used_up(grant.wait_until or now, now)
        time.sleep(max(0, grant.slots[0] - now) / 1000)

    def _account(self, tenant: CrispConnection, answer: Reply | Failure, judgement: Judgement) -> None:
        now = self.clock()
        with self.ledger.write() as connection:
            budget = before = quotas.locked(connection, tenant.id)
            if isinstance(answer, Failure) and not answer.sent:
                budget = give_back(budget, 1, now)
            if judgement.action is Action.THROTTLE:
                budget = throttled(budget, answer.retry_after if isinstance(answer, Reply) else None, now)
            else:
                budget = answered(budget)
            if budget != before:
                quotas.save(connection, tenant.id, budget)
            if judgement.action is Action.HALT and tenants.halt(connection, tenant.id, judgement.code, now):
                log.error("connection_halted", connection=tenant.id, reason=judgement.code)

    def _problem(self, tenant: CrispConnection, answer: Reply | Failure, judgement: Judgement) -> Problem:
        if judgement.action is Action.HALT:
            return Problem("connection_halted", reason=judgement.code)
        if judgement.action is Action.THROTTLE:
            with self.ledger.read() as connection:
                return _used_up(quotas.get(connection, tenant.id).blocked_until, self.clock())
        if isinstance(answer, Reply) and judgement.action is Action.REFUSE:
            return Problem("crisp_refused", reason=answer.reason or str(answer.status))
        return Problem("crisp_unreachable")


def _used_up(until: int, now: int) -> Problem:
    return Problem("quota_used_up", until=from_milliseconds(until), retry_after=max(1, (until - now) // 1000))
