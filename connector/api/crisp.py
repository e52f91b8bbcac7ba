"""Crisp's hooks come in: stored, and answered at once."""

import hmac
from typing import Any

from flask import Response, request
from marshmallow import fields
from structlog.contextvars import bind_contextvars

from connector.api.access import services
from connector.api.answers import answer
from connector.api.blueprint import Blueprint
from connector.api.incoming import raw_body
from connector.api.shapes import EMAIL, PEOPLE_ID, SECRET, WEBSITE, Answer, about
from connector.body import read_json
from connector.crisp.events import Forged, Told, Unreadable, Way, read, verify
from connector.errors import Problem
from connector.events.receiving import Hook, receive
from connector.ledger import connections as tenants
from connector.ledger.connections import CrispConnection
from connector.settings import SettingsProblem

blueprint = Blueprint(
    "crisp",
    __name__,
    url_prefix="/crisp",
    description="Where Crisp's own hooks come in. They prove themselves; no API key.",
)
_LIMIT = 2_000_000
_FAILS = (
    *("hook_forged", "hook_of_another", "hook_unreadable", "body_bad_encoding", "body_too_large/hook"),
    "database_unavailable",
)
# Crisp, hooks reference: people:profile:created.
_EVENT = {
    "website_id": WEBSITE,
    "event": "people:profile:created",
    "data": {
        "website_id": WEBSITE,
        "people_id": PEOPLE_ID,
        "email": EMAIL,
        "person": {"nickname": "Ada Lovelace"},
    },
    "timestamp": 1768469400000,
}
_BODY = {
    "description": "An event, as Crisp tells it.",
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {
                    "website_id": {"type": "string", "description": "The website that it happened on."},
                    "event": {"type": "string", "description": "Crisp's name of the event."},
                    "data": {"type": "object", "description": "What happened."},
                    "timestamp": {"type": "integer", "description": "When, in milliseconds since 1970."},
                },
                "required": ["website_id", "event", "data"],
            },
            "example": _EVENT,
        }
    },
}
_KEY = {
    "in": "query",
    "name": "key",
    "description": "Of a website hook: the key that stands in its address.",
    "schema": {"type": "string"},
    "example": SECRET,
}
# A name that no event has: the work is the same for a connection that is not there.
_NOBODY = ("0" * 64,)


class StoredOut(Answer):
    """It is on disk."""

    stored = fields.Boolean(metadata=about("false: the same event had come before."))


@blueprint.route("/<connection_id>", methods=["POST"])
@blueprint.response(200, StoredOut)
@blueprint.fails(*_FAILS)
@blueprint.reads("X-Crisp-Signature", "X-Crisp-Request-Timestamp")
@blueprint.doc(security=[], requestBody=_BODY, parameters=[_KEY])
def receive_hook(connection_id: str) -> Response:
    """Receive a hook of Crisp.

    An event of Crisp: a plugin hook with its signature, or a website hook with the key in its address (`?key=`). It is
    answered when it is on disk.
    """
    body = raw_body(_LIMIT)
    tenant = _tenant(connection_id)
    way, signature = _verified(tenant, body)
    if tenant is None:
        raise Problem("hook_forged")
    bind_contextvars(connection=tenant.id)
    told = _told(body)
    if told.website_id != tenant.website_id:
        raise Problem("hook_of_another")
    hook = Hook(told, way, body.decode("utf-8-sig"), signature)
    received = receive(services().ledger, tenant.id, hook, services().courier.clock())
    if received == "replayed":
        raise Problem("hook_forged")
    services().events.kick()
    return answer({"stored": received == "stored"})


def _tenant(connection_id: str) -> CrispConnection | None:
    with services().ledger.read() as connection:
        return tenants.get(connection, connection_id)


def _verified(tenant: CrispConnection | None, body: bytes) -> tuple[Way, str | None]:
    """By which way it came, and its signature. Raises `hook_forged`."""
    signature, timestamp = (request.headers.get(name) for name in ("X-Crisp-Signature", "X-Crisp-Request-Timestamp"))
    secrets, keys = _secrets(tenant)
    if signature is not None:
        try:
            verified = verify(body, timestamp, signature, secrets or _NOBODY, services().courier.clock())
        except Forged:
            raise Problem("hook_forged") from None
        if not secrets:  # everybody can read what stands for no secret
            raise Problem("hook_forged")
        return "plugin", verified
    given = request.args.getlist("key")
    good = [hmac.compare_digest(given[0].encode(), key.encode()) for key in keys or _NOBODY] if len(given) == 1 else []
    if not any(good) or not keys:
        raise Problem("hook_forged")
    return "website", None


def _secrets(tenant: CrispConnection | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The secrets of plugin hooks and the keys of website hooks: those that are stored, and for the default connection
    those of the environment."""
    if tenant is None:
        return (), ()
    settings, vault = services().settings, services().vault
    with services().ledger.read() as connection:
        sealed = tenants.hooks_of(connection, tenant.id)
    try:
        stored = [vault.open(each) if each else "" for each in sealed]
    except SettingsProblem:
        stored = ["", ""]
    default = tenant.id == settings.crisp_website_id
    environment = (settings.crisp_hook_secret, settings.crisp_hook_key) if default else ("", "")
    first, second = (_listed(f"{kept},{said}") for kept, said in zip(stored, environment, strict=True))
    return first, second


def _listed(written: str) -> tuple[str, ...]:
    return tuple(each for part in written.split(",") if (each := part.strip()))


def _told(body: bytes) -> Told:
    try:
        value: Any = read_json(body)
        return read(value)
    except (Problem, Unreadable):
        raise Problem("hook_unreadable") from None
