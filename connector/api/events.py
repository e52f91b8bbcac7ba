"""Events for who asks for them: polling, newest first and to the very end; and a sample for a platform's editor."""

from collections.abc import Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any

from flask import Response
from marshmallow import fields, validate

from connector.api.access import connection_id, needs, services
from connector.api.answers import answer, paged
from connector.api.blueprint import Blueprint
from connector.api.schemas import PageQuery, cursor_of
from connector.api.shapes import ID, Answer, about, moment, sometimes
from connector.errors import Problem
from connector.events.meaning import EVENTS
from connector.ledger import events

blueprint = Blueprint(
    "events",
    __name__,
    url_prefix="/v1/events",
    description="What happened in Crisp, for those who ask now and then instead of being told.",
)


class EventsQuery(PageQuery):
    """Which events."""

    cursor = cursor_of(r"^[0-9]{1,16}-[0-9a-f]{32}$", f"1768469400000-{ID}")
    since = fields.AwareDateTime(
        metadata=about(
            "Only events told at this time or later. With the `occurred_at` of the newest that you have, none is left "
            "out; what comes twice has the same id."
        )
    )
    include_own = fields.Boolean(load_default=False, metadata=about("Also what Crisp tells of our own writes."))


class EventOut(Answer):
    """An event, flat."""

    id = fields.String(metadata=about("Names the event; what comes twice has the same."))
    event = fields.String(validate=validate.OneOf(EVENTS), metadata=about("The kind of event."))
    occurred_at = moment("When it happened.")
    connection_id = fields.String(metadata=about("The connection, which is the website's id in Crisp."))
    contact = fields.Dict(metadata=about("The whole contact, as it is now."))
    changed = fields.List(fields.String(), metadata=about("What changed: city, segments, data.plan."))
    previous = fields.Dict(metadata=about("What was known before of what changed."))
    session_id = fields.String(metadata=sometimes("Of a conversation: which."))
    data = fields.Dict(metadata=sometimes("Of a conversation, an import or a record: what the event itself brings."))
    is_partial = fields.Boolean(data_key="partial", metadata=sometimes("Of the contact not everything is known."))


_SAMPLES = {key: f"{key}_event" for key in EVENTS}


@blueprint.route("/<event>", methods=["GET"])
@needs("read")
@blueprint.arguments(EventsQuery, location="query")
@blueprint.response(200, EventOut(many=True), examples=_SAMPLES)
@blueprint.fails("event_unknown")
def list_events(query: Mapping[str, Any], event: str) -> Response:
    """List events.

    Those of one kind, newest first. Their ids are stable: what you have already is not new.
    """
    _check(event)
    limit, since = query["limit"], query.get("since")
    earliest, before, own = _milliseconds(since) if since else None, _before(query.get("cursor")), query["include_own"]
    with services().ledger.read() as connection:
        asked = events.Asked(earliest, before, own=own)
        found = events.page(connection, connection_id(), event, asked, limit + 1)
    return paged(found, limit, attrgetter("payload"), lambda row: f"{row.told_at}-{row.id}")


@blueprint.route("/<event>/sample", methods=["GET"])
@needs("read")
@blueprint.response(200, EventOut(many=True), examples=_SAMPLES)
@blueprint.fails("event_unknown")
def get_sample_event(event: str) -> Response:
    """Get a sample event.

    One event as it comes: the last that there was, else an example with everything in it.
    """
    _check(event)
    with services().ledger.read() as connection:
        found = events.page(connection, connection_id(), event, events.Asked(own=True), 1)
    trigger = services().manifest.triggers[event]
    return answer([found[0].payload if found else trigger.sample_of(connection_id())])


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
