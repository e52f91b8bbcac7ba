"""What an answer means for the connection as a whole: its budget, its breaker, its halt."""

import random
import zlib
from dataclasses import replace

import structlog
from sqlalchemy import Connection

from connector import breaker
from connector.budget import Budget, answered, give_back, resets_at, throttled
from connector.convert.times import from_milliseconds
from connector.crisp.answers import Action, Failure, Judgement
from connector.crisp.calls import Call, Reply
from connector.ledger import connections as tenants
from connector.ledger import work
from connector.ledger.connections import CrispConnection

log = structlog.get_logger()

# What began to fail so long before the breaker opened (milliseconds) failed with everything else.
_OUTAGE_BEGAN = 300_000


def budget_after(budget: Budget, call: Call, answer: Reply | Failure, judgement: Judgement, now: int) -> Budget:
    """The budget after this answer: what was not sent costs nothing, a limit pauses, an answer ends a row of limits
    and closes the breaker."""
    budget = _counted(budget, call, failed=judgement.action is Action.RETRY)
    if isinstance(answer, Failure) and not answer.sent:
        budget = give_back(budget, 1, now)
    asked = answer.retry_after if isinstance(answer, Reply) else None
    if judgement.action is Action.THROTTLE:
        return throttled(budget, asked, now)
    if judgement.action is Action.RETRY:
        return breaker.failed(budget, budget.failures, asked, now, random.random())  # noqa: S311 jitter
    if judgement.action is Action.HALT:
        return breaker.closed(budget, now)
    if call.method == "GET":  # Crisp's edge may have answered by itself: no sign of quota, nor that Crisp is there.
        return budget
    return breaker.closed(answered(budget, now), now)


def _counted(budget: Budget, call: Call, *, failed: bool) -> Budget:
    """With one failure more in a row, or none. What fails alone, again and again, is no sign that all would."""
    if not failed:
        return replace(budget, failures=0, failing=0)
    about = call.who or (call.tells.email if call.tells else None) or call.route
    mark = zlib.crc32(about.encode())
    return budget if mark == budget.failing else replace(budget, failures=budget.failures + 1, failing=mark)


def forgive(connection: Connection, connection_id: str, before: Budget, after: Budget, now: int) -> range:
    """When the breaker opens: Crisp fails for everybody, and what began to fail a moment ago has not failed by itself.
    Returns the moments (UNIX milliseconds) whose failures are forgiven, for records that are in hand."""
    if before.outages or not after.outages:
        return range(0)
    work.forgive(connection, connection_id, now - _OUTAGE_BEGAN)
    return range(now - _OUTAGE_BEGAN, now + 1)


def tell(connection_id: str, before: Budget, after: Budget, now: int) -> None:
    """Logs what was learnt of the quota, and that the breaker opened or closed: once, not for each record."""
    if after.believed is not None and before.believed is None:
        expected = from_milliseconds(resets_at(now, after.offset))
        log.warning("quota_refused", connection=connection_id, believed=after.believed, resets_at=expected)
    if after.offset != before.offset:
        minutes = after.offset // 60_000
        log.warning("quota_day_learnt", connection=connection_id, begins=f"{minutes // 60:02}:{minutes % 60:02} UTC")
    if after.outages and not before.outages:
        log.warning("breaker_opened", connection=connection_id)
    if before.outages and not after.outages:
        log.info("breaker_closed", connection=connection_id)


def halt(connection: Connection, used: CrispConnection, code: str, now: int) -> bool:
    """Halts the connection whose credential was refused; False when it has another one by now."""
    known = tenants.locked(connection, used.id)
    if known is None or credential(known) != credential(used):
        return False
    if tenants.halt(connection, used.id, code, now):
        log.error("connection_halted", connection=used.id, reason=code)
    return True


def credential(tenant: CrispConnection) -> tuple[str, str, str, bytes]:
    """What calls are made with."""
    return tenant.website_id, tenant.tier, tenant.identifier, tenant.key_sealed
