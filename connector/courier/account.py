"""What an answer means for the connection as a whole: its budget, its pauses, its halt."""

import structlog
from sqlalchemy import Connection

from connector.budget import Budget, answered, give_back, throttled
from connector.crisp.answers import Action, Failure, Judgement
from connector.crisp.calls import Reply
from connector.ledger import connections as tenants
from connector.ledger.connections import CrispConnection

log = structlog.get_logger()


def budget_after(budget: Budget, answer: Reply | Failure, judgement: Judgement, now: int) -> Budget:
    """The budget after this answer: what was not sent costs nothing, a limit pauses, an answer ends a row of limits."""
    if isinstance(answer, Failure) and not answer.sent:
        budget = give_back(budget, 1, now)
    if judgement.action is Action.THROTTLE:
        return paused(budget, answer, now)
    return answered(budget) if judgement.action in (Action.ANSWER, Action.REFUSE) else budget


def paused(budget: Budget, answer: Reply | Failure, now: int) -> Budget:
    """A pause. Calls in flight together meet a limit together: that is one strike, not one for each of them."""
    pause = answer.retry_after if isinstance(answer, Reply) else None
    if pause is None and budget.blocked_until > now:
        return budget
    return throttled(budget, pause, now)


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
