"""Subscriptions (REST hooks): who is told of which events, signed, at which address."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields, pre_load, validate, validates_schema

from connector import subscribing
from connector.api.access import connection_id, given_key, needs, services
from connector.api.again import answered_once
from connector.api.answers import answer, base_url, paged
from connector.api.blueprint import Blueprint
from connector.api.incoming import once, request_hash
from connector.api.schemas import PageQuery
from connector.convert.times import from_milliseconds
from connector.errors import Problem
from connector.events.meaning import EVENTS
from connector.hooks.conditions import HELP
from connector.ledger import requests, subscriptions
from connector.ledger.subscriptions import Subscription

blueprint = Blueprint(
    "subscriptions", __name__, url_prefix="/v1/subscriptions", description="REST hooks: who is told of what, and where."
)
_WORDS = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
_FILTER = {
    "type": ["object", "string", "null"],
    "description": "Only events for which all of these hold; of a list, one is enough.",
    "properties": {name: {**_WORDS, "description": told} for name, told in HELP.items()},
}
_KEY = ("key_missing", "key_invalid", "scope_missing", "no_connection", "database_unavailable")
_BODY = ("body_not_json", "body_not_records", "body_too_large", "content_type_unknown")
_DELETED = {"type": "object", "properties": {"deleted": {"type": "boolean"}, "id": {"type": "string"}}}


def _url(**more: Any) -> fields.String:
    return fields.String(metadata={"description": "Where events are posted to: https://…", "format": "uri"}, **more)


def _own(**more: Any) -> fields.Boolean:
    told = "Also what Crisp tells of our own writes; without it two systems cannot answer each other for ever."
    return fields.Boolean(metadata={"description": told}, **more)


class _Filled(Schema):
    """Platforms send an empty box as "" or null: that says nothing."""

    @pre_load
    def _empty_says_nothing(self, data: Any, **_: Any) -> Any:
        return {name: value for name, value in data.items() if value not in ("", None)}


class SubscriptionIn(_Filled):
    """Who wants to be told of what."""

    event = fields.String(required=True, validate=validate.OneOf(EVENTS), metadata={"description": "Of what."})
    target_url = _url(required=True)
    filter = fields.Raw(metadata=_FILTER)
    include_own = _own()


class SubscriptionChangesIn(_Filled):
    """What is to change; what is not said stays as it is."""

    target_url = _url()
    filter = fields.Raw(metadata={**_FILTER, "description": "In the place of the one before; {}: none any more."})
    include_own = _own()
    enabled = fields.Boolean(
        validate=validate.Equal(True, error="Only true: delete the subscription to end it."),
        metadata={"description": "true: it goes on after it was disabled."},
    )

    @validates_schema
    def _not_empty(self, data: Mapping[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError("Name at least one of target_url, filter, include_own, enabled.", "target_url")


class TokenQuery(Schema):
    """A capability."""

    token = fields.String(metadata={"description": "From the Location of the subscription: no API key is needed then."})


class SubscriptionOut(Schema):
    """A subscription, without its secret."""

    id = fields.String()
    event = fields.String()
    target_url = fields.String()
    filter = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))
    include_own = fields.Boolean()
    created_at = fields.String(metadata={"format": "date-time"})
    failing_since = fields.String(allow_none=True, metadata={"format": "date-time"})
    disabled_at = fields.String(allow_none=True, metadata={"format": "date-time"})
    disabled_reason = fields.String(allow_none=True, metadata={"description": "What came of the last attempt."})


class NewSubscriptionOut(SubscriptionOut):
    """A subscription with the secret that its deliveries are signed with."""

    secret = fields.String()


class TestedOut(Schema):
    """What came of one attempt: a status, or the reason why there is none."""

    delivered = fields.Boolean()
    status = fields.Integer(allow_none=True)
    reason = fields.String(allow_none=True)
    ms = fields.Integer()


@blueprint.route("", methods=["GET"])
@needs("read")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, SubscriptionOut(many=True))
@blueprint.fails(*_KEY)
def list_subscriptions(query: Mapping[str, Any]) -> Response:
    """Subscriptions, newest first."""
    limit = query["limit"]
    with services().ledger.read() as connection:
        found = subscriptions.newest(connection, connection_id(), before=query.get("cursor"), limit=limit + 1)
    return paged(found, limit, _shown)


@blueprint.route("", methods=["POST"])
@needs("write")
@blueprint.arguments(SubscriptionIn, location="json")
@blueprint.response(201, NewSubscriptionOut)
@blueprint.alt_response(200, schema=NewSubscriptionOut, description="It was there already.", success=True)
@blueprint.fails(*_KEY, *_BODY, "target_refused", "too_many_subscriptions", "idempotency_mismatch")
def add_subscription(sent: Mapping[str, Any]) -> Response:
    """Subscribe to an event. The same event, address and filter give the subscription that is there, with its secret.

    The Location header is a capability: a DELETE there ends the subscription without an API key.
    """
    # The answer holds a secret, so it is not kept: sent again, the request finds what it made.
    _came_before()
    wanted = subscribing.Wanted(
        sent["event"],
        sent["target_url"],
        subscribing.read_filter(services(), sent.get("filter")),
        sent.get("include_own"),
    )
    made, is_new = subscribing.add(services(), connection_id(), wanted)
    response = answer(_with_secret(made), 201 if is_new else 200)
    token = subscribing.token(services(), made)
    response.headers["Location"] = f"{base_url()}/v1/subscriptions/{made.id}?token={token}"
    return response


@blueprint.route("/<subscription_id>", methods=["GET"])
@needs("read")
@blueprint.response(200, SubscriptionOut)
@blueprint.fails(*_KEY, "subscription_missing")
def get_subscription(subscription_id: str) -> Response:
    """One subscription."""
    return answer(_shown(subscribing.get(services(), connection_id(), subscription_id)))


@blueprint.route("/<subscription_id>", methods=["PATCH"])
@needs("write")
@blueprint.arguments(SubscriptionChangesIn, location="json")
@blueprint.response(200, SubscriptionOut)
@blueprint.fails(*_KEY, *_BODY, "subscription_missing", "target_refused", "subscription_exists", "idempotency_mismatch")
@answered_once
def change_subscription(sent: Mapping[str, Any], subscription_id: str) -> Response:
    """Change address, filter or include_own, or let it go on after it was disabled. What waits goes there, too."""
    changes = {name: sent[name] for name in ("target_url", "include_own") if name in sent}
    if "filter" in sent:
        changes["filter"] = subscribing.read_filter(services(), sent["filter"])
    enable = sent.get("enabled", False)
    return answer(_shown(subscribing.change(services(), connection_id(), subscription_id, changes, enable=enable)))


@blueprint.route("/<subscription_id>", methods=["DELETE"])
@blueprint.arguments(TokenQuery, location="query")
@blueprint.response(200, _DELETED)
@blueprint.fails(*_KEY, "subscription_missing", "idempotency_mismatch")
def delete_subscription(query: Mapping[str, Any], subscription_id: str) -> Response:
    """End a subscription; what waits for it is not told. With an API key, or with the token of its Location alone."""
    if "token" in query:
        if subscribing.remove_by(services(), subscription_id, query["token"]):
            return answer({"deleted": True, "id": subscription_id})
        if given_key() is None:
            raise Problem("subscription_missing")
    return _delete(subscription_id)


@needs("write")
@answered_once
def _delete(subscription_id: str) -> Response:
    subscribing.remove(services(), connection_id(), subscription_id)
    return answer({"deleted": True, "id": subscription_id})


@blueprint.route("/<subscription_id>/test", methods=["POST"])
@needs("write")
@blueprint.response(200, TestedOut)
@blueprint.fails(*_KEY, "subscription_missing", "idempotency_mismatch")
@answered_once
def test_subscription(subscription_id: str) -> Response:
    """Send a sample event now, signed like every other, and see what comes back. It is tried once."""
    tried = subscribing.test(services(), connection_id(), subscription_id)
    return answer({"delivered": tried.succeeded, "status": tried.status, "reason": tried.reason, "ms": tried.ms})


@blueprint.route("/<subscription_id>/rotate", methods=["POST"])
@needs("write")
@blueprint.response(200, NewSubscriptionOut)
@blueprint.fails(*_KEY, "subscription_missing", "idempotency_mismatch")
def rotate_secret(subscription_id: str) -> Response:
    """Give the subscription a new secret. For a day everything is signed with the old one as well."""
    if _came_before():
        return answer(_with_secret(subscribing.get(services(), connection_id(), subscription_id)))
    response = answer(_with_secret(subscribing.rotate(services(), connection_id(), subscription_id)))
    _remember()
    return response


def _came_before() -> bool:
    """Whether a request with this Idempotency-Key was done before. Raises `idempotency_mismatch`."""
    key = once(request_hash())
    if key is None:
        return False
    with services().ledger.write(durable=True) as connection:
        first = key.taken(connection, connection_id(), services().courier.clock())
    return first is not None and first.answer is not None


def _remember() -> None:
    """That it was done, and nothing of the answer: that holds a secret."""
    key = once(request_hash())
    if key is not None:
        with services().ledger.write(durable=True) as connection:
            requests.made(connection, connection_id(), key.key, answer={"status": 200, "body": None})


def _with_secret(subscription: Subscription) -> dict[str, Any]:
    return {**_shown(subscription), "secret": subscribing.secret(services(), subscription)}


def _shown(subscription: Subscription) -> dict[str, Any]:
    names = ("id", "event", "target_url", "filter", "include_own", "disabled_reason")
    moments = ("created_at", "failing_since", "disabled_at")
    return {
        **{name: getattr(subscription, name) for name in names},
        **{name: _moment(getattr(subscription, name)) for name in moments},
    }


def _moment(at: int | None) -> str | None:
    return None if at is None else from_milliseconds(at)
