"""Drains connections under their lease, and runs single plans at once; both within the budget."""

import time
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event, Lock
from typing import Any, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

from connector.budget import Limits, take
from connector.convert.times import from_milliseconds
from connector.courier.account import budget_after, halt
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
from connector.settings import Settings, SettingsProblem
from connector.vault import Vault

log = structlog.get_logger()
Result = TypeVar("Result")

_RESERVE = 0.05
# A single plan is tried so often when Crisp fails, with these pauses between (seconds).
_PAUSES = (0.2, 0.8)
# Somebody waits for a single plan: so many seconds after it began, no call of it is tried again.
_DEADLINE = 25.0


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
        self._hasty = self._clients.hasty()
        self._pool = ThreadPoolExecutor(settings.concurrency * settings.drains, thread_name_prefix="call")
        retries = Retries(cap=settings.retry_cap * 1000, age=settings.retry_age * 1000)
        self._tools = Tools(
            ledger, manifest, self._pool, settings.concurrency, retries, _RESERVE, clock, time.monotonic, announce
        )
        self._drains: dict[str, Drain] = {}
        self._nudging = Lock()

    def drain(self, connection_id: str, stop: Event) -> bool:
        """Delivers a connection's due work. False when another has the lease, or nothing may be sent."""
        drained = False
        while (drain := self._begin(connection_id, stop)) is not None:
            drained = True
            if not self._carry(drain):
                break
        return drained

    def _begin(self, connection_id: str, stop: Event) -> Drain | None:
        with self.ledger.write() as connection:
            tenant = tenants.get(connection, connection_id)
            if tenant is None or tenant.halted:
                return None
            try:
                client = self._client(tenant)
            except SettingsProblem:
                # Without the key that sealed it nothing can be sent; what waits is kept until somebody gives it back.
                halt(connection, tenant, "credential_unreadable", self.clock())
                return None
            lease = leases.take(connection, connection_id, self._holder, self.clock())
        if lease is None:
            return None
        drain = Drain(self._tools, tenant, client, lease, stop)
        with self._nudging:
            self._drains[connection_id] = drain
        return drain

    def _carry(self, drain: Drain) -> bool:
        """Runs a drain to its end; True when it is to begin again at once."""
        lost = False
        try:
            drain.run()
        except LeaseLost:
            lost = True
            # Another delivers by now: what is bought and has not gone out is no longer ours to send.
            drain.flight.recall()
            log.warning("lease_lost", connection=drain.connection.id)
        except SQLAlchemyError as problem:
            log.warning("drain_broken", connection=drain.connection.id, reason=type(problem).__name__)
        finally:
            if not (drain.over or lost):
                drain.abandon()
            # From here on a nudge finds no drain; one that came after the last turn is seen here.
            with self._nudging:
                if self._drains.get(drain.connection.id) is drain:
                    del self._drains[drain.connection.id]
                again = drain.over and (drain.again or drain.nudged) and not drain.stop.is_set()
        return again

    def nudge(self, connection_id: str) -> bool:
        """Tells a running drain of this process that there is new work; False when none runs."""
        with self._nudging:
            drain = self._drains.get(connection_id)
            if drain is not None:
                drain.nudge()
        return drain is not None

    def run(self, connection_id: str, plan: Generator[Call, Reply, Result]) -> Result:
        """Runs one plan now, before bulk work, within the budget, and returns its result.

        Raises `Problem`: no_connection, connection_halted, quota_used_up, crisp_refused, crisp_unreachable.
        """
        tenant = self._tenant(connection_id)
        if tenant.halted:
            raise Problem("connection_halted", reason=tenant.halted)
        return self._run(tenant, plan)

    def _run(self, tenant: CrispConnection, plan: Generator[Call, Reply, Result]) -> Result:
        until = time.monotonic() + _DEADLINE
        try:
            call = next(plan)
            while True:
                call = plan.send(self._answer(tenant, call, until))
        except StopIteration as end:
            result: Result = end.value
            return result

    def check(self, connection_id: str, plan: Generator[Call, Reply, Any]) -> str | None:
        """Runs a plan to find out whether the credential works; ends a halt when it does. The code when it does not."""
        try:
            self._run(self._tenant(connection_id), plan)
        except Problem as problem:
            return str(problem.facts.get("reason") or problem.code)
        with self.ledger.write() as connection:
            tenants.halt(connection, connection_id, None, self.clock())
        return None

    def close(self) -> None:
        """Waits for calls in flight and closes the sessions."""
        self._pool.shutdown()
        self._clients.close()
        self._hasty.close()

    def _tenant(self, connection_id: str) -> CrispConnection:
        with self.ledger.read() as connection:
            tenant = tenants.get(connection, connection_id)
        if tenant is None:
            raise Problem("no_connection")
        return tenant

    def _client(self, tenant: CrispConnection, clients: Clients | None = None) -> Client:
        key = self._vault.open(tenant.key_sealed)
        return (clients or self._clients).get(
            tenant.id, Credential(tenant.website_id, tenant.tier, tenant.identifier, key)
        )

    def _answer(self, tenant: CrispConnection, call: Call, until: float) -> Reply:
        """Crisp's answer to one call of a single plan, after at most three tries, none of them begun too late."""
        unsure = False
        if time.monotonic() >= until:
            raise Problem("crisp_unreachable")
        for pause in (*_PAUSES, None):
            self._charge(tenant)
            answer = self._client(tenant, self._hasty).send(call)
            judgement = judge(call, answer)
            halted = self._account(tenant, answer, judgement)
            if isinstance(answer, Reply) and judgement.action is Action.ANSWER:
                # Nobody is there any more: an earlier try was done, only its answer was lost.
                done = unsure and call.method == "DELETE" and answer.status == 404
                return replace(answer, status=200) if done else answer
            unsure = unsure or judgement.maybe_applied
            replaced = judgement.action is Action.HALT and not halted
            again = replaced or judgement.action is Action.RETRY
            if pause is None or not again or time.monotonic() + pause >= until:
                raise self._problem(tenant, answer, judgement)
            time.sleep(pause)
            tenant = self._tenant(tenant.id)
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

    def _account(self, tenant: CrispConnection, answer: Reply | Failure, judgement: Judgement) -> bool:
        """Writes down what the answer means for the connection; whether that is halted now."""
        now = self.clock()
        with self.ledger.write() as connection:
            before = quotas.locked(connection, tenant.id)
            budget = budget_after(before, answer, judgement, now)
            if budget != before:
                quotas.save(connection, tenant.id, budget)
            return judgement.action is Action.HALT and halt(connection, tenant, judgement.code, now)

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
