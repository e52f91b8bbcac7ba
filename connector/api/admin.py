"""The connection itself: who am I, saved mappings, API keys."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from sqlalchemy import Row

from connector.api.access import caller, connection_id, needs, services
from connector.api.admin_schemas import (
    LONGEST_NAME,
    MAPPING,
    NAME,
    KeyIn,
    KeyOut,
    MappingIn,
    MappingOut,
    MeOut,
    NewKeyOut,
    RevokedOut,
)
from connector.api.again import answered_once
from connector.api.answers import answer
from connector.api.blueprint import Blueprint
from connector.api.failures import BODY, SAVED_MAPPING
from connector.api.incoming import object_body
from connector.api.shapes import DeletedOut
from connector.budget import limit_today, resets_at, used_today
from connector.convert.times import from_milliseconds, moment_of
from connector.errors import Detail, Problem
from connector.ids import new_key
from connector.intake.options import read_mapping, shown_mapping
from connector.ledger import connections as tenants
from connector.ledger import quotas, requests, sinks, subscriptions
from connector.ledger.connections import SCOPES, Key
from connector.subscribing import sink_ended, subscription_ended

blueprint = Blueprint(
    "connection",
    __name__,
    url_prefix="/v1",
    description="The connection of your API key, its saved mappings and its keys.",
)


@blueprint.route("/me", methods=["GET"])
@needs("read")
@blueprint.response(200, MeOut)
def get_me() -> Response:
    """Test an API key.

    The connection that the key is for, what it may do, and what is left of the day's calls to Crisp.
    """
    tenant, now = caller().connection, services().courier.clock()
    with services().ledger.read() as connection:
        budget = quotas.get(connection, tenant.id)
        untold = subscriptions.disabled(connection, tenant.id)
        unwritten = sinks.disabled(connection, tenant.id)
    quota = {
        "limit": limit_today(budget, tenant.limits, now),
        "used": used_today(budget, now),
        "resets_at": from_milliseconds(resets_at(now, budget.offset)),
        "daily_quota": tenant.daily_quota,
    }
    plain = {name: getattr(tenant, name) for name in ("id", "website_id", "label", "tier", "halted")}
    notes = [
        *(_ended(each.id, subscription_ended(each)) for each in untold),
        *(_ended(each.id, sink_ended(each)) for each in unwritten),
    ]
    return answer({**plain, "scopes": list(caller().key.scopes), "quota": quota, "notes": notes})


def _ended(whose: str, told: Problem) -> dict[str, Any]:
    """The note of a subscription that is not told any more, or of a sink; its path is their id."""
    return {"level": "error", "field": None, "code": told.code, "message": told.message, "path": whose}


@blueprint.route("/mappings", methods=["GET"])
@needs("read")
@blueprint.response(200, MappingOut(many=True))
def list_mappings() -> Response:
    """List saved mappings.

    A mapping says which of your names feeds which contact field.
    """
    with services().ledger.read() as connection:
        rows = requests.list_mappings(connection, connection_id())
    return answer([_mapping(row) for row in rows])


@blueprint.route("/mappings", methods=["POST"])
@needs("write")
@blueprint.arguments(MappingIn, location="json")
@blueprint.response(201, MappingOut)
@blueprint.fails(*SAVED_MAPPING)
@answered_once
def add_mapping(sent: Mapping[str, Any]) -> Response:
    """Save a mapping.

    Contact field → your name for it, or a list of names of which the first that is there counts. Requests name it in
    the header X-Connector-Mapping.
    """
    return _save_mapping(sent["name"], sent["mapping"], 201)


@blueprint.route("/mappings/<name>", methods=["GET"])
@needs("read")
@blueprint.response(200, MappingOut)
@blueprint.fails("mapping_missing")
def get_mapping(name: str) -> Response:
    """Get a saved mapping.

    Which of your names feed which contact field.
    """
    with services().ledger.read() as connection:
        found = [row for row in requests.list_mappings(connection, connection_id()) if row.name == name]
    if not found:
        raise Problem("mapping_missing")
    return answer(_mapping(found[0]))


_ROWS = {
    "type": "object",
    "example": MAPPING,
    "additionalProperties": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
}


@blueprint.route("/mappings/<name>", methods=["PUT"])
@needs("write")
@blueprint.response(200, MappingOut)
@blueprint.fails(*BODY, *SAVED_MAPPING, "parameter_invalid/name")
@blueprint.doc(requestBody={"required": True, "content": {"application/json": {"schema": _ROWS}}})
def put_mapping(name: str) -> Response:
    """Save or replace a mapping.

    The body is the mapping itself: contact field → your name for it, or a list of names; ignored → names that
    are not read.
    """
    if len(name) > LONGEST_NAME or "\0" in name:
        raise Problem("parameter_invalid", errors=[Detail(NAME, "parameter_invalid", "name")])
    body, _ = object_body()
    return _save_mapping(name, body, 200)


@blueprint.route("/mappings/<name>", methods=["DELETE"])
@needs("write")
@blueprint.response(200, DeletedOut)
@blueprint.fails("mapping_missing")
@answered_once
def delete_mapping(name: str) -> Response:
    """Delete a saved mapping.

    Requests that still name it are refused.
    """
    with services().ledger.write(durable=True) as connection:
        if not requests.remove_mapping(connection, connection_id(), name):
            raise Problem("mapping_missing")
    return answer({"deleted": True})


def _save_mapping(name: str, rows: Any, status: int) -> Response:
    mapping = read_mapping(rows, services().manifest)
    with services().ledger.write(durable=True) as connection:
        now = services().courier.clock()
        requests.save_mapping(connection, connection_id(), name, shown_mapping(mapping), now)
    shown = {"name": name, "mapping": shown_mapping(mapping), "updated_at": from_milliseconds(now)}
    return answer(shown, status)


def _mapping(row: Row[Any]) -> dict[str, Any]:
    return {"name": row.name, "mapping": row.rows, "updated_at": from_milliseconds(row.updated_at)}


@blueprint.route("/keys", methods=["GET"])
@needs("admin")
@blueprint.response(200, KeyOut(many=True))
def list_keys() -> Response:
    """List API keys.

    The keys of this connection, without their secrets.
    """
    with services().ledger.read() as connection:
        return answer([_key(key) for key in tenants.list_keys(connection, connection_id())])


@blueprint.route("/keys", methods=["POST"])
@needs("admin")
@blueprint.arguments(KeyIn, location="json")
@blueprint.response(201, NewKeyOut)
def add_key(sent: Mapping[str, Any]) -> Response:
    """Make an API key.

    Its secret is in this answer and nowhere else.
    """
    secret, now = new_key(), services().courier.clock()
    scopes = tuple(scope for scope in SCOPES if scope in sent["scopes"])
    with services().ledger.write(durable=True) as connection:
        key = tenants.add_key(connection, connection_id(), secret, label=sent["label"], scopes=scopes, now=now)
    return answer({**_key(key), "key": secret}, 201)


@blueprint.route("/keys/<key_id>", methods=["DELETE"])
@needs("admin")
@blueprint.response(200, RevokedOut)
@blueprint.fails("key_unknown")
@answered_once
def revoke_key(key_id: str) -> Response:
    """Revoke an API key.

    It is not taken any more, at once.
    """
    with services().ledger.write(durable=True) as connection:
        if not tenants.revoke_key(connection, connection_id(), key_id, services().courier.clock()):
            raise Problem("key_unknown")
    return answer({"revoked": True})


def _key(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "label": key.label,
        "scopes": list(key.scopes),
        "created_at": from_milliseconds(key.created_at),
        "used_at": moment_of(key.used_at),
        "revoked_at": moment_of(key.revoked_at),
    }
