"""Contacts: one, many; updating, reading and erasing by name."""

from collections.abc import Mapping
from typing import Any, ClassVar

from flask import Response
from marshmallow import fields
from structlog.contextvars import bind_contextvars

from connector import person, snippet, sources
from connector.api.access import connection_id, needs, services
from connector.api.actions import CONTACT, documented, sample_of, waiting
from connector.api.again import answered_once, keyed
from connector.api.answers import answer, base_url, outcome_of
from connector.api.described import Described
from connector.api.failures import BODY, CRISP, MAPPING, ONE, RECORD, RECORDS
from connector.api.incoming import object_body, once, reading
from connector.api.schemas import query_of
from connector.api.shapes import AcceptedOut, Answer, NothingOut, OutcomeOut, about
from connector.errors import Problem
from connector.imports import import_as_json
from connector.intake import Once, Options
from connector.intake.payloads import BATCH_LIMIT, CONTACT_LIMIT
from connector.ledger import importing
from connector.saying import say

blueprint = Described(
    "contacts",
    __name__,
    url_prefix="/v1/contacts",
    description="Contacts in Crisp: create, update, find and erase them, one at a time or many at once.",
)
_MOMENT = {"type": ["string", "null"], "format": "date-time"}
_HELD = {
    "type": "object",
    "allOf": [CONTACT],
    "properties": {"people_id": {"type": "string"}, "created_at": _MOMENT, "updated_at": _MOMENT},
    "required": ["people_id", "segments", "data", "created_at", "updated_at"],
}
_FOUND = sample_of("find_contact")
_WAITS = "The record is kept and waits; the reason and the time of the next try are in the answer."
_WRITTEN = {"anyOf": [OutcomeOut, NothingOut]}
_CREATED = {
    "written": {"summary": "A contact", "value": sample_of("upsert_contact")},
    "nothing": {"summary": "A payload without records", "value": {"records": 0}},
}
_COUNTED = ("idempotency_keys", "news", "arrivals", "files")
# How the delivery of one record may end.
_DELIVERED = ("contact_missing", "email_taken", "crisp_refused", "contact_erased", "outcome_missing", "crisp_gave_up")
_CHANGED = (*BODY, "who_invalid", "email_invalid", "data_key_collision", *_DELIVERED)


class SnippetOut(Answer):
    """A block of a web page, safe within HTML."""

    html = fields.String(metadata=about("The whole block, to be put into the page.", snippet.html(_FOUND)))
    javascript = fields.String(metadata=about("What is in it.", snippet.javascript(_FOUND)))


class ErasedOut(Answer):
    """What was removed or emptied."""

    EXAMPLE: ClassVar = {**dict.fromkeys(_COUNTED, 0), **sample_of("delete_contact"), "calls": 1}

    erased = fields.Boolean(metadata=about("The contact is gone."))
    in_crisp = fields.Boolean(metadata=about("Crisp had the contact."))
    people = fields.Integer(metadata=about("What was known here of the person."))
    records = fields.Integer(metadata=about("Records that were emptied."))
    links = fields.Integer(metadata=about("Ids of sources that led to the person."))
    idempotency_keys = fields.Integer(metadata=about("Answers that were kept for requests that come again."))
    news = fields.Integer(metadata=about("Events and deliveries that were emptied."))
    arrivals = fields.Integer(metadata=about("What had come to inbound addresses."))
    files = fields.Integer(metadata=about("Uploaded files that the person was taken out of."))
    calls = fields.Integer(metadata=about("Calls to Crisp that it took."))


@blueprint.route("", methods=["POST"])
@needs("write")
@blueprint.arguments(query_of("upsert_contact"), location="query")
@blueprint.response(200, _WRITTEN, description="What became of the record.", examples=_CREATED)
@blueprint.alt_response(202, schema=OutcomeOut, description=_WAITS, example=waiting("upsert_contact"), success=True)
@blueprint.fails(*ONE, *MAPPING, "several_records", "too_many_records", *RECORD, "contact_exists", *_DELIVERED)
@blueprint.doc(**documented("upsert_contact"))
@blueprint.reads("X-Connector-Mapping")
@keyed
def upsert_contact(query: Mapping[str, Any]) -> Response:
    """Create or update one contact."""
    read, options, key = reading(query, CONTACT_LIMIT)
    record_id = services().intake.one(connection_id(), read, options.mode, once=key)
    return outcome_of(record_id, query["wait"])


@blueprint.route("/batch", methods=["POST"])
@needs("write")
@blueprint.arguments(query_of("upsert_contacts"), location="query")
@blueprint.response(202, AcceptedOut, description="The records are accepted; the import tells what becomes of them.")
@blueprint.alt_response(200, schema=NothingOut, description="The payload has no records.", success=True)
@blueprint.fails(*RECORDS, *MAPPING, "files_unavailable")
@blueprint.doc(**documented("upsert_contacts"))
@blueprint.reads("X-Connector-Mapping")
@keyed
def upsert_contacts(query: Mapping[str, Any]) -> Response:
    """Accept many records."""
    read, options, key = reading(query, BATCH_LIMIT)
    import_id = services().intake.many(connection_id(), read, options.mode, once=key)
    if import_id is None:
        return answer({"records": 0, "notes": [note.as_json() for note in read.notes]})
    bind_contextvars(import_id=import_id)
    with services().ledger.read() as connection:
        row = importing.get_import(connection, connection_id(), import_id)
        if row is None:
            raise Problem("import_missing")
        shown = import_as_json(
            connection, row, base_url(), services().courier.clock(), reserve=services().settings.reserve
        )
    return answer({"import_id": import_id, **shown}, 202)


@blueprint.route("/<path:who>", methods=["PATCH"])
@needs("write")
@blueprint.arguments(query_of("update_contact"), location="query")
@blueprint.response(200, OutcomeOut, description="What became of it.", example=sample_of("update_contact"))
@blueprint.alt_response(202, schema=OutcomeOut, description=_WAITS, example=waiting("update_contact"), success=True)
@blueprint.fails(*_CHANGED)
@blueprint.doc(**documented("update_contact"))
@keyed
def update_contact(query: Mapping[str, Any], who: str) -> Response:
    """Update a contact that exists."""
    name = person.name_of(who)
    body, digest = object_body()
    return _update(name, _an_object(body), query, once(digest))


@blueprint.route("/<path:who>/data", methods=["PATCH"])
@needs("write")
@blueprint.arguments(query_of("update_data"), location="query")
@blueprint.response(200, OutcomeOut, description="What became of it.", example=sample_of("update_data"))
@blueprint.alt_response(202, schema=OutcomeOut, description=_WAITS, example=waiting("update_data"), success=True)
@blueprint.fails(*_CHANGED)
@blueprint.doc(**documented("update_data"))
@keyed
def update_data(query: Mapping[str, Any], who: str) -> Response:
    """Update custom data: `{"plan": "pro", "old": null}`, with or without `data` around it."""
    name = person.name_of(who)
    body, digest = object_body()
    sent = _an_object(body)
    only = sent["data"] if list(sent) == ["data"] and isinstance(sent["data"], dict | list) else sent
    return _update(name, {"data": only}, query, once(digest))


def _an_object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise Problem("body_not_records", message=say("The body must be a JSON object with the fields to change."))
    return body


def _update(who: str, body: dict[str, Any], query: Mapping[str, Any], key: Once | None) -> Response:
    """Plain fields for the person who is named in the address."""
    named = {"email": body.get("email") or who} if "@" in who else {"people_id": who}
    payload = sources.read({**body, **named}, "generic")
    options = Options.given({**query, "source": "generic", "mode": "update"}, services().manifest)
    read = services().intake.reading(lambda: (payload,), options)
    record_id = services().intake.one(connection_id(), read, "update", who=who, once=key)
    return outcome_of(record_id, query["wait"])


@blueprint.route("/<path:who>/snippet", methods=["GET"])
@needs("read")
@blueprint.response(200, SnippetOut)
@blueprint.fails("who_invalid", "contact_missing", *CRISP)
def get_snippet(who: str) -> Response:
    """Get a snippet for a web page.

    The block of a page that tells Crisp's chatbox who is signed in there, safe within HTML.
    """
    return answer(person.snippet_of(services(), connection_id(), person.name_of(who)))


@blueprint.route("/<path:who>", methods=["GET"])
@needs("read")
@blueprint.response(200, _HELD, description="The contact.", example=_FOUND)
@blueprint.fails("who_invalid", "contact_missing", *CRISP)
@blueprint.doc(**documented("find_contact"))
def find_contact(who: str) -> Response:
    """The contact as Crisp has it now."""
    return answer(person.read(services(), connection_id(), person.name_of(who)))


@blueprint.route("/<path:who>", methods=["DELETE"])
@needs("write")
@blueprint.response(200, ErasedOut, description="It is erased.")
@blueprint.fails("who_invalid", "contact_missing", "contact_busy", *CRISP, "files_unavailable")
@blueprint.doc(**documented("delete_contact"))
@answered_once
def delete_contact(who: str) -> Response:
    """Erase the contact in Crisp and here; the answer counts what was removed or emptied, and the calls it cost."""
    return answer(services().erase(connection_id(), person.name_of(who), wait=False))
