"""Subscriptions (REST hooks): who is told of which events, signed, at which address."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from connector import subscribing
from connector.api.access import connection_id, given_key, needs, services
from connector.api.again import answered_once, keyed
from connector.api.answers import answer, base_url, paged
from connector.api.blueprint import Blueprint
from connector.api.failures import KEY
from connector.api.incoming import once, request_hash
from connector.api.schemas import PageQuery
from connector.api.subscription_schemas import (
    EndedOut,
    NewSubscriptionOut,
    SubscriptionChangesIn,
    SubscriptionIn,
    SubscriptionOut,
    TestedOut,
    TokenQuery,
)
from connector.convert.times import moment_of
from connector.errors import Problem
from connector.ledger import deliveries, requests, subscriptions
from connector.ledger.subscriptions import Subscription

blueprint = Blueprint(
    "subscriptions",
    __name__,
    url_prefix="/v1/subscriptions",
    description="REST hooks: an address of yours is told, signed, when something happens in Crisp.",
)


@blueprint.route("", methods=["GET"])
@needs("read")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, SubscriptionOut(many=True))
def list_subscriptions(query: Mapping[str, Any]) -> Response:
    """List subscriptions.

    Newest first, without their secrets, each with its newest delivery.
    """
    limit = query["limit"]
    with services().ledger.read() as connection:
        found = subscriptions.newest(connection, connection_id(), before=query.get("cursor"), limit=limit + 1)
    return paged(found, limit, _shown)


@blueprint.route("", methods=["POST"])
@needs("write")
@blueprint.arguments(SubscriptionIn, location="json")
@blueprint.response(201, NewSubscriptionOut)
@blueprint.fails("target_refused", "too_many_subscriptions")
@keyed
def add_subscription(sent: Mapping[str, Any]) -> Response:
    """Subscribe to an event.

    The same event, address and filter give the subscription that is there, with its secret. The Location header is a
    capability: a DELETE there ends the subscription without an API key.
    """
    # The answer holds a secret, so it is not kept: sent again, the request finds what it made.
    _came_before()
    wanted = subscribing.Wanted(
        sent["event"],
        sent["target_url"],
        subscribing.read_filter(services(), sent.get("filter")),
        sent.get("include_own"),
    )
    made, _ = subscribing.add(services(), connection_id(), wanted)
    # Always 201: Power Automate takes the Location of a 201 alone.
    response = answer(_with_secret(made), 201)
    token = subscribing.token(services(), made)
    response.headers["Location"] = f"{base_url()}/v1/subscriptions/{made.id}?token={token}"
    return response


@blueprint.route("/<subscription_id>", methods=["GET"])
@needs("read")
@blueprint.response(200, SubscriptionOut)
@blueprint.fails("subscription_missing")
def get_subscription(subscription_id: str) -> Response:
    """Get a subscription.

    Without its secret. It says whether deliveries fail, and why it was disabled if it was.
    """
    return answer(_shown(subscribing.get(services(), connection_id(), subscription_id)))


@blueprint.route("/<subscription_id>", methods=["PATCH"])
@needs("write")
@blueprint.arguments(SubscriptionChangesIn, location="json")
@blueprint.response(200, SubscriptionOut)
@blueprint.fails("subscription_missing", "target_refused", "subscription_exists")
@answered_once
def change_subscription(sent: Mapping[str, Any], subscription_id: str) -> Response:
    """Change a subscription.

    Its address, filter or include_own; or let it go on after it was disabled. What waits goes to the new address.
    """
    changes = {name: sent[name] for name in ("target_url", "include_own") if name in sent}
    if "filter" in sent:
        changes["filter"] = subscribing.read_filter(services(), sent["filter"])
    enable = sent.get("enabled", False)
    return answer(_shown(subscribing.change(services(), connection_id(), subscription_id, changes, enable=enable)))


@blueprint.route("/<subscription_id>", methods=["DELETE"])
@blueprint.arguments(TokenQuery, location="query")
@blueprint.response(200, EndedOut)
@blueprint.fails(*KEY, "scope_missing/write", "subscription_missing")
@blueprint.doc(security=[{"key": []}, {"key_header": []}, {}])
@keyed
def delete_subscription(query: Mapping[str, Any], subscription_id: str) -> Response:
    """End a subscription.

    With an API key, or with the token of its Location alone. What waits for it is not told.
    """
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
@blueprint.fails("subscription_missing")
@answered_once
def test_subscription(subscription_id: str) -> Response:
    """Test a subscription.

    A sample event is sent now, signed like every other, and tried once; the answer says what came back.
    """
    tried = subscribing.test(services(), connection_id(), subscription_id)
    return answer({"delivered": tried.succeeded, "status": tried.status, "reason": tried.reason, "ms": tried.ms})


@blueprint.route("/<subscription_id>/rotate", methods=["POST"])
@needs("write")
@blueprint.response(200, NewSubscriptionOut)
@blueprint.fails("subscription_missing")
@keyed
def rotate_subscription(subscription_id: str) -> Response:
    """Rotate the secret of a subscription.

    It gets a new one. For a day everything is signed with the old one as well.
    """
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
        **{name: moment_of(getattr(subscription, name)) for name in moments},
        "last_delivery": _last_delivery(subscription),
    }


def _last_delivery(subscription: Subscription) -> dict[str, Any] | None:
    with services().ledger.read() as connection:
        found = deliveries.newest(
            connection, subscription.connection_id, before=None, limit=1, subscription_id=subscription.id
        )
    return next(({"id": row.id, "status": row.status, "created_at": moment_of(row.created_at)} for row in found), None)
