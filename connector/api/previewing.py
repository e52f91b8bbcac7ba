"""Preview: what would become of a payload; writes nothing."""

from collections.abc import Mapping
from itertools import islice
from typing import Any, ClassVar

from flask import Response
from marshmallow import fields

from connector.api.access import caller, needs, services
from connector.api.actions import documented, sample_of
from connector.api.answers import answer
from connector.api.described import Described
from connector.api.failures import MAPPING, RECORDS
from connector.api.incoming import reading
from connector.api.schemas import query_of
from connector.api.shapes import Answer, NoteOut, Totals, about
from connector.crisp.calls import How
from connector.imports import eta
from connector.intake.payloads import BATCH_LIMIT
from connector.intake.preview import preview

# Of so many records it is said where each of their values goes.
_EXPLAINED = 20
blueprint = Described(
    "preview",
    __name__,
    url_prefix="/v1/preview",
    description="What would become of records, without writing anything.",
)
_EACH = (
    "Each record, what it becomes, and the calls it would take. Of the first 20 also `places`: each of their names "
    "that says something, with the contact fields that it may feed."
)


class PreviewOut(Answer):
    """Each record with the contact it becomes, the status it would get and the calls that would be made."""

    EXAMPLE: ClassVar = sample_of("preview_contacts")

    records = fields.List(fields.Dict(), metadata=about(_EACH))
    totals = fields.Nested(Totals, metadata=about("How many records would end how."))
    eta_seconds = fields.Float(allow_none=True, metadata=about("How long it would take."))
    notes = fields.List(fields.Nested(NoteOut), metadata=about("About the payload as a whole."))


@blueprint.route("", methods=["POST"])
@needs("read")
@blueprint.arguments(query_of("preview_contacts"), location="query")
@blueprint.response(200, PreviewOut, description="What would become of the records.")
@blueprint.fails(*RECORDS, *MAPPING)
@blueprint.doc(**documented("preview_contacts"))
@blueprint.reads("X-Connector-Mapping")
def preview_contacts(query: Mapping[str, Any]) -> Response:
    """Show what would become of a payload."""
    read, options, _ = reading(query, BATCH_LIMIT)
    tenant, now = caller().connection, services().courier.clock()
    how = How.found(tenant.findings)
    with services().ledger.read() as connection:
        seen = preview(connection, tenant.id, read, options.mode, services().manifest, how, now)
        seconds = (
            eta(connection, tenant.id, seen.calls, 0, now, reserve=services().settings.reserve) if seen.calls else 0.0
        )
    shown = seen.as_json(tenant.website_id, seconds)
    for record, places in zip(shown["records"], islice(read.places(), _EXPLAINED), strict=False):
        record["places"] = places
    return answer(shown)
