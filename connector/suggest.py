"""Segments and custom data keys that a connection uses, asked of Crisp now and then."""

import structlog

from connector.crisp import plan
from connector.errors import Problem
from connector.ledger import connections as tenants
from connector.services import Services

log = structlog.get_logger()

# How long an answer serves, and how long Crisp is left alone when it gave none (milliseconds). Asking costs a call or
# more of the daily quota, and a form waits for it.
_FRESH, _LEFT_ALONE = 900_000, 60_000


def suggestions(services: Services, connection_id: str) -> dict[str, list[str]]:
    """`{"segments": […], "data": […]}`; what was known before when Crisp cannot be asked now."""
    now = services.courier.clock()
    with services.ledger.read() as connection:
        known, asked_at = tenants.suggestions(connection, connection_id)
    if now - asked_at >= _FRESH:
        found = _asked(services, connection_id)
        known, asked_at = (known, now - _FRESH + _LEFT_ALONE) if found is None else (found, now)
        with services.ledger.write() as connection:
            tenants.save_suggestions(connection, connection_id, known, asked_at)
    return known or {"segments": [], "data": []}


def _asked(services: Services, connection_id: str) -> dict[str, list[str]] | None:
    try:
        segments, data = services.courier.run(connection_id, plan.suggestions())
    except Problem as problem:
        log.info("suggestions_not_asked", connection=connection_id, reason=problem.code)
        return None
    return {"segments": segments, "data": data}
