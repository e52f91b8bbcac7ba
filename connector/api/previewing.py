"""Preview: what would become of a payload; writes nothing."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema, fields

from connector.api.access import caller, needs, services
from connector.api.answers import answer
from connector.api.incoming import reading
from connector.api.schemas import NoteOut, Totals, body_of, query_of
from connector.crisp.calls import How
from connector.imports import eta
from connector.intake.payloads import BATCH_LIMIT
from connector.intake.preview import preview
from connector.manifest import shipped

blueprint = Blueprint("preview", __name__, url_prefix="/v1/preview", description="What would become of a payload.")


class PreviewOut(Schema):
    """Each record with the contact it becomes, the status it would get and the calls that would be made."""

    records = fields.List(fields.Dict())
    totals = fields.Nested(Totals)
    eta_seconds = fields.Float(allow_none=True)
    notes = fields.List(fields.Nested(NoteOut))


@blueprint.route("", methods=["POST"])
@needs("read")
@blueprint.arguments(query_of("upsert_contacts"), location="query")
@blueprint.response(200, PreviewOut)
@blueprint.doc(requestBody=body_of(shipped().actions["upsert_contacts"]))
def preview_records(query: Mapping[str, Any]) -> Response:
    """Show what would become of a payload."""
    read, options, _ = reading(query, BATCH_LIMIT)
    tenant, now = caller().connection, services().courier.clock()
    how = How.found(tenant.findings)
    with services().ledger.read() as connection:
        seen = preview(connection, tenant.id, read, options.mode, services().manifest, how, now)
        seconds = (
            eta(connection, tenant.id, seen.calls, 0, now, reserve=services().settings.reserve) if seen.calls else 0.0
        )
    return answer(seen.as_json(tenant.website_id, seconds))
