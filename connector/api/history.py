"""What became of everything: imports, their records, outcomes, and replay."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from connector import outcomes
from connector.api.access import connection_id, needs, services
from connector.api.again import answered_once
from connector.api.answers import answer, base_url, paged
from connector.api.blueprint import Blueprint
from connector.api.schemas import ImportedOut, ImportOut, OutcomeOut, PageQuery, WholeOutcomeOut, cursor_of
from connector.crisp.calls import STATUSES
from connector.errors import Problem
from connector.follow import state_of
from connector.imports import import_as_json
from connector.ledger import importing, records
from connector.replaying import replay

blueprint = Blueprint("history", __name__, url_prefix="/v1", description="Imports, outcomes and replay.")


class RecordsQuery(PageQuery):
    """Records of an import, all or those with one outcome."""

    cursor = cursor_of(r"^[0-9]{1,9}$")
    outcome = fields.String(
        validate=validate.OneOf(STATUSES), metadata={"description": "Only records with this outcome."}
    )


class OutcomesQuery(PageQuery):
    """Outcomes, all or those of one status or source."""

    status = fields.String(validate=validate.OneOf(STATUSES), metadata={"description": "Only this status."})
    source = fields.String(metadata={"description": "Only records of this source."})


class ReplayIn(Schema):
    """Which rejected and dead records are to be sent again; every condition that is given must hold."""

    ids = fields.List(
        fields.String(), validate=validate.Length(max=1000), metadata={"description": "Outcome ids, at most 1000."}
    )
    import_id = fields.String(metadata={"description": "Records of this import."})
    code = fields.String(metadata={"description": "Records that ended with this code."})
    since = fields.AwareDateTime(metadata={"description": "Records that ended at this time or later."})
    until = fields.AwareDateTime(metadata={"description": "Records that ended before this time."})

    @validates_schema
    def _not_empty(self, data: Mapping[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError("Name at least one of ids, import_id, code, since, until.", "ids")


_REPLAYED = {"type": "object", "properties": {key: {"type": "integer"} for key in ("replayed", "not_replayable")}}


@blueprint.route("/imports", methods=["GET"])
@needs("read")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, ImportOut(many=True))
def list_imports(query: Mapping[str, Any]) -> Response:
    """Imports, newest first."""
    limit, now, reserve = query["limit"], services().courier.clock(), services().settings.reserve
    with services().ledger.read() as connection:
        rows = importing.list_imports(connection, connection_id(), before=query.get("cursor"), limit=limit + 1)
        show = partial(import_as_json, connection, base_url=base_url(), now=now, reserve=reserve)
        return paged(rows, limit, show)


@blueprint.route("/imports/<import_id>", methods=["GET"])
@needs("read")
@blueprint.response(200, ImportOut)
def get_import(import_id: str) -> Response:
    """Progress and totals of an import."""
    with services().ledger.read() as connection:
        row = importing.get_import(connection, connection_id(), import_id)
        if row is None or row.accepted_at is None:
            raise Problem("import_missing")
        return answer(
            import_as_json(connection, row, base_url(), services().courier.clock(), reserve=services().settings.reserve)
        )


@blueprint.route("/imports/<import_id>/records", methods=["GET"])
@needs("read")
@blueprint.arguments(RecordsQuery, location="query")
@blueprint.response(200, ImportedOut(many=True))
def list_records(query: Mapping[str, Any], import_id: str) -> Response:
    """What became of each record of an import, in the order of its rows."""
    limit, after = query["limit"], int(query.get("cursor", 0))
    with services().ledger.read() as connection:
        found = importing.get_import(connection, connection_id(), import_id)
        if found is None or found.accepted_at is None:
            raise Problem("import_missing")
        rows = records.of_import(connection, import_id, after=after, limit=limit + 1, status=query.get("outcome"))
    return paged(rows, limit, outcomes.of_import, lambda row: str(row.row))


@blueprint.route("/outcomes", methods=["GET"])
@needs("read")
@blueprint.arguments(OutcomesQuery, location="query")
@blueprint.response(200, OutcomeOut(many=True))
def list_outcomes(query: Mapping[str, Any]) -> Response:
    """Recent outcomes of all kinds, newest first."""
    limit = query["limit"]
    equal = {key: query[key] for key in ("status", "source") if key in query}
    with services().ledger.read() as connection:
        rows = records.newest(connection, connection_id(), before=query.get("cursor"), limit=limit + 1, **equal)
    return paged(rows, limit, outcomes.as_json)


@blueprint.route("/outcomes/<outcome_id>", methods=["GET"])
@needs("read")
@blueprint.response(200, WholeOutcomeOut)
def get_outcome(outcome_id: str) -> Response:
    """One outcome, with its attempts and calls."""
    found = state_of(services(), connection_id(), outcome_id)
    if found is None:
        raise Problem("outcome_missing")
    return answer(outcomes.whole(found.row, reason=found.reason, retry_at=found.retry_at))


@blueprint.route("/outcomes/replay", methods=["POST"])
@needs("write")
@blueprint.arguments(ReplayIn, location="json")
@blueprint.response(202, _REPLAYED)
@answered_once
def replay_outcomes(wanted: Mapping[str, Any]) -> Response:
    """Send rejected and dead records again; those without a usable contact must be corrected and sent anew."""
    moments = {key: int(wanted[key].timestamp() * 1000) for key in ("since", "until") if key in wanted}
    done = replay(services(), connection_id(), {**wanted, **moments})
    return answer({"replayed": done.count, "not_replayable": done.not_replayable}, 202)
