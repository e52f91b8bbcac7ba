"""Connections: the Crisp websites that the keys of this one may manage."""

from collections.abc import Mapping
from typing import Any, ClassVar

from flask import Response
from marshmallow import ValidationError, fields, validate, validates_schema

from connector import tenancy
from connector.api.access import caller, connection_id, needs, services
from connector.api.again import answered_once
from connector.api.answers import answer
from connector.api.blueprint import Blueprint
from connector.api.schemas import one_line
from connector.api.shapes import NEW_KEY, WEBSITE, Answer, DeletedOut, about, moment
from connector.convert.times import from_milliseconds, moment_of
from connector.errors import Problem
from connector.ledger import connections as tenants
from connector.ledger.connections import CrispConnection
from connector.saying import say
from connector.services import Token
from connector.settings import MOST_CALLS, MOST_RATE, SHAPES, TIERS
from connector.spoken import Spoken

blueprint = Blueprint(
    "connections",
    __name__,
    url_prefix="/v1/connections",
    description="The Crisp websites that are connected here, each by itself, with keys, quota and records of its own.",
)
_ABOUT = ("label", "daily_quota", "rate")
# How those fail that ask Crisp whether it takes a credential.
CRISP_ASKED = ("credential_refused", "crisp_unreachable")


def _part(name: str, **more: Any) -> fields.String:
    """A text in its shape; a message never shows its value."""
    pattern, sentence = SHAPES[name]
    return fields.String(validate=[validate.Regexp(pattern, error=sentence), one_line], **more)


def _label(help_: str) -> fields.String:
    return _part("label", metadata=about(help_, "My Shop"))


def _hooks(help_: str) -> fields.String:
    return _part("key", load_only=True, allow_none=True, metadata={"description": help_})


def _token(help_: str, part: str = "key", **more: Any) -> fields.String:
    return _part(part, load_only=True, metadata=about(help_, f"YOUR_{part.upper()}"), **more)


def _count(most: int, help_: str, example: int, **more: Any) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(1, most), metadata=about(help_, example), **more)


def _tier(help_: str) -> fields.String:
    return fields.String(validate=validate.OneOf(TIERS), metadata=about(help_, TIERS[0]))


def _check(help_: str) -> fields.Boolean:
    return fields.Boolean(load_default=True, metadata={"description": help_})


class ConnectionIn(Spoken):
    """A website to connect, with its token, and what is said of it."""

    label = _label("What you call it; the website's id when it is not said.")
    daily_quota = _count(MOST_CALLS, "Calls a day; the tier's when it is not said.", 10_000)
    rate = _count(MOST_RATE, "Calls a second; no limit when it is null or not said.", 10, allow_none=True)
    tier = _tier(f"Tier of the token; {TIERS[0]} when it is not said.")
    check = _check("Ask Crisp, with one call, whether the credential works; if not, nothing is stored.")
    website_id = _part("website_id", required=True, metadata=about("Crisp's id of the website.", WEBSITE))
    identifier = _token("Identifier of the website's Crisp token.", "identifier", required=True)
    key = _token("Key of the website's Crisp token; it is never shown again.", required=True)


class ChangesIn(Spoken):
    """What is to change; what is not said stays as it is. The parts of a credential come together."""

    EXAMPLE: ClassVar = {"label": "My Shop", "daily_quota": 20_000, "rate": 10}

    label = _label("What you call it from now on.")
    daily_quota = _count(MOST_CALLS, "Calls a day from now on; more than before has room at once.", 20_000)
    rate = _count(MOST_RATE, "Calls a second from now on; null: no limit any more.", 10, allow_none=True)
    tier = _tier("Tier of the new token, when it is another; it comes with identifier and key.")
    check = _check("Ask Crisp, with one call, whether a new credential works; if not, nothing is changed.")
    hook_secret = _hooks("Secret that signs Crisp's plugin hooks; old and new, comma-separated; null: none any more.")
    hook_key = _hooks("Key in the address of Crisp's website hooks (?key=…); null: none any more.")
    identifier = _token("Identifier of a new token; it comes with its key.", "identifier")
    key = _token("Key of a new token; it comes with its identifier.")

    @validates_schema
    def _whole(self, data: Mapping[str, Any], **_: Any) -> None:
        given = {"identifier", "key", "tier"} & set(data)
        for name in ("identifier", "key"):
            if given and name not in data:
                raise ValidationError(
                    say("Send identifier and key together, with the tier if it is another one."), name
                )


class RemoveQuery(Spoken):
    """A confirmation."""

    confirm = fields.String(
        metadata=about("The id again: needed to delete the connection of the key that you send.", WEBSITE)
    )


class ConnectionOut(Answer):
    """A connection, without its credential."""

    id = fields.String(metadata=about("The connection, which is the website's id in Crisp.", WEBSITE))
    website_id = fields.String(metadata=about("Crisp's id of the website.", WEBSITE))
    label = fields.String(metadata=about("What you call it.", "My Shop"))
    tier = fields.String(metadata=about("Tier of the Crisp token.", TIERS[0]))
    daily_quota = fields.Integer(metadata=about("Calls to Crisp that a day allows.", 10_000))
    rate = fields.Integer(allow_none=True, metadata=about("Calls a second; null: no limit.", 10))
    halted = fields.String(allow_none=True, metadata=about("Why nothing is sent, as a stable word.", None))
    from_environment = fields.Boolean(
        metadata=about("CRISP_WEBSITE_ID names it: what the environment says of it wins at the next start.", False)
    )
    created_at = moment("When it was connected.")
    probed_at = moment("When it was last found out how this Crisp behaves.", None, nullable=True)


class NewConnectionOut(ConnectionOut):
    """A new connection with its first API key, which is shown once."""

    key = fields.String(metadata=about("The secret of its first API key.", NEW_KEY))


@blueprint.route("", methods=["GET"])
@needs("admin")
@blueprint.response(200, ConnectionOut(many=True))
def list_connections() -> Response:
    """List connections.

    The connection of this key, and those that were added with an admin key of it.
    """
    with services().ledger.read() as connection:
        return answer([_shown(tenant) for tenant in tenants.reached_by(connection, connection_id())])


@blueprint.route("", methods=["POST"])
@needs("admin")
@blueprint.arguments(ConnectionIn, location="json")
@blueprint.response(201, NewConnectionOut)
@blueprint.fails(*CRISP_ASKED, "connection_exists")
def add_connection(sent: Mapping[str, Any]) -> Response:
    """Connect a Crisp website.

    Its first API key is in this answer and nowhere else. So no Idempotency-Key is kept: sent again, the request is
    answered 409 `connection_exists`.
    """
    made, key = tenancy.add(services(), token_of(sent), about_of(sent), added_by=connection_id(), check=sent["check"])
    return answer(with_key(made, key), 201)


@blueprint.route("/<connection_id>", methods=["GET"])
@needs("admin")
@blueprint.response(200, ConnectionOut)
@blueprint.fails("connection_missing")
def get_connection(connection_id: str) -> Response:
    """Get a connection.

    Its settings, and whether something halts it; never its credential.
    """
    return answer(_shown(_reached(connection_id)))


@blueprint.route("/<connection_id>", methods=["PATCH"])
@needs("admin")
@blueprint.arguments(ChangesIn, location="json")
@blueprint.response(200, ConnectionOut)
@blueprint.fails(*CRISP_ASKED, "connection_missing", "quota_used_up", "crisp_rate_limited")
def change_connection(sent: Mapping[str, Any], connection_id: str) -> Response:
    """Change a connection.

    Label, quota, rate, hooks or credential. What waits goes out with it at once. Sent again, it changes nothing.
    """
    known = _reached(connection_id)
    token = None
    if "key" in sent:
        token = Token(known.website_id, sent.get("tier", known.tier), sent["identifier"], sent["key"])
    changed = tenancy.change(services(), known.id, about_of(sent), token, check=sent["check"])
    tenancy.take_hooks(services(), known.id, {name: sent[name] for name in ("hook_secret", "hook_key") if name in sent})
    return answer(_shown(changed))


@blueprint.route("/<connection_id>", methods=["DELETE"])
@needs("admin")
@blueprint.arguments(RemoveQuery, location="query")
@blueprint.response(200, DeletedOut)
@blueprint.fails("connection_missing", "confirmation_missing", "files_unavailable")
@answered_once
def delete_connection(query: Mapping[str, Any], connection_id: str) -> Response:
    """Delete a connection.

    With its keys, its records and everything that is known of its people. Crisp keeps its contacts.
    """
    known = _reached(connection_id)
    if known.id == caller().connection.id and query.get("confirm") != known.id:
        raise Problem("confirmation_missing", connection=known.id)
    tenancy.remove(services(), known.id, wait=False)
    return answer({"deleted": True})


def token_of(sent: Mapping[str, Any]) -> Token:
    """The Crisp token of a website to connect."""
    return Token(sent["website_id"], sent.get("tier", TIERS[0]), sent["identifier"], sent["key"])


def with_key(made: CrispConnection, key: str) -> dict[str, Any]:
    """A new connection as it is shown this once."""
    return {**_shown(made), "key": key}


def about_of(sent: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of a connection beside its token."""
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
    probed = moment_of(tenant.probed_at)
    return {
        **{name: getattr(tenant, name) for name in names},
        "from_environment": tenant.id == services().settings.crisp_website_id,
        "created_at": from_milliseconds(tenant.created_at),
        "probed_at": probed,
    }
