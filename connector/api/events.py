"""Events for who asks for them: polling, newest first and to the very end; and a sample for a platform's editor."""

from collections.abc import Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any

from flask import Response
from marshmallow import fields

from connector.api.access import connection_id, needs, services
from connector.api.answers import answer, paged
from connector.api.blueprint import Blueprint
from connector.api.schemas import PageQuery, cursor_of
from connector.errors import Problem
from connector.events.meaning import EVENTS
from connector.events.samples import sample
from connector.ledger import events

blueprint = Blueprint("events", __name__, url_prefix="/v1/events", description="What happened, for who asks.")


class EventsQuery(PageQuery):
    """Which events."""

    cursor = cursor_of(r"^[0-9]{1,16}-[0-9a-f]{32}$")
    since = fields.AwareDateTime(
        metadata={
            "description": "Only events told at this time or later. With the `occurred_at` of the newest that "
            "you have, none is left out; what comes twice has the same id."
        }
    )
    include_own = fields.Boolean(
        load_default=False, metadata={"description": "Also what Crisp tells of our own writes."}
    )


_ID, _TIME, _FREE = {"type": "string"}, {"type": "string", "format": "date-time"}, {"type": "object"}
_EVENT = {
    "type": "object",
    "description": "An event, flat. `previous` holds what was known before of what `changed` names; `partial`: Crisp "
    "has nobody of that name any more, and it is what was known.",
    "properties": {
        "id": _ID,
        "event": _ID,
        "occurred_at": _TIME,
        "connection_id": _ID,
        "contact": _FREE,
        "changed": {"type": "array", "items": _ID},
        "previous": _FREE,
        "session_id": _ID,
        "data": _FREE,
        "partial": {"type": "boolean"},
    },
}
_EVENTS = {"type": "array", "items": _EVENT}


@blueprint.route("/<event>", methods=["GET"])
@needs("read")
@blueprint.arguments(EventsQuery, location="query")
@blueprint.response(200, _EVENTS)
@blueprint.fails("event_unknown")
def list_events(query: Mapping[str, Any], event: str) -> Response:
    """Events of one kind, newest first. Their ids are stable; the next page stands in the Link header."""
    _check(event)
    limit, since = query["limit"], query.get("since")
    earliest, before, own = _milliseconds(since) if since else None, _before(query.get("cursor")), query["include_own"]
    with services().ledger.read() as connection:
        asked = events.Asked(earliest, before, own=own)
        found = events.page(connection, connection_id(), event, asked, limit + 1)
    return paged(found, limit, attrgetter("payload"), lambda row: f"{row.told_at}-{row.id}")


@blueprint.route("/<event>/sample", methods=["GET"])
@needs("read")
@blueprint.response(200, _EVENTS)
@blueprint.fails("event_unknown")
def get_sample(event: str) -> Response:
    """One event as it comes: the last that there was, else an example with everything in it."""
    _check(event)
    with services().ledger.read() as connection:
        found = events.page(connection, connection_id(), event, events.Asked(own=True), 1)
    return answer([found[0].payload if found else sample(event, connection_id())])


def _check(event: str) -> None:
    if event not in EVENTS:
        raise Problem("event_unknown", names=", ".join(EVENTS))


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _before(cursor: str | None) -> tuple[int, str] | None:
    if cursor is None:
        return None
    told_at, _, event_id = cursor.partition("-")
    return int(told_at), event_id
