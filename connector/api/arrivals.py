"""Where the webhooks of other systems come in. No API key is needed: what comes proves itself."""

from collections.abc import Mapping
from typing import Any

from flask import Response, current_app, request
from marshmallow import EXCLUDE, fields, validate

from connector import outcomes
from connector.api.access import given_key, services
from connector.api.actions import EXAMPLES
from connector.api.answers import answer, base_url
from connector.api.blueprint import Blueprint
from connector.api.incoming import headers, raw_body
from connector.api.schemas import LONGEST_WAIT, Filled
from connector.api.shapes import EMAIL, Answer, about, sometimes
from connector.crisp.calls import STATUSES
from connector.follow import MOST, Became, follow_arrival
from connector.inbound.receiving import LIMIT, Came, Receiver
from connector.sources import Inbound, registry
from connector.sources.salesforce import ACKNOWLEDGED

blueprint = Blueprint(
    "arrivals",
    __name__,
    url_prefix="/in",
    description="Where the webhooks of other systems come in, proved by the secret of their address.",
)
_BODY = {
    "description": "Whatever the other system sends: a record, several, or that something changed.",
    "required": True,
    "content": {"application/json": {"schema": {}, "examples": EXAMPLES}},
}
# Outcomes of an arrival that are no code of what is wrong.
_ALL_WELL = ("accepted", "no_records", "gone")


class WaitQuery(Filled):
    """How long the answer may take."""

    wait = fields.Float(
        load_default=0,
        validate=validate.Range(min=0, max=LONGEST_WAIT),
        metadata=about("How many seconds to wait for what becomes of it. 0 answers as soon as it is kept.", 20),
    )


class ArrivedOut(Answer):
    """A record of what came."""

    row = fields.Integer(metadata=about("Which of the records it is, from 1.", 1))
    status = fields.String(validate=validate.OneOf(STATUSES), metadata=about("What became of it.", "created"))
    email = fields.String(metadata=sometimes("The address that names the contact.", example=EMAIL))
    code = fields.String(metadata=sometimes("Why it waits, was rejected or given up."))
    message = fields.String(metadata=sometimes("The same in a sentence."))


class KeptOut(Answer):
    """What came is kept; what has become of it, as far as it was waited for."""

    stored = fields.Boolean(metadata=about("It is on disk, now or since it came before."))
    records = fields.List(
        fields.Nested(ArrivedOut),
        metadata=sometimes(f"The first {MOST} of its records. Missing while it is not taken in."),
    )
    code = fields.String(metadata=sometimes("Why it cannot be read, or why its only record was rejected."))
    message = fields.String(metadata=sometimes("The same in a sentence."))


_ARRIVED = {"row": 1, "status": "created", "email": EMAIL}
_KEPT = {
    "kept": {"summary": "Without wait", "value": {"stored": True}},
    "taken_in": {"summary": "With wait", "value": {"stored": True, "records": [_ARRIVED]}},
}
# What some senders take for a yes, in place of ours.
_DEMANDED = {"text/xml": {"schema": {"type": "string"}, "example": ACKNOWLEDGED.decode()}}


@blueprint.route("/<source>/<inbound_id>", methods=["POST"])
# Of the parameters all others are the sender's, such as the code that Dataverse adds.
@blueprint.arguments(WaitQuery, location="query", unknown=EXCLUDE)
@blueprint.response(200, KeptOut, examples=_KEPT)
@blueprint.fails("arrival_refused", "body_too_large", "body_bad_encoding", "database_unavailable", "arrival_unreadable")
@blueprint.doc(security=[], requestBody=_BODY, responses={"200": {"content": _DEMANDED}})
def take_arrival(query: Mapping[str, Any], source: str, inbound_id: str) -> Response:
    """Receive a webhook of another system.

    It is kept and answered at once, and taken in a moment later: what became of it is told by
    GET /v1/inbound/{inbound_id}/arrivals, and here when wait is said, but with 200 all the same, for many senders stop
    at the first failure.
    """
    args, body = request.args.to_dict(flat=False), raw_body(LIMIT)
    came = Came(Inbound(headers(), args, body, request.method, _url()), _content_type(), given_key())
    kept = _receiver().receive(source, inbound_id, came)
    if kept is not None and kept.is_new:
        # Where nobody takes arrivals in in this process, another looks.
        services().arrivals.kick()
    became = follow_arrival(services(), kept.arrival_id, query["wait"]) if kept and query["wait"] else None
    told = answer({"stored": True, **(_shown(became) if became else {})})
    return _demanded(source, came.request) or told


def _shown(became: Became) -> dict[str, Any]:
    """`{records}`, and `code` and `message` where what came cannot be read or its only record was rejected."""
    shown = [outcomes.of_arrival(each.row, reason=each.reason) for each in became.records]
    if became.outcome in _ALL_WELL:
        return {"records": shown}
    # The record knows best; it may have been replayed since.
    why = shown[0] if shown else {"code": became.outcome, "message": outcomes.sentence_of(became.outcome)}
    return {"records": shown, **{name: why[name] for name in ("code", "message") if name in why}}


def _demanded(source: str, request_: Inbound) -> Response | None:
    """The answer that this sender takes for a yes, where ours is none to it."""
    acknowledgement = getattr(registry()[source], "acknowledgement", None)
    demanded = acknowledgement(request_) if acknowledgement else None
    return Response(demanded[1], content_type=demanded[0]) if demanded else None


@blueprint.route("/<source>/<inbound_id>", methods=["GET"])
@blueprint.response(200, {"type": "string"}, content_type="text/plain", description="Nothing.", example="")
@blueprint.doc(security=[])
def probe_arrivals(source: str, inbound_id: str) -> Response:  # noqa: ARG001
    """Probe an inbound address.

    Some systems look whether an address answers before they send to it. The answer is empty.
    """
    return Response("", content_type="text/plain")


def _url() -> str:
    """The address that the other system was given, and the query that it sent: some sign it."""
    query = request.query_string.decode("utf-8", "surrogateescape")
    return f"{base_url()}{request.path}?{query}" if query else f"{base_url()}{request.path}"


def _content_type() -> str:
    """In lower case but for a form's boundary."""
    kind, mark, rest = (request.content_type or "").partition(";")
    return kind.strip().lower() + mark + rest


def _receiver() -> Receiver:
    found: Receiver | None = current_app.extensions.get("receiver")
    if found is None:
        found = current_app.extensions["receiver"] = Receiver(services())
    return found
