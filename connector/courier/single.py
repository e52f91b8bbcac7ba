"""Single plans, run at once for somebody who waits: a read, an erasure, a check of a credential."""

import math
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection

from connector import breaker
from connector.budget import Budget, Grant, expected_at, held_by, overnight, take
from connector.convert.times import from_milliseconds
from connector.courier.account import budget_after, forgive, halt, tell
from connector.courier.flight import timed
from connector.courier.tally import Tally
from connector.crisp.answers import Action, Failure, Judgement, judge
from connector.crisp.calls import Call, Reply
from connector.crisp.client import Client, Clients, Credential
from connector.errors import Problem
from connector.ledger import Ledger, quotas
from connector.ledger import connections as tenants
from connector.ledger.connections import CrispConnection
from connector.saying import Moment, say
from connector.settings import SettingsProblem
from connector.vault import Vault

log = structlog.get_logger()
Result = TypeVar("Result")

# A single plan is tried so often when Crisp fails, with these pauses between (seconds).
_PAUSES = (0.2, 0.8)
# Somebody waits for a single plan: so many seconds after it began, no call of it is tried again.
_DEADLINE = 25.0
# A slot of the rate is bought no longer ahead (milliseconds), as by drains, who would get none otherwise; for one that
# near is waited so long (seconds).
_AHEAD, _PATIENCE = 400, 5.0


class Single:
    """Runs one plan at a time within the budget; `hasty`: clients that wait less long than a drain's."""

    def __init__(
        self, ledger: Ledger, vault: Vault, hasty: Clients, clock: Callable[[], int], *, reserve: float
    ) -> None:
        self.ledger, self.clock = ledger, clock
        self._vault, self._hasty, self._reserve = vault, hasty, reserve

    def client(self, tenant: CrispConnection, clients: Clients) -> Client:
        """The client for this connection. Raises `SettingsProblem` when its credential cannot be opened."""
        key = self._vault.open(tenant.key_sealed)
        return clients.get(tenant.id, Credential(tenant.website_id, tenant.tier, tenant.identifier, key))

    def credential_of(self, connection_id: str) -> Credential:
        """What opens Crisp for this connection. Raises `Problem` connection_halted when it cannot be opened here."""
        tenant = self._tenant(connection_id)
        try:
            key = self._vault.open(tenant.key_sealed)
        except SettingsProblem:
            raise Problem("connection_halted", reason="credential_unreadable") from None
        return Credential(tenant.website_id, tenant.tier, tenant.identifier, key)

    def run(self, connection_id: str, plan: Generator[Call, Reply, Result], *, live: bool = True) -> Result:
        """Runs one plan now, within the budget, and returns its result: before bulk work, or, when it is not `live`, as
        part of it.

        Raises `Problem`, whose `maybe_applied` is about its last call: no_connection, connection_halted, quota_used_up,
        crisp_rate_limited, crisp_refused, crisp_unreachable.
        """
        tenant = self._tenant(connection_id)
        if tenant.halted:
            raise Problem("connection_halted", reason=tenant.halted)
        return self._run(tenant, plan, live=live)

    def check(self, connection_id: str, plan: Generator[Call, Reply, Any]) -> str | None:
        """Runs a plan to find out whether the credential works; ends a halt when it does. The code when it does not."""
        try:
            self._run(self._tenant(connection_id), plan)
        except Problem as problem:
            return str(problem.facts.get("reason") or problem.code)
        with self.ledger.write() as connection:
            tenants.halt(connection, connection_id, None, self.clock())
        return None

    def try_out(self, tenant: CrispConnection, plan: Generator[Call, Reply, Any], tally: Tally) -> None:
        """Runs a plan once for a connection that is not stored (yet); who asks buys its calls and keeps their count.

        Raises `Problem`: credential_refused, crisp_unreachable.
        """
        with closing(self._hasty.hasty()) as clients:
            client = self.client(tenant, clients)
            try:
                call = next(plan)
                while True:
                    answer = client.send(call)
                    tally.call(call, answer)
                    call = plan.send(_tried(call, answer))
            except StopIteration:
                return

    def _run(self, tenant: CrispConnection, plan: Generator[Call, Reply, Result], *, live: bool = True) -> Result:
        until = time.monotonic() + _DEADLINE
        try:
            call = next(plan)
            while True:
                call = plan.send(self._answer(tenant, call, until, live=live))
        except StopIteration as end:
            result: Result = end.value
            return result

    def _tenant(self, connection_id: str) -> CrispConnection:
        with self.ledger.read() as connection:
            tenant = tenants.get(connection, connection_id)
        if tenant is None:
            raise Problem("no_connection")
        return tenant

    def _answer(self, tenant: CrispConnection, call: Call, until: float, *, live: bool) -> Reply:
        """Crisp's answer to one call of a single plan, after at most three tries, none of them begun too late. While
        Crisp fails for everybody it is one try."""
        unsure = False
        if time.monotonic() >= until:
            raise Problem("crisp_unreachable")
        for pause in (*_PAUSES, None):
            patience = min(until, time.monotonic() + _PATIENCE)
            budget, bought_at = self._charge(tenant, patience, unsure=unsure, live=live)
            answer = self._send(tenant, call)
            judgement = judge(call, answer)
            halted = self._account(tenant, call, answer, judgement, bought_at)
            if isinstance(answer, Reply) and judgement.action is Action.ANSWER:
                # Nobody is there any more: an earlier try was done, only its answer was lost.
                done = unsure and call.method == "DELETE" and answer.status == 404
                return replace(answer, status=200) if done else answer
            unsure = unsure or judgement.maybe_applied
            replaced = judgement.action is Action.HALT and not halted
            again = replaced or (judgement.action is Action.RETRY and not budget.outages)
            if pause is None or not again or time.monotonic() + pause >= until:
                raise _unsure(self._problem(tenant, answer, judgement), unsure)
            time.sleep(pause)
            tenant = self._tenant(tenant.id)
        raise Problem("crisp_unreachable")

    def _send(self, tenant: CrispConnection, call: Call) -> Reply | Failure:
        answer = timed(self.client(tenant, self._hasty).send, call)
        log.debug("call", connection=tenant.id, route=call.route, answer=answer.label, ms=answer.ms)
        return answer

    def buy(
        self, connection: Connection, tenant: CrispConnection, now: int, *, live: bool = True
    ) -> tuple[Budget, Grant]:
        """Buys one call, if there is one: the budget before it, and what is granted. `live`: somebody waits for it."""
        limits = replace(tenant.limits, reserve=self._reserve)
        before = quotas.locked(connection, tenant.id)
        grant = breaker.hurried(before, lambda budget: take(budget, limits, 1, now, live=live))
        quotas.save(connection, tenant.id, grant.budget)
        return before, grant

    def _charge(self, tenant: CrispConnection, until: float, *, unsure: bool, live: bool) -> tuple[Budget, int]:
        """Buys one call and waits for its slot, until then; the budget before it, and when it was bought. `unsure`: an
        earlier try may have been done."""
        while (ahead := self._slot_ahead(tenant)) > _AHEAD:
            if time.monotonic() + (ahead - _AHEAD) / 1000 >= until:
                raise _unsure(_too_many(self.clock() + ahead, ahead), unsure)
            time.sleep((ahead - _AHEAD) / 1000)
        now = self.clock()
        with self.ledger.write() as connection:
            before, grant = self.buy(connection, tenant, now, live=live)
        if not grant.slots:
            raise _unsure(held(grant.budget, now, live=live), unsure)
        time.sleep(max(0, grant.slots[0] - now) / 1000)
        return before, now

    def _slot_ahead(self, tenant: CrispConnection) -> int:
        """Milliseconds until the next slot of the rate."""
        if tenant.limits.per_second is None:
            return 0
        with self.ledger.read() as connection:
            return max(0, quotas.get(connection, tenant.id).next_slot_at - self.clock())

    def _account(
        self, tenant: CrispConnection, call: Call, answer: Reply | Failure, judgement: Judgement, bought_at: int
    ) -> bool:
        """Counts the call and writes down what its answer means for the connection; whether that is halted now."""
        now, tally = self.clock(), Tally()
        tally.call(call, answer)
        with self.ledger.write() as connection:
            before = quotas.locked(connection, tenant.id)
            budget = budget_after(overnight(before, 1, bought_at, now), call, answer, judgement, now)
            if budget != before:
                quotas.save(connection, tenant.id, budget)
                tell(tenant.id, before, budget, now)
            forgive(connection, tenant.id, before, budget, now)
            tally.save(connection, tenant.id)
            return judgement.action is Action.HALT and halt(connection, tenant, judgement.code, now)

    def _problem(self, tenant: CrispConnection, answer: Reply | Failure, judgement: Judgement) -> Problem:
        if judgement.action is Action.HALT:
            return Problem("connection_halted", reason=judgement.code)
        if judgement.action is Action.THROTTLE:
            with self.ledger.read() as connection:
                return held(quotas.get(connection, tenant.id), self.clock())
        if isinstance(answer, Reply) and judgement.action is Action.REFUSE:
            return Problem("crisp_refused", reason=answer.reason or str(answer.status))
        return Problem("crisp_unreachable", reason=judgement.code)


def _unsure(problem: Problem, maybe_applied: bool) -> Problem:
    problem.maybe_applied = maybe_applied
    return problem


def _too_many(slot_at: int, ahead: int) -> Problem:
    """The rate of calls is taken up for longer than anybody waits."""
    until = Moment(from_milliseconds(slot_at))
    message = say(
        "The calls per second that this connection may make are taken until {until}. Try again then.", until=until
    )
    return Problem("crisp_rate_limited", message=message, until=until, retry_after=max(1, math.ceil(ahead / 1000)))


def held(budget: Budget, now: int, *, live: bool = True) -> Problem:
    """Why nothing may be sent now, and when it may be: whole seconds, none too few."""
    until = expected_at(budget, now, live=live)
    seconds = max(1, math.ceil((until - now) / 1000))
    return Problem(held_by(budget, now), until=Moment(from_milliseconds(until)), retry_after=seconds)


def _tried(call: Call, answer: Reply | Failure) -> Reply:
    judgement = judge(call, answer)
    if isinstance(answer, Reply) and judgement.action is Action.ANSWER:
        return answer
    if isinstance(answer, Reply) and judgement.action in (Action.HALT, Action.REFUSE):
        raise Problem("credential_refused", reason=judgement.code, said=answer.reason or str(answer.status))
    retry_after = answer.retry_after if isinstance(answer, Reply) else None
    raise Problem("crisp_unreachable", retry_after=math.ceil(retry_after) if retry_after else None)
