"""Whether the process lives, and whether it can work."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import structlog
from flask import Response
from marshmallow import fields

from connector.api.access import services
from connector.api.answers import answer
from connector.api.blueprint import Blueprint
from connector.api.shapes import Answer, about
from connector.errors import Problem
from connector.ledger import DatabaseProblem, WrongVersion, workers
from connector.ledger import connections as tenants
from connector.spoken import Spoken
from connector.version import __version__

log = structlog.get_logger()
blueprint = Blueprint("health", __name__, description="Whether the service lives and can work. No API key is needed.")


class HealthOut(Answer):
    """The process answers."""

    status = fields.String(metadata=about("That it does.", "ok"))
    version = fields.String(metadata=about("Of the service.", __version__))


class ReadyQuery(Spoken):
    """What has to answer."""

    queue = fields.Boolean(load_default=True, metadata=about("Whether the queue has to answer as well."))


class ReadyOut(HealthOut):
    """The database answers and has the right tables."""

    status = fields.String(metadata=about("That it can work.", "ready"))
    database = fields.String(metadata=about("The version of its tables.", "0005"))
    connections = fields.Integer(metadata=about("Crisp websites that are connected.", 1))
    halted = fields.Integer(metadata=about("Connections whose credential does not work.", 0))
    reasons = fields.Dict(
        keys=fields.String(), values=fields.Integer(), metadata=about("Halted connections by code.", {})
    )
    workers = fields.Integer(metadata=about("Processes that deliver; without one, records wait.", 1))


@blueprint.route("/healthz", methods=["GET"])
@blueprint.response(200, HealthOut)
@blueprint.doc(security=[])
def get_health() -> Response:
    """Check that the service lives.

    The process answers, whatever stands behind it.
    """
    return answer({"status": "ok", "version": __version__})


@blueprint.route("/readyz", methods=["GET"])
@blueprint.arguments(ReadyQuery, location="query")
@blueprint.response(200, ReadyOut)
@blueprint.fails("database_unavailable", "queue_unavailable")
@blueprint.doc(security=[])
def get_readiness(query: Mapping[str, Any]) -> Response:
    """Check that the service can work.

    It can take records. Without its queue it still can: who sends requests to it asks with `queue=0`.
    """
    ledger = services().ledger
    try:
        ledger.prepare()
        with ledger.read() as connection:
            known = tenants.every(connection)
            living = workers.alive(connection, ledger.clock())
        version = ledger.version()
    except WrongVersion as problem:
        raise Problem("database_unavailable", message=str(problem)) from None
    except DatabaseProblem as problem:
        # What it says names files and servers: that is for the operator, not for everybody who asks.
        log.warning("not_ready", reason=str(problem))
        raise Problem("database_unavailable") from None
    if query["queue"] and not services().engine.wakeups.reachable():
        raise Problem("queue_unavailable")
    # Everybody may ask: how many there are and why, but not whose.
    reasons = Counter(tenant.halted for tenant in known if tenant.halted)
    shown = {"status": "ready", "version": __version__, "database": str(version), "connections": len(known)}
    return answer({**shown, "halted": reasons.total(), "reasons": dict(reasons), "workers": living})
