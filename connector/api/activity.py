"""Activity: how many records ended how, and what that cost, by time; and what failed or waits, by kind."""

from collections.abc import Mapping
from typing import Any, ClassVar

from flask import Response
from marshmallow import fields, validate

from connector.api.access import caller, connection_id, needs, services
from connector.api.answers import answer
from connector.api.blueprint import Blueprint
from connector.api.shapes import Answer, about
from connector.budget import limit_today
from connector.convert.times import from_milliseconds
from connector.crisp.calls import STATUSES
from connector.ledger import quotas, tallies
from connector.spoken import Spoken

blueprint = Blueprint(
    "activity", __name__, url_prefix="/v1/activity", description="What happened when, in numbers, for charts."
)
_HOUR, _DAY = 3_600_000, 86_400_000
# Period → length of a span, and how many there are.
_PERIODS = {"day": (_HOUR, 24), "month": (_DAY, 30)}
_ENDED = tuple(status for status in STATUSES if status != "waiting")
_NOTHING: dict[str, Any] = {**dict.fromkeys(_ENDED, 0), "calls": 0}


class ActivityQuery(Spoken):
    """Which time."""

    period = fields.String(
        load_default="day",
        validate=validate.OneOf(tuple(_PERIODS)),
        metadata=about("day: the last 24 hours by hour; month: the last 30 days by day.", "day"),
    )


class ActivityOut(Answer):
    """Numbers by span of time, the oldest first, and by kind."""

    EXAMPLE: ClassVar = {
        "span_seconds": 3600,
        "quota_per_day": 10_000,
        "spans": [{"at": "2026-01-15T09:00:00Z", **_NOTHING, "created": 2, "calls": 4}],
        "kinds": [{"status": "rejected", "code": "email_invalid", "records": 3}],
    }

    span_seconds = fields.Integer(metadata=about("How long a span is."))
    quota_per_day = fields.Integer(metadata=about("Calls to Crisp that today allows."))
    spans = fields.List(fields.Dict(), metadata=about("When it began, records by how they ended, and calls."))
    kinds = fields.List(fields.Dict(), metadata=about("What failed or waits, the most first."))


@blueprint.route("", methods=["GET"])
@needs("read")
@blueprint.arguments(ActivityQuery, location="query")
@blueprint.response(200, ActivityOut)
def get_activity(query: Mapping[str, Any]) -> Response:
    """Get activity by time.

    Records by how they ended and the calls that they took, by hour or by day; and what failed or waits, by kind.
    """
    span, many = _PERIODS[query["period"]]
    now = services().courier.clock()
    first = now // span - many + 1
    with services().ledger.snapshot() as connection:
        counted = tallies.by_span(connection, connection_id(), first * span, span)
        kinds = tallies.kinds(connection, connection_id())
        limit = limit_today(quotas.get(connection, connection_id()), caller().connection.limits, now)
    spans = {at: {"at": from_milliseconds(at * span), **_NOTHING} for at in range(first, first + many)}
    for at, status, count, calls in counted:
        if at in spans and status in _ENDED:
            spans[at] |= {status: count, "calls": spans[at]["calls"] + calls}
    shown = [{"status": status, "code": code, "records": records} for status, code, records in kinds]
    return answer({"span_seconds": span // 1000, "quota_per_day": limit, "spans": list(spans.values()), "kinds": shown})
