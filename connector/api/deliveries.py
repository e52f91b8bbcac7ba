"""Deliveries: what subscribers and sinks were told, with every attempt; and telling it once more."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from flask import Response
from marshmallow import ValidationError, fields, validate, validates_schema
from sqlalchemy import Row

from connector import subscribing
from connector.api.access import connection_id, needs, services
from connector.api.again import answered_once
from connector.api.answers import answer, paged
from connector.api.blueprint import Blueprint
from connector.api.schemas import PageQuery
from connector.api.shapes import ID, Answer, about, moment, sometimes
from connector.convert.times import moment_of
from connector.errors import Problem
from connector.events.meaning import EVENTS
from connector.hooks.plan import STATUSES
from connector.ledger import deliveries
from connector.manifest import shipped
from connector.saying import say
from connector.spoken import Spoken

blueprint = Blueprint(
    "deliveries",
    __name__,
    url_prefix="/v1/deliveries",
    description="What subscriptions and sinks were told, with every attempt, and telling it once more.",
)
_PAYLOAD = shipped().triggers[EVENTS[0]].sample


class DeliveriesQuery(PageQuery):
    """Deliveries, all or some."""

    subscription_id = fields.String(metadata=about("Only those of this subscription.", ID))
    event = fields.String(validate=validate.OneOf(EVENTS), metadata=about("Only this event."))
    status = fields.String(validate=validate.OneOf(STATUSES), metadata=about("Only this status."))


class ReplayDeliveriesIn(Spoken):
    """Which deliveries are told once more; every condition that is given must hold."""

    EXAMPLE: ClassVar = {"since": "2026-01-15T00:00:00Z", "until": "2026-01-16T00:00:00Z"}

    ids = fields.List(
        fields.String(), validate=validate.Length(max=1000), metadata=about("Delivery ids, at most 1000.", [ID])
    )
    subscription_id = fields.String(metadata=about("Deliveries of this subscription.", ID))
    since = fields.AwareDateTime(metadata=about("Deliveries that were written at this time or later."))
    until = fields.AwareDateTime(metadata=about("Deliveries that were written before this time."))

    @validates_schema
    def _not_empty(self, data: Mapping[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError(say("Name at least one of ids, subscription_id, since, until."), "ids")


class AttemptOut(Answer):
    """One attempt: the status that came back, or the reason why none did."""

    at = moment("When it was made.")
    status = fields.Integer(metadata=sometimes("The HTTP status that came back.", example=200))
    reason = fields.String(metadata=sometimes("Why none came back."))
    ms = fields.Integer(metadata=about("Milliseconds that it took.", 85))


class DeliveryOut(Answer):
    """One event for one who wants it."""

    id = fields.String(metadata=about("Names the delivery.", ID))
    subscription_id = fields.String(allow_none=True, metadata=about("The subscription that is told.", ID))
    sink_id = fields.String(allow_none=True, metadata=about("Or the sink.", None))
    event_id = fields.String(metadata=about("The event; whoever is told of it is told of this id.", ID))
    event = fields.String(validate=validate.OneOf(EVENTS), metadata=about("The kind of event."))
    sequence = fields.Integer(metadata=about("It grows with all that the same subscription is told.", 7))
    status = fields.String(validate=validate.OneOf(STATUSES), metadata=about("What became of it.", "delivered"))
    attempts = fields.Integer(metadata=about("Since it was written or last replayed.", 1))
    trail = fields.List(fields.Nested(AttemptOut), metadata=about("The last 30 attempts."))
    retry_at = moment("When it is tried again.", None, nullable=True)
    created_at = moment("When it was written.")
    finished_at = moment("When it ended.", nullable=True)


class WholeDeliveryOut(DeliveryOut):
    """A delivery with what it says."""

    payload = fields.Raw(
        metadata=about("What it says; null once that is forgotten.", _PAYLOAD, type=["object", "null"])
    )


class ToldAgainOut(Answer):
    """How many deliveries are told once more."""

    replayed = fields.Integer(metadata=about("Deliveries that are told once more.", 3))


@blueprint.route("", methods=["GET"])
@needs("read")
@blueprint.arguments(DeliveriesQuery, location="query")
@blueprint.response(200, DeliveryOut(many=True))
def list_deliveries(query: Mapping[str, Any]) -> Response:
    """List deliveries.

    What subscriptions and sinks were told or are to be told, with the last attempts, newest first.
    """
    limit = query["limit"]
    equal = {key: query[key] for key in ("subscription_id", "event", "status") if key in query}
    with services().ledger.read() as connection:
        rows = deliveries.newest(connection, connection_id(), before=query.get("cursor"), limit=limit + 1, **equal)
    return paged(rows, limit, _shown)


@blueprint.route("/<delivery_id>", methods=["GET"])
@needs("read")
@blueprint.response(200, WholeDeliveryOut)
@blueprint.fails("delivery_missing")
def get_delivery(delivery_id: str) -> Response:
    """Get a delivery.

    One event for one subscription or sink, with what it says and what came of each attempt.
    """
    with services().ledger.read() as connection:
        row = deliveries.get(connection, connection_id(), delivery_id)
    if row is None:
        raise Problem("delivery_missing")
    return answer({**_shown(row), "payload": None if row.body is None else json.loads(row.body)})


@blueprint.route("/<delivery_id>/replay", methods=["POST"])
@needs("write")
@blueprint.response(202, DeliveryOut)
@blueprint.fails("delivery_missing", "delivery_forgotten", "subscription_disabled", "sink_disabled")
@answered_once
def replay_delivery(delivery_id: str) -> Response:
    """Replay a delivery.

    It is told once more, byte for byte. One that waits is told at its time all the same.
    """
    return answer(_shown(subscribing.replay_one(services(), connection_id(), delivery_id)), 202)


@blueprint.route("/replay", methods=["POST"])
@needs("write")
@blueprint.arguments(ReplayDeliveriesIn, location="json")
@blueprint.response(202, ToldAgainOut)
@blueprint.fails("delivery_missing", "subscription_missing")
@answered_once
def replay_deliveries(wanted: Mapping[str, Any]) -> Response:
    """Replay deliveries.

    What was delivered or given up is told once more, where all conditions hold that are given; not for a subscription
    that is disabled.
    """
    moments = {key: int(wanted[key].timestamp() * 1000) for key in ("since", "until") if key in wanted}
    return answer({"replayed": subscribing.replay(services(), connection_id(), {**wanted, **moments})}, 202)


def _shown(row: Row[Any]) -> dict[str, Any]:
    names = ("id", "subscription_id", "sink_id", "event_id", "event", "sequence", "status", "attempts")
    trail = [{**each, "at": moment_of(each["at"])} for each in row.trail]
    moments = {name: moment_of(getattr(row, name)) for name in ("created_at", "finished_at")}
    plain = {name: getattr(row, name) for name in names}
    return {**plain, "trail": trail, "retry_at": moment_of(row.due_at), **moments}
