"""Inbound addresses: made, listed, changed, rotated and pulled from; and what arrived at them."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Response
from sqlalchemy import Row

from connector.api.access import connection_id, needs, services
from connector.api.again import answered_once
from connector.api.answers import answer, base_url, paged
from connector.api.blueprint import Blueprint
from connector.api.inbound_schemas import (
    ArrivalOut,
    InboundIn,
    InboundOut,
    NewInboundOut,
    NewSecretOut,
    PatchIn,
    PulledOut,
)
from connector.api.incoming import once, request_hash
from connector.api.schemas import PageQuery
from connector.convert.times import from_milliseconds
from connector.errors import Problem
from connector.imports import import_as_json
from connector.inbound import managing, secret
from connector.inbound.managing import OPTIONS
from connector.inbound.pulling import pull
from connector.inbound.script import script_of
from connector.inbound.steps import steps_of
from connector.ledger import arrivals, importing, inbounds, requests
from connector.ledger.inbounds import Address

blueprint = Blueprint(
    "inbound", __name__, url_prefix="/v1/inbound", description="Addresses for the webhooks of other systems."
)
_KEY = ("key_missing", "key_invalid", "scope_missing", "no_connection", "database_unavailable")
_BODY = ("body_not_json", "body_not_records", "body_too_large", "content_type_unknown")
_MAPPING = ("parameter_invalid", "mapping_invalid", "mapping_field_unknown")
_PULL = ("pull_unsupported", "pull_unset", "source_credential_refused", "source_missing", "source_refused")
_AWAY = ("source_busy", "source_unreachable")


@blueprint.route("", methods=["POST"])
@needs("admin")
@blueprint.arguments(InboundIn, location="json")
@blueprint.response(201, NewInboundOut)
@blueprint.fails(*_KEY, *_BODY, *_MAPPING, "idempotency_mismatch")
def add_inbound(sent: Mapping[str, Any]) -> Response:
    """Make an address for the webhooks of a source. Its secret is in this answer and nowhere else."""
    address = _made_once(lambda: managing.make(services(), connection_id(), sent["source"], sent))
    return answer({**_shown(address), "secret": _newest(address)}, 201)


@blueprint.route("", methods=["GET"])
@needs("admin")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, InboundOut(many=True))
@blueprint.fails(*_KEY)
def list_inbounds(query: Mapping[str, Any]) -> Response:
    """Inbound addresses, newest first."""
    limit = query["limit"]
    with services().ledger.read() as connection:
        found = inbounds.newest(connection, connection_id(), before=query.get("cursor"), limit=limit + 1)
    return paged(found, limit, _shown)


@blueprint.route("/<inbound_id>", methods=["GET"])
@needs("admin")
@blueprint.response(200, InboundOut)
@blueprint.fails(*_KEY, "inbound_missing")
def get_inbound(inbound_id: str) -> Response:
    """One inbound address, without its secret. While Notion's token waits to be pasted there, it is in here."""
    address = _known(inbound_id)
    shown = _shown(address)
    if address.state.get("token") and address.state.get("verified_at") is None:
        shown["verification_token"] = _newest(address)
    return answer(shown)


@blueprint.route("/<inbound_id>", methods=["PATCH"])
@needs("admin")
@blueprint.arguments(PatchIn, location="json")
@blueprint.response(200, InboundOut)
@blueprint.fails(*_KEY, *_BODY, *_MAPPING, "inbound_missing")
def change_inbound(sent: Mapping[str, Any], inbound_id: str) -> Response:
    """Change how what comes is read, or the credential. What is not said stays; null takes it away."""
    return answer(_shown(managing.change(services(), connection_id(), inbound_id, sent)))


@blueprint.route("/<inbound_id>", methods=["DELETE"])
@needs("admin")
@blueprint.response(200, {"type": "object", "properties": {"deleted": {"type": "boolean"}}})
@blueprint.fails(*_KEY, "inbound_missing", "idempotency_mismatch")
@answered_once
def delete_inbound(inbound_id: str) -> Response:
    """Delete an inbound address. What comes to it from now on is refused; what was accepted stays."""
    with services().ledger.write(durable=True) as connection:
        if not inbounds.remove(connection, connection_id(), inbound_id):
            raise Problem("inbound_missing")
    return answer({"deleted": True})


@blueprint.route("/<inbound_id>/rotate", methods=["POST"])
@needs("admin")
@blueprint.response(200, NewSecretOut)
@blueprint.fails(*_KEY, "inbound_missing", "idempotency_mismatch")
def rotate_inbound(inbound_id: str) -> Response:
    """Give an inbound address a new secret. The old one is taken for 24 hours more."""
    address = _made_once(lambda: managing.rotate(services(), connection_id(), inbound_id))
    return answer({**_shown(address), "secret": _newest(address)})


@blueprint.route("/<inbound_id>/pull", methods=["POST"])
@needs("admin")
@blueprint.response(202, PulledOut)
@blueprint.alt_response(200, schema=PulledOut, description="There are no pages.", success=True)
@blueprint.fails(*_KEY, *_PULL, *_AWAY, "inbound_missing", "too_many_records", "idempotency_mismatch")
def pull_inbound(inbound_id: str) -> Response:
    """Read all pages of the database that the address names in pull, and accept them as an import."""
    import_id = pull(services(), _known(inbound_id), once=once(request_hash()))
    if import_id is None:
        return answer({"records": 0})
    with services().ledger.read() as connection:
        row = importing.get_import(connection, connection_id(), import_id)
        if row is None:
            raise Problem("import_missing")
        now, reserve = services().courier.clock(), services().settings.reserve
        shown = import_as_json(connection, row, base_url(), now, reserve=reserve)
    return answer({"import_id": import_id, **shown}, 202)


@blueprint.route("/<inbound_id>/script", methods=["GET"])
@needs("admin")
@blueprint.response(200, {"type": "string"}, content_type="text/plain")
@blueprint.fails(*_KEY, "inbound_missing", "script_unsupported")
def get_script(inbound_id: str) -> Response:
    """The Apps Script for a Google Sheet, with the address in it. The secret is put in by hand."""
    address = _known(inbound_id)
    return Response(script_of(address, _url(address)), content_type="text/plain; charset=utf-8")


@blueprint.route("/<inbound_id>/arrivals", methods=["GET"])
@needs("admin")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, ArrivalOut(many=True))
@blueprint.fails(*_KEY, "inbound_missing")
def list_arrivals(query: Mapping[str, Any], inbound_id: str) -> Response:
    """What came to an inbound address and what became of it, newest first."""
    limit, address = query["limit"], _known(inbound_id)
    with services().ledger.read() as connection:
        rows = arrivals.of_inbound(connection, address.id, before=query.get("cursor"), limit=limit + 1)
    return paged(rows, limit, _arrival)


def _made_once(make: Callable[[], Address]) -> Address:
    """What was made for this Idempotency-Key before, else what is made now. Of the answer the address alone is kept:
    it holds a secret."""
    key, ledger = once(request_hash()), services().ledger
    if key is None:
        return make()
    with ledger.write(durable=True) as connection:
        first = key.taken(connection, connection_id(), services().courier.clock())
    if first is not None and first.answer is not None:
        return _known(first.answer["inbound_id"])
    address = make()
    with ledger.write(durable=True) as connection:
        requests.made(connection, connection_id(), key.key, answer={"inbound_id": address.id})
    return address


def _known(inbound_id: str) -> Address:
    with services().ledger.read() as connection:
        return managing.known_to(inbounds.get(connection, connection_id(), inbound_id), connection_id())


def _newest(address: Address) -> str:
    return secret.valid(services().vault, address, services().courier.clock())[0]


def _url(address: Address) -> str:
    return f"{base_url()}/in/{address.source}/{address.id}"


def _shown(address: Address) -> dict[str, Any]:
    url = _url(address)
    return {
        "id": address.id,
        "source": address.source,
        "label": address.label,
        "url": url,
        **{name: address.options.get(name) for name in OPTIONS},
        "has_credential": address.credential_sealed is not None,
        "created_at": from_milliseconds(address.created_at),
        "verified_at": _moment(address.state.get("verified_at")),
        "old_secret_until": _moment(address.state.get("old_until")),
        "steps": steps_of(address, url),
    }


def _arrival(row: Row[Any]) -> dict[str, Any]:
    plain = {"id": row.id, "attempts": row.attempts, "outcome": row.outcome}
    made = {"outcome_id": row.record_id, "import_id": row.import_id}
    return {**plain, **made, "received_at": from_milliseconds(row.received_at), "retry_at": _moment(row.due_at)}


def _moment(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else from_milliseconds(milliseconds)
