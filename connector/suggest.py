"""Segments and custom data keys that a connection uses, asked of Crisp now and then."""

from typing import Any

import structlog

from connector.crisp import plan
from connector.errors import Problem
from connector.ledger import connections as tenants
from connector.services import Services

log = structlog.get_logger()

# How long an answer serves (milliseconds). Asking costs a call or more of the daily quota.
_FRESH = 900_000


def suggestions(services: Services, connection_id: str) -> dict[str, list[str]]:
    """`{"segments": […], "data": […]}`; what was known before when Crisp cannot be asked now."""
    now = services.courier.clock()
    with services.ledger.read() as connection:
        known, asked_at = tenants.suggestions(connection, connection_id)
    if known is not None and now - asked_at < _FRESH:
        return known
    try:
        segments, data = services.courier.run(connection_id, plan.suggestions())
    except Problem as problem:
        log.info("suggestions_not_asked", connection=connection_id, reason=problem.code)
        return known or {"segments": [], "data": []}
    found: dict[str, Any] = {"segments": segments, "data": data}
    with services.ledger.write() as connection:
        tenants.save_suggestions(connection, connection_id, found, now)
    return found
