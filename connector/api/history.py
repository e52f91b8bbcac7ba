"""What became of everything: imports, their records, outcomes, and replay."""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from flask import Response
from marshmallow import ValidationError, fields, validate, validates_schema

from connector import outcomes
from connector.api.access import connection_id, needs, services
from connector.api.again import answered_once
from connector.api.answers import answer, base_url, paged
from connector.api.blueprint import Blueprint
from connector.api.schemas import Checked, PageQuery, cursor_of
from connector.api.shapes import EMAIL, ID, Answer, ImportedOut, ImportOut, OutcomeOut, WholeOutcomeOut, about
from connector.convert.email import email
from connector.crisp.calls import STATUSES
from connector.errors import Problem
from connector.follow import state_of
from connector.imports import import_as_json
from connector.ledger import importing, records
from connector.replaying import replay
from connector.saying import say
from connector.spoken import Spoken

blueprint = Blueprint(
    "history",
    __name__,
    url_prefix="/v1",
    description="What became of everything: imports, the outcome of each record, and sending again what failed.",
)

_TIME = "2026-01-15T00:00:00Z"


def email_of(written: str) -> str:
    """An address in the form in which records have it. Raises ValueError."""
    found = email(written)
    if found is None:
        raise ValueError(say("It must be an email address."))
    return found


class RecordsQuery(PageQuery):
    """Records of an import, all or those with one outcome."""

    cursor = cursor_of(r"^[0-9]{1,9}$", "50")
    outcome = fields.String(
        validate=validate.OneOf(STATUSES), metadata=about("Only records with this outcome.", "rejected")
    )


class OutcomesQuery(PageQuery):
    """Outcomes, all or those that fit every condition."""

    status = fields.String(validate=validate.OneOf(STATUSES), metadata=about("Only this status.", "rejected"))
    source = fields.String(metadata=about("Only records of this source.", "notion"))
    code = fields.String(metadata=about("Only records that ended with this code.", "email_invalid"))
    email = Checked(email_of, metadata=about("Only records of this person.", EMAIL))
    since = fields.AwareDateTime(metadata=about("Only records that came at this time or later.", _TIME))
    until = fields.AwareDateTime(metadata=about("Only records that came before this time.", _TIME))


class ReplayIn(Spoken):
    """Which rejected and dead records are to be sent again; every condition that is given must hold."""

    EXAMPLE: ClassVar = {"code": "crisp_gave_up", "since": "2026-01-15T00:00:00Z"}

    ids = fields.List(
        fields.String(), validate=validate.Length(max=1000), metadata=about("Outcome ids, at most 1000.", [ID])
    )
    import_id = fields.String(metadata=about("Records of this import.", ID))
    code = fields.String(metadata=about("Records that ended with this code.", "crisp_gave_up"))
    since = fields.AwareDateTime(metadata=about("Records that ended at this time or later."))
    until = fields.AwareDateTime(metadata=about("Records that ended before this time."))

    @validates_schema
    def _not_empty(self, data: Mapping[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError(say("Name at least one of ids, import_id, code, since, until."), "ids")


class ReplayedOut(Answer):
    """How many records are sent again."""

    replayed = fields.Integer(metadata=about("Records that wait again.", 3))
    not_replayable = fields.Integer(metadata=about("Records without a usable contact: correct and send them anew.", 1))


@blueprint.route("/imports", methods=["GET"])
@needs("read")
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, ImportOut(many=True))
def list_imports(query: Mapping[str, Any]) -> Response:
    """List imports.

    Batches and files that were accepted, with their progress, newest first.
    """
    limit, now, reserve = query["limit"], services().courier.clock(), services().settings.reserve
    with services().ledger.read() as connection:
        rows = importing.list_imports(connection, connection_id(), before=query.get("cursor"), limit=limit + 1)
        show = partial(import_as_json, connection, base_url=base_url(), now=now, reserve=reserve)
        return paged(rows, limit, show)


@blueprint.route("/imports/<import_id>", methods=["GET"])
@needs("read")
@blueprint.response(200, ImportOut)
@blueprint.fails("import_missing")
def get_import(import_id: str) -> Response:
    """Get an import.

    Its progress, how its records stand, and when it will be done. Ask again while its state is running.
    """
    with services().ledger.read() as connection:
        row = importing.get_import(connection, connection_id(), import_id)
        if row is None:
            raise Problem("import_missing")
        return answer(
            import_as_json(connection, row, base_url(), services().courier.clock(), reserve=services().settings.reserve)
        )


@blueprint.route("/imports/<import_id>/records", methods=["GET"])
@needs("read")
@blueprint.arguments(RecordsQuery, location="query")
@blueprint.response(200, ImportedOut(many=True))
@blueprint.fails("import_missing")
def list_import_records(query: Mapping[str, Any], import_id: str) -> Response:
    """List the records of an import.

    What became of each, in the order of the rows. With outcome=rejected, those that have to be corrected.
    """
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
    """List outcomes.

    What became of each record that was sent, in whatever way, newest first.
    """
    limit = query["limit"]
    wanted = {key: query[key] for key in ("status", "source", "code", "email") if key in query} | _moments(query)
    with services().ledger.read() as connection:
        rows = records.newest(connection, connection_id(), before=query.get("cursor"), limit=limit + 1, **wanted)
    return paged(rows, limit, outcomes.as_json)


@blueprint.route("/outcomes/<outcome_id>", methods=["GET"])
@needs("read")
@blueprint.response(200, WholeOutcomeOut)
@blueprint.fails("outcome_missing")
def get_outcome(outcome_id: str) -> Response:
    """Get an outcome.

    What became of one record, with its attempts and the calls to Crisp. Ask again while its status is waiting.
    """
    found = state_of(services(), connection_id(), outcome_id)
    if found is None:
        raise Problem("outcome_missing")
    return answer(outcomes.whole(found.row, reason=found.reason, retry_at=found.retry_at))


@blueprint.route("/outcomes/replay", methods=["POST"])
@needs("write")
@blueprint.arguments(ReplayIn, location="json")
@blueprint.response(202, ReplayedOut, description="They wait again.")
@blueprint.fails("outcome_missing", "import_missing")
@answered_once
def replay_outcomes(wanted: Mapping[str, Any]) -> Response:
    """Send failed records again.

    Rejected and dead records wait again, where all conditions hold that are given. Those without a usable contact must
    be corrected and sent anew.
    """
    done = replay(services(), connection_id(), {**wanted, **_moments(wanted)})
    return answer({"replayed": done.count, "not_replayable": done.not_replayable}, 202)


def _moments(wanted: Mapping[str, Any]) -> dict[str, int]:
    """`since` and `until` in UNIX milliseconds."""
    return {key: int(wanted[key].timestamp() * 1000) for key in ("since", "until") if key in wanted}
