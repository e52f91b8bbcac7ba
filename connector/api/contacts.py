"""Contacts: one, many; updating, reading and erasing by name."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from flask_smorest import Blueprint
from structlog.contextvars import bind_contextvars

from connector import person, sources
from connector.api.access import connection_id, needs, services
from connector.api.again import answered_once
from connector.api.answers import answer, base_url, outcome_of
from connector.api.incoming import object_body, once, reading
from connector.api.schemas import ImportOut, OutcomeOut, body_of, contact_schema, query_of
from connector.errors import Problem
from connector.imports import import_as_json
from connector.intake import Once, Options
from connector.intake.payloads import BATCH_LIMIT, CONTACT_LIMIT
from connector.ledger import importing
from connector.manifest import shipped

blueprint = Blueprint("contacts", __name__, url_prefix="/v1/contacts", description="Contacts in, and reading them.")
_ACTIONS = shipped().actions
_MOMENT = {"type": ["string", "null"], "format": "date-time"}
_HELD = contact_schema("Contact")
_HELD["properties"] |= {"people_id": {"type": "string"}, "created_at": _MOMENT, "updated_at": _MOMENT}
_REMOVED = {key: {"type": "integer"} for key in ("people", "records", "links", "idempotency_keys", "files", "calls")}
_DELETED = {
    "type": "object",
    "properties": {"erased": {"type": "boolean"}, "in_crisp": {"type": "boolean"}, **_REMOVED},
    "additionalProperties": False,
}
_WAITS = {"description": "The record is kept and waits; the reason and the time of the next try are in the answer."}


@blueprint.route("", methods=["POST"])
@needs("write")
@blueprint.arguments(query_of("upsert_contact"), location="query")
@blueprint.response(200, OutcomeOut)
@blueprint.alt_response(202, schema=OutcomeOut, description=_WAITS["description"], success=True)
@blueprint.doc(summary=_ACTIONS["upsert_contact"].label, requestBody=body_of(_ACTIONS["upsert_contact"]))
def upsert_contact(query: Mapping[str, Any]) -> Response:
    """Create or update one contact."""
    read, options, key = reading(query, CONTACT_LIMIT)
    record_id = services().intake.one(connection_id(), read, options.mode, once=key)
    return outcome_of(record_id, query["wait"])


@blueprint.route("/batch", methods=["POST"])
@needs("write")
@blueprint.arguments(query_of("upsert_contacts"), location="query")
@blueprint.response(202, ImportOut)
@blueprint.alt_response(200, schema=ImportOut, description="The payload has no records.", success=True)
@blueprint.doc(summary=_ACTIONS["upsert_contacts"].label, requestBody=body_of(_ACTIONS["upsert_contacts"]))
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
@blueprint.response(200, OutcomeOut)
@blueprint.alt_response(202, schema=OutcomeOut, description=_WAITS["description"], success=True)
@blueprint.doc(summary=_ACTIONS["update_contact"].label, requestBody=body_of(_ACTIONS["update_contact"]))
def update_contact(query: Mapping[str, Any], who: str) -> Response:
    """Update a contact that exists."""
    name = person.name_of(who)
    body, digest = object_body()
    return _update(name, _an_object(body), query, once(digest))


@blueprint.route("/<path:who>/data", methods=["PATCH"])
@needs("write")
@blueprint.arguments(query_of("update_data"), location="query")
@blueprint.response(200, OutcomeOut)
@blueprint.alt_response(202, schema=OutcomeOut, description=_WAITS["description"], success=True)
@blueprint.doc(summary=_ACTIONS["update_data"].label, requestBody=body_of(_ACTIONS["update_data"]))
def update_data(query: Mapping[str, Any], who: str) -> Response:
    """Update custom data: `{"plan": "pro", "old": null}`, with or without `data` around it."""
    name = person.name_of(who)
    body, digest = object_body()
    sent = _an_object(body)
    only = sent["data"] if list(sent) == ["data"] and isinstance(sent["data"], dict | list) else sent
    return _update(name, {"data": only}, query, once(digest))


def _an_object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise Problem("body_not_records", message="The body must be a JSON object with the fields to change.")
    return body


def _update(who: str, body: dict[str, Any], query: Mapping[str, Any], key: Once | None) -> Response:
    """Plain fields for the person who is named in the address."""
    named = {"email": body.get("email") or who} if "@" in who else {"people_id": who}
    payload = sources.read({**body, **named}, "generic")
    options = Options.given({**query, "source": "generic", "mode": "update"}, services().manifest)
    read = services().intake.reading(lambda: (payload,), options)
    record_id = services().intake.one(connection_id(), read, "update", who=who, once=key)
    return outcome_of(record_id, query["wait"])


@blueprint.route("/<path:who>", methods=["GET"])
@needs("read")
@blueprint.response(200, _HELD)
@blueprint.doc(summary=_ACTIONS["get_contact"].label)
def get_contact(who: str) -> Response:
    """The contact as Crisp has it now."""
    return answer(person.read(services(), connection_id(), person.name_of(who)))


@blueprint.route("/<path:who>", methods=["DELETE"])
@needs("write")
@blueprint.response(200, _DELETED)
@blueprint.doc(summary=_ACTIONS["delete_contact"].label)
@answered_once
def delete_contact(who: str) -> Response:
    """Erase the contact in Crisp and here; the answer counts what was removed or emptied, and the calls it cost."""
    return answer(person.erase(services(), connection_id(), person.name_of(who), wait=False))
