"""Inbound addresses: made, listed, changed, rotated and pulled from; and what arrived at them."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Response, request

from connector import addressing
from connector.api.access import caller, connection_id, needs, services
from connector.api.again import answered_once, keyed
from connector.api.answers import answer, base_url, paged
from connector.api.blueprint import Blueprint
from connector.api.failures import SAVED_MAPPING
from connector.api.inbound_schemas import (
    ArrivalOut,
    InboundIn,
    InboundOut,
    NewInboundOut,
    PatchIn,
    PullPreviewOut,
    PullQuery,
)
from connector.api.incoming import once, request_hash
from connector.api.schemas import PageQuery
from connector.api.shapes import ID, AcceptedOut, DeletedOut, NothingOut
from connector.convert.times import milliseconds
from connector.errors import Detail, Problem
from connector.imports import import_as_json
from connector.inbound import managing
from connector.inbound.beginning import begun
from connector.inbound.foreseeing import foreseen
from connector.ledger import arrivals, importing, inbounds, requests
from connector.ledger.inbounds import Address
from connector.platforms import EXAMPLE, google_sheets
from connector.saying import say

blueprint = Blueprint(
    "inbound",
    __name__,
    url_prefix="/v1/inbound",
    description="Addresses for the webhooks of other systems, each with a secret of its own, and what came to them.",
)
_OPTIONS = (*SAVED_MAPPING, "sender_unsupported")
_REFUSED = ("source_credential_refused", "source_missing", "source_refused", "source_forbidden")
_PULL = ("pull_unsupported", "pull_unset", "source_repeats", *_REFUSED)
# Its beginning, with the address; the rest is the same for everybody.
_SCRIPT = google_sheets.script(f"{EXAMPLE}/in/google_sheets/{ID}").partition("\n\n")[0]
_AWAY = ("source_busy", "source_unreachable")
# Seconds that pages are read for somebody who waits for what would come of them.
_PATIENCE = 15.0


@blueprint.route("", methods=["POST"])
@needs("admin")
@blueprint.arguments(InboundIn, location="json")
@blueprint.response(201, NewInboundOut)
@blueprint.fails(*_OPTIONS)
@keyed
def add_inbound(sent: Mapping[str, Any]) -> Response:
    """Make an inbound address.

    An address for the webhooks of another system, with the steps to set it up there. Its secret is in this answer and
    nowhere else.
    """
    address = _made_once(lambda: managing.make(services(), connection_id(), sent["source"], sent))
    return answer(addressing.with_secret(services(), address, base_url()), 201)


@blueprint.route("", methods=["GET"])
@needs("admin")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, InboundOut(many=True))
def list_inbounds(query: Mapping[str, Any]) -> Response:
    """List inbound addresses.

    Newest first, without their secrets, each with what came last.
    """
    limit = query["limit"]
    with services().ledger.read() as connection:
        found = inbounds.newest(connection, connection_id(), before=query.get("cursor"), limit=limit + 1)
    return paged(found, limit, _shown)


@blueprint.route("/<inbound_id>", methods=["GET"])
@needs("admin")
@blueprint.response(200, InboundOut)
@blueprint.fails("inbound_missing")
def get_inbound(inbound_id: str) -> Response:
    """Get an inbound address.

    Without its secret. While Notion's token waits to be pasted there, it is in here.
    """
    return answer(_shown(_known(inbound_id)))


@blueprint.route("/<inbound_id>", methods=["PATCH"])
@needs("admin")
@blueprint.arguments(PatchIn, location="json")
@blueprint.response(200, InboundOut)
@blueprint.fails(*_OPTIONS, "inbound_missing")
def change_inbound(sent: Mapping[str, Any], inbound_id: str) -> Response:
    """Change an inbound address.

    How what comes is read, or the credential. What is not said stays; null takes it away.
    """
    return answer(_shown(managing.change(services(), connection_id(), inbound_id, sent)))


@blueprint.route("/<inbound_id>", methods=["DELETE"])
@needs("admin")
@blueprint.response(200, DeletedOut)
@blueprint.fails("inbound_missing")
@answered_once
def delete_inbound(inbound_id: str) -> Response:
    """Delete an inbound address.

    What comes to it from now on is refused; what was accepted stays.
    """
    addressing.remove(services(), connection_id(), inbound_id)
    return answer({"deleted": True})


@blueprint.route("/<inbound_id>/rotate", methods=["POST"])
@needs("admin")
@blueprint.response(200, NewInboundOut)
@blueprint.fails("inbound_missing")
@keyed
def rotate_inbound(inbound_id: str) -> Response:
    """Rotate the secret of an inbound address.

    It gets a new one, which is in this answer and nowhere else. The old one is taken for 24 hours more.
    """
    address = _made_once(lambda: managing.rotate(services(), connection_id(), inbound_id))
    return answer(addressing.with_secret(services(), address, base_url()))


@blueprint.route("/<inbound_id>/pull", methods=["POST"])
@needs("admin")
@blueprint.arguments(PullQuery, location="query")
@blueprint.response(202, AcceptedOut, description="It has begun; the import tells what becomes of it.")
@blueprint.alt_response(200, schema=NothingOut, description="There is nothing there.", success=True)
@blueprint.fails(*_PULL, *_AWAY, "inbound_missing", "import_missing", "pull_running")
@answered_once
def pull_inbound(query: Mapping[str, Any], inbound_id: str) -> Response:
    """Pull what a source has.

    All contacts that the other system has, or those changed since a time, are read page by page, as one import. What is
    wrong with the first page is told at once; `pulled` in GET /v1/inbound/{id} says how far it is. Its records become
    due when all are there. A pull that was left unfinished goes on.
    """
    _without_a_body()
    import_id = begun(services(), _known(inbound_id), _since(query))
    services().pulls.kick()
    if import_id is None:
        return answer({"records": 0})
    with services().ledger.read() as connection:
        row = importing.get_import(connection, connection_id(), import_id)
        if row is None:
            raise Problem("import_missing")
        now, reserve = services().courier.clock(), services().settings.reserve
        shown = import_as_json(connection, row, base_url(), now, reserve=reserve)
    return answer({"import_id": import_id, **shown}, 202)


@blueprint.route("/<inbound_id>/pull/preview", methods=["POST"])
@needs("admin")
@blueprint.arguments(PullQuery, location="query")
@blueprint.response(200, PullPreviewOut)
@blueprint.fails(*_PULL, *_AWAY, "inbound_missing", "files_unavailable")
def preview_pull(query: Mapping[str, Any], inbound_id: str) -> Response:
    """Show what would become of a pull.

    What the other system has is read for some fifteen seconds, and nothing is written: how many would be created or
    updated, the calls it takes, and how long the quota makes that. If there is more, `whole` is false.
    """
    _without_a_body()
    told = foreseen(services(), caller().connection, _known(inbound_id), _since(query), seconds=_PATIENCE)
    return answer(told)


def _without_a_body() -> None:
    """What is said in a body would be passed over, and another pull begun than was asked for."""
    if request.get_data().strip() not in (b"", b"{}", b"null"):
        told = say("Say it in the address (?since=…): a body is not read here.")
        raise Problem("parameter_invalid", errors=[Detail(told, "parameter_invalid", "body")])


def _since(query: Mapping[str, Any]) -> int | None:
    since = query.get("since")
    return None if since is None else milliseconds(since.isoformat())


@blueprint.route("/<inbound_id>/script", methods=["GET"])
@needs("admin")
@blueprint.response(200, {"type": "string"}, content_type="text/plain", description="The script.", example=_SCRIPT)
@blueprint.fails("inbound_missing", "script_unsupported")
def get_inbound_script(inbound_id: str) -> Response:
    """Get the script for a Google Sheet.

    The Apps Script that sends a sheet's rows, with the address in it. Its menu asks for the secret.
    """
    script = addressing.script_of(_known(inbound_id), base_url())
    return Response(script, content_type="text/plain; charset=utf-8")


@blueprint.route("/<inbound_id>/arrivals", methods=["GET"])
@needs("admin")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, ArrivalOut(many=True))
@blueprint.fails("inbound_missing")
def list_arrivals(query: Mapping[str, Any], inbound_id: str) -> Response:
    """List what arrived.

    What came to an inbound address and what became of it, newest first.
    """
    limit, address = query["limit"], _known(inbound_id)
    with services().ledger.read() as connection:
        rows = arrivals.of_inbound(connection, address.id, before=query.get("cursor"), limit=limit + 1)
    return paged(rows, limit, addressing.arrival_shown)


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
    return addressing.get(services(), connection_id(), inbound_id)


def _shown(address: Address) -> dict[str, Any]:
    return addressing.shown(services(), address, base_url())
