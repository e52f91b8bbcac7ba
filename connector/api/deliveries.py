"""Deliveries: what subscribers and sinks were told, with every attempt; and telling it once more."""

import json
from collections.abc import Mapping
from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields, validate, validates_schema
from sqlalchemy import Row

from connector import subscribing
from connector.api.access import connection_id, needs, services
from connector.api.again import answered_once
from connector.api.answers import answer, paged
from connector.api.blueprint import Blueprint
from connector.api.schemas import PageQuery
from connector.convert.times import from_milliseconds
from connector.errors import Problem
from connector.events.meaning import EVENTS
from connector.hooks.plan import STATUSES
from connector.ledger import deliveries

blueprint = Blueprint("deliveries", __name__, url_prefix="/v1/deliveries", description="What was told to whom.")
_REPLAYED = {"type": "object", "properties": {"replayed": {"type": "integer"}}}


class DeliveriesQuery(PageQuery):
    """Deliveries, all or some."""

    subscription_id = fields.String(metadata={"description": "Only those of this subscription."})
    event = fields.String(validate=validate.OneOf(EVENTS), metadata={"description": "Only this event."})
    status = fields.String(validate=validate.OneOf(STATUSES), metadata={"description": "Only this status."})


class ReplayDeliveriesIn(Schema):
    """Which deliveries are told once more; every condition that is given must hold."""

    ids = fields.List(
        fields.String(), validate=validate.Length(max=1000), metadata={"description": "Delivery ids, at most 1000."}
    )
    subscription_id = fields.String(metadata={"description": "Deliveries of this subscription."})
    since = fields.AwareDateTime(metadata={"description": "Deliveries that were written at this time or later."})
    until = fields.AwareDateTime(metadata={"description": "Deliveries that were written before this time."})

    @validates_schema
    def _not_empty(self, data: Mapping[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError("Name at least one of ids, subscription_id, since, until.", "ids")


class AttemptOut(Schema):
    """One attempt: the status that came back, or the reason why none did."""

    at = fields.String(metadata={"format": "date-time"})
    status = fields.Integer()
    reason = fields.String()
    ms = fields.Integer()


class DeliveryOut(Schema):
    """One event for one who wants it. `sequence` grows with all that the same subscription is told."""

    id = fields.String()
    subscription_id = fields.String(allow_none=True)
    sink_id = fields.String(allow_none=True)
    event_id = fields.String()
    event = fields.String()
    sequence = fields.Integer()
    status = fields.String(validate=validate.OneOf(STATUSES))
    attempts = fields.Integer(metadata={"description": "Since it was written or last replayed."})
    trail = fields.List(fields.Nested(AttemptOut), metadata={"description": "The last 30 attempts."})
    retry_at = fields.String(allow_none=True, metadata={"format": "date-time"})
    created_at = fields.String(metadata={"format": "date-time"})
    finished_at = fields.String(allow_none=True, metadata={"format": "date-time"})


class WholeDeliveryOut(DeliveryOut):
    """A delivery with what it says; null once that is forgotten."""

    payload = fields.Raw(metadata={"type": ["object", "null"]})


@blueprint.route("", methods=["GET"])
@needs("read")
@blueprint.arguments(DeliveriesQuery, location="query")
@blueprint.response(200, DeliveryOut(many=True))
def list_deliveries(query: Mapping[str, Any]) -> Response:
    """Deliveries, newest first."""
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
    """One delivery, with what it says."""
    with services().ledger.read() as connection:
        row = deliveries.get(connection, connection_id(), delivery_id)
    if row is None:
        raise Problem("delivery_missing")
    return answer({**_shown(row), "payload": None if row.body is None else json.loads(row.body)})


@blueprint.route("/<delivery_id>/replay", methods=["POST"])
@needs("write")
@blueprint.response(202, DeliveryOut)
@blueprint.fails("delivery_missing", "delivery_forgotten", "subscription_disabled", "idempotency_mismatch")
@answered_once
def replay_delivery(delivery_id: str) -> Response:
    """Tell one delivery once more, byte for byte; one that waits is told at its time all the same."""
    return answer(_shown(subscribing.replay_one(services(), connection_id(), delivery_id)), 202)


@blueprint.route("/replay", methods=["POST"])
@needs("write")
@blueprint.arguments(ReplayDeliveriesIn, location="json")
@blueprint.response(202, _REPLAYED)
@blueprint.fails("delivery_missing", "subscription_missing", "idempotency_mismatch")
@answered_once
def replay_deliveries(wanted: Mapping[str, Any]) -> Response:
    """Tell what was delivered or given up once more; not for a subscription that is disabled."""
    moments = {key: int(wanted[key].timestamp() * 1000) for key in ("since", "until") if key in wanted}
    return answer({"replayed": subscribing.replay(services(), connection_id(), {**wanted, **moments})}, 202)


def _shown(row: Row[Any]) -> dict[str, Any]:
    names = ("id", "subscription_id", "sink_id", "event_id", "event", "sequence", "status", "attempts")
    trail = [{**each, "at": _moment(each["at"])} for each in row.trail]
    moments = {name: _moment(getattr(row, name)) for name in ("created_at", "finished_at")}
    return {**{name: getattr(row, name) for name in names}, "trail": trail, "retry_at": _moment(row.due_at), **moments}


def _moment(at: int | None) -> str | None:
    return None if at is None else from_milliseconds(at)
