"""The doctor: what is wrong with the connection of a key and what to do about it; and the probe of its Crisp."""

from typing import Any

from flask import Response
from marshmallow import fields

from connector import diagnosis, probing
from connector.api.access import caller, connection_id, needs, services
from connector.api.again import answered_once
from connector.api.answers import answer
from connector.api.blueprint import Blueprint
from connector.api.failures import CRISP
from connector.api.shapes import Answer, about, moment
from connector.convert.times import from_milliseconds
from connector.ledger import connections as tenants

blueprint = Blueprint(
    "doctor",
    __name__,
    url_prefix="/v1",
    description="What is wrong with your connection and what to do about it, and how its Crisp behaves.",
)


class FindingOut(Answer):
    """One thing that was looked at."""

    check = fields.String(metadata=about("What was looked at.", "credential · My Shop"))
    ok = fields.Boolean(metadata=about("Whether it is well.", True))
    found = fields.String(metadata=about("What was found.", "Crisp accepts it"))
    remedy = fields.String(metadata=about("What to do about it; empty when it is well.", ""))


class ProbedOut(Answer):
    """How this Crisp behaves."""

    calls = fields.Integer(metadata=about("Calls to Crisp that it took.", 18))
    probed_at = moment("When it was found out.")
    findings = fields.Dict(keys=fields.String(), metadata=about("What was found out.", {"segments": "replace"}))
    left_behind = fields.List(
        fields.String(), metadata=about("Addresses of throw-away contacts that may still be in Crisp.", [])
    )


@blueprint.route("/doctor", methods=["POST"])
@needs("admin")
@blueprint.response(200, FindingOut(many=True))
@answered_once
def examine() -> Response:
    """Examine the connection.

    Queue, credential (with one call to Crisp), quota, clock and workers, each with what to do when it is wrong. A
    connection that was halted goes on when its credential works.
    """
    found = [
        diagnosis.queue(services()),
        *diagnosis.of_connection(services(), caller().connection),
        diagnosis.workers_of(services()),
    ]
    return answer([each.as_json() for each in found])


@blueprint.route("/probe", methods=["POST"])
@needs("admin")
@blueprint.response(200, ProbedOut)
@blueprint.fails(*CRISP)
@answered_once
def probe_crisp() -> Response:
    """Probe Crisp.

    Finds out where Crisp's reference is silent, so that much can be told in few calls: with one throw-away contact,
    which is removed again, and about twenty calls.
    """
    probed = probing.probe(services(), connection_id())
    with services().ledger.read() as connection:
        moment_ = tenants.probed_at(connection, connection_id())
    told: dict[str, Any] = {"calls": probed.calls, "probed_at": from_milliseconds(moment_ or 0)}
    return answer({**told, "findings": probed.findings, "left_behind": list(probed.left_behind)})
