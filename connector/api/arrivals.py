"""Where the webhooks of other systems come in. No API key is needed: what comes proves itself."""

from flask import Response, current_app, request
from marshmallow import Schema, fields

from connector.api.access import given_key, services
from connector.api.answers import answer
from connector.api.blueprint import Blueprint
from connector.api.incoming import raw_body
from connector.inbound.receiving import LIMIT, Came, Receiver
from connector.sources import Inbound

blueprint = Blueprint("arrivals", __name__, url_prefix="/in", description="Webhooks of other systems come in here.")
_BODY = {"required": True, "content": {"application/json": {"schema": {}}}}


class StoredOut(Schema):
    """What came is kept."""

    stored = fields.Boolean()


@blueprint.route("/<source>/<inbound_id>", methods=["POST"])
@blueprint.response(200, StoredOut)
@blueprint.fails("arrival_refused", "body_too_large", "body_bad_encoding", "database_unavailable", "arrival_unreadable")
@blueprint.doc(security=[], requestBody=_BODY)
def take_arrival(source: str, inbound_id: str) -> Response:
    """Keep what a source sends, and answer at once. It is taken in a moment later: that its records are rejected is
    told by GET /v1/inbound/{inbound_id}/arrivals, not here, for many senders stop at the first failure."""
    body = raw_body(LIMIT)
    headers = {name.lower(): value for name, value in request.headers.items()}
    came = Came(Inbound(headers, request.args.to_dict(flat=False), body), _content_type(), given_key())
    if _receiver().receive(source, inbound_id, came):
        # Where nobody takes arrivals in in this process, another looks.
        services().arrivals.kick()
    return answer({"stored": True})


@blueprint.route("/<source>/<inbound_id>", methods=["GET"])
@blueprint.response(200, {"type": "string"}, content_type="text/plain")
@blueprint.doc(security=[])
def probe_arrivals(source: str, inbound_id: str) -> Response:  # noqa: ARG001
    """Nothing. Some systems look whether an address answers before they send to it."""
    return Response("", content_type="text/plain")


def _content_type() -> str:
    """In lower case but for a form's boundary."""
    kind, mark, rest = (request.content_type or "").partition(";")
    return kind.strip().lower() + mark + rest


def _receiver() -> Receiver:
    found: Receiver | None = current_app.extensions.get("receiver")
    if found is None:
        found = current_app.extensions["receiver"] = Receiver(services())
    return found
