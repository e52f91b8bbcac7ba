"""Connections: the Crisp websites that the keys of this one may manage."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from connector import tenancy
from connector.api.access import caller, connection_id, needs, services
from connector.api.again import answered_once
from connector.api.answers import answer
from connector.api.blueprint import Blueprint
from connector.convert.times import from_milliseconds
from connector.errors import Problem
from connector.ledger import connections as tenants
from connector.ledger.connections import CrispConnection
from connector.services import Token
from connector.settings import MOST_CALLS, MOST_RATE, SHAPES, TIERS

blueprint = Blueprint(
    "connections", __name__, url_prefix="/v1/connections", description="Crisp websites, each by itself."
)
_ABOUT = ("label", "daily_quota", "rate")
# How every view fails, and those that take a body, and those that ask Crisp.
_KEY = ("key_missing", "key_invalid", "scope_missing", "no_connection", "database_unavailable")
_BODY = ("body_not_json", "body_not_records", "body_too_large", "content_type_unknown")
_CRISP = ("crisp_unreachable",)


def _part(name: str, **more: Any) -> fields.String:
    """A text in its shape; a message never shows its value."""
    pattern, sentence = SHAPES[name]
    return fields.String(validate=[validate.Regexp(pattern, error=sentence), _one_line], **more)


def _one_line(value: str) -> None:
    """A pattern's `$` takes a line break at the end."""
    if value.endswith("\n"):
        raise ValidationError("It must not end with a line break.")


def _label(help_: str) -> fields.String:
    return _part("label", metadata={"description": help_})


def _hooks(help_: str) -> fields.String:
    return _part("key", load_only=True, allow_none=True, metadata={"description": help_})


def _count(most: int, help_: str, **more: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(1, most), metadata={"description": help_}, **more)


def _tier(help_: str) -> fields.String:
    return fields.String(validate=validate.OneOf(TIERS), metadata={"description": help_})


def _check(help_: str) -> fields.Boolean:
    return fields.Boolean(load_default=True, metadata={"description": help_})


class ConnectionIn(Schema):
    """A website to connect, with its token, and what is said of it."""

    label = _label("What you call it; the website's id when it is not said.")
    daily_quota = _count(MOST_CALLS, "Calls a day; the tier's when it is not said.")
    rate = _count(MOST_RATE, "Calls a second; no limit when it is null or not said.", allow_none=True)
    tier = _tier(f"Tier of the token; {TIERS[0]} when it is not said.")
    check = _check("Ask Crisp, with one call, whether the credential works; if not, nothing is stored.")
    website_id = _part("website_id", required=True, metadata={"description": "Crisp's id of the website."})
    identifier = _part("identifier", required=True, load_only=True)
    key = _part("key", required=True, load_only=True)


class ChangesIn(Schema):
    """What is to change; what is not said stays as it is. The parts of a credential come together."""

    label = _label("What you call it from now on.")
    daily_quota = _count(MOST_CALLS, "Calls a day from now on; more than before has room at once.")
    rate = _count(MOST_RATE, "Calls a second from now on; null: no limit any more.", allow_none=True)
    tier = _tier("Tier of the new token, when it is another; it comes with identifier and key.")
    check = _check("Ask Crisp, with one call, whether a new credential works; if not, nothing is changed.")
    hook_secret = _hooks("Secret that signs Crisp's plugin hooks; old and new, comma-separated; null: none any more.")
    hook_key = _hooks("Key in the address of Crisp's website hooks (?key=…); null: none any more.")
    identifier = _part("identifier", load_only=True)
    key = _part("key", load_only=True)

    @validates_schema
    def _whole(self, data: Mapping[str, Any], **_: Any) -> None:
        given = {"identifier", "key", "tier"} & set(data)
        for name in ("identifier", "key"):
            if given and name not in data:
                raise ValidationError("Send identifier and key together, with the tier if it is another one.", name)


class RemoveQuery(Schema):
    """A confirmation."""

    confirm = fields.String(
        metadata={"description": "The id again: needed to delete the connection of the key that you send."}
    )


class ConnectionOut(Schema):
    """A connection, without its credential."""

    id = fields.String()
    website_id = fields.String()
    label = fields.String()
    tier = fields.String()
    daily_quota = fields.Integer()
    rate = fields.Integer(allow_none=True)
    halted = fields.String(allow_none=True, metadata={"description": "Why nothing is sent."})
    from_environment = fields.Boolean(
        metadata={"description": "CRISP_WEBSITE_ID names it: what the environment says of it wins at the next start."}
    )
    created_at = fields.String(metadata={"format": "date-time"})
    probed_at = fields.String(allow_none=True, metadata={"format": "date-time"})


class NewConnectionOut(ConnectionOut):
    """A new connection with its first API key, which is shown once."""

    key = fields.String()


@blueprint.route("", methods=["GET"])
@needs("admin")
@blueprint.response(200, ConnectionOut(many=True))
@blueprint.fails(*_KEY)
def list_connections() -> Response:
    """This key's connection, and those that were added with an admin key of it."""
    with services().ledger.read() as connection:
        return answer([_shown(tenant) for tenant in tenants.reached_by(connection, connection_id())])


@blueprint.route("", methods=["POST"])
@needs("admin")
@blueprint.arguments(ConnectionIn, location="json")
@blueprint.response(201, NewConnectionOut)
@blueprint.fails(*_KEY, *_BODY, *_CRISP, "connection_exists")
def add_connection(sent: Mapping[str, Any]) -> Response:
    """Connect a Crisp website. Its first API key is in this answer and nowhere else.

    No Idempotency-Key is kept, for an answer that is kept would keep the API key: sent again, the request is answered
    409 `connection_exists`.
    """
    token = Token(sent["website_id"], sent.get("tier", TIERS[0]), sent["identifier"], sent["key"])
    made, key = tenancy.add(services(), token, _about(sent), added_by=connection_id(), check=sent["check"])
    return answer({**_shown(made), "key": key}, 201)


@blueprint.route("/<connection_id>", methods=["GET"])
@needs("admin")
@blueprint.response(200, ConnectionOut)
@blueprint.fails(*_KEY, "connection_missing")
def get_connection(connection_id: str) -> Response:
    """One connection."""
    return answer(_shown(_reached(connection_id)))


@blueprint.route("/<connection_id>", methods=["PATCH"])
@needs("admin")
@blueprint.arguments(ChangesIn, location="json")
@blueprint.response(200, ConnectionOut)
@blueprint.fails(*_KEY, *_BODY, *_CRISP, "connection_missing", "quota_used_up")
def change_connection(sent: Mapping[str, Any], connection_id: str) -> Response:
    """Change label, quota, rate or credential. What waits goes out with it at once. Sent again, it changes nothing."""
    known = _reached(connection_id)
    token = None
    if "key" in sent:
        token = Token(known.website_id, sent.get("tier", known.tier), sent["identifier"], sent["key"])
    changed = tenancy.change(services(), known.id, _about(sent), token, check=sent["check"])
    tenancy.take_hooks(services(), known.id, {name: sent[name] for name in ("hook_secret", "hook_key") if name in sent})
    return answer(_shown(changed))


@blueprint.route("/<connection_id>", methods=["DELETE"])
@needs("admin")
@blueprint.arguments(RemoveQuery, location="query")
@blueprint.response(200, {"type": "object", "properties": {"deleted": {"type": "boolean"}}})
@blueprint.fails(*_KEY, "connection_missing", "confirmation_missing", "idempotency_mismatch")
@answered_once
def delete_connection(query: Mapping[str, Any], connection_id: str) -> Response:
    """Delete a connection with its keys, records and everything known of its people. Crisp keeps its contacts."""
    known = _reached(connection_id)
    if known.id == caller().connection.id and query.get("confirm") != known.id:
        raise Problem("confirmation_missing", connection=known.id)
    tenancy.remove(services(), known.id, wait=False)
    return answer({"deleted": True})


def _about(sent: Mapping[str, Any]) -> dict[str, Any]:
    return {name: sent[name] for name in _ABOUT if name in sent}


def _reached(wanted: str) -> CrispConnection:
    """The connection of this id, when this key may manage it. Raises `connection_missing`."""
    with services().ledger.read() as connection:
        for tenant in tenants.reached_by(connection, connection_id()):
            if tenant.id == wanted:
                return tenant
    raise Problem("connection_missing")


def _shown(tenant: CrispConnection) -> dict[str, Any]:
    names = ("id", "website_id", "label", "tier", "daily_quota", "rate", "halted")
    probed = None if tenant.probed_at is None else from_milliseconds(tenant.probed_at)
    return {
        **{name: getattr(tenant, name) for name in names},
        "from_environment": tenant.id == services().settings.crisp_website_id,
        "created_at": from_milliseconds(tenant.created_at),
        "probed_at": probed,
    }
