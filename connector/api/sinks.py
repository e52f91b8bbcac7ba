"""Sinks: the places that events are written to, such as a Google Sheet."""

from collections.abc import Mapping
from typing import Any, ClassVar

from flask import Response
from marshmallow import fields, validate

from connector import sinking
from connector.api.access import connection_id, needs, services
from connector.api.again import answered_once
from connector.api.answers import answer
from connector.api.blueprint import Blueprint
from connector.api.schemas import Credential, one_line
from connector.api.shapes import ID, Answer, DeletedOut, about, moment
from connector.ledger.sinks import SWITCHED_OFF
from connector.settings import SHAPES
from connector.spoken import Spoken

blueprint = Blueprint(
    "sinks",
    __name__,
    url_prefix="/v1/sinks",
    description="Places that events are written to, such as a Google Sheet with a row for each contact.",
)
_OPTIONS = {"spreadsheet": "1aBcD3fGhIjKlMnOpQrStUvWxYz0123456789AbCdEfG", "sheet": "Contacts", "mode": "upsert"}
_CREDENTIAL = {"client_id": "YOUR_ID", "client_secret": "YOUR_SECRET", "refresh_token": "YOUR_TOKEN"}


def _label(help_: str) -> fields.String:
    pattern, sentence = SHAPES["label"]
    return fields.String(
        validate=[validate.Regexp(pattern, error=sentence), one_line], metadata=about(help_, "Contacts of our shop")
    )


def _events(**more: Any) -> fields.Field[Any]:
    return fields.List(fields.String(validate=validate.OneOf(sinking.EVENTS)), validate=validate.Length(min=1), **more)


def _credential(**more: Any) -> Credential:
    told = about("A secret of the service; it is never shown again.", _CREDENTIAL, type=["object", "string"])
    return Credential(load_only=True, metadata=told, **more)


class SinkIn(Spoken):
    """A place to write events to."""

    kind = fields.String(required=True, validate=validate.OneOf(sinking.KINDS), metadata=about("What it is."))
    label = _label("What you call it; the kind's name when it is not said.")
    events = _events(required=True, metadata=about("Which events are written."))
    options = fields.Dict(keys=fields.String(), required=True, metadata=about("What its kind wants to know.", _OPTIONS))
    credential = _credential(required=True)


class SinkChangesIn(Spoken):
    """What is to change; what is not said stays as it is."""

    EXAMPLE: ClassVar = {"label": "Contacts of our shop", "options": {"sheet": "Contacts"}}

    label = _label("What you call it from now on.")
    events = _events(metadata={"description": "Which events are written from now on."})
    options = fields.Dict(
        keys=fields.String(), metadata={"description": "Options that change; null: as if it had not been said."}
    )
    credential = _credential()
    enabled = fields.Boolean(metadata={"description": "false: nothing is written; true: again, after a failure too."})


class SinkOut(Answer):
    """A sink, without its credential."""

    id = fields.String(metadata=about("Names the sink.", ID))
    kind = fields.String(validate=validate.OneOf(sinking.KINDS), metadata=about("What it is."))
    label = fields.String(metadata=about("What you call it.", "Contacts of our shop"))
    events = fields.List(fields.String(), metadata=about("Which events are written.", sinking.EVENTS[:1]))
    options = fields.Dict(
        metadata=about("What its kind wants to know.", {**_OPTIONS, "key_column": None, "columns": list[str]()})
    )
    enabled = fields.Boolean(metadata=about("It is written to."))
    disabled_reason = fields.String(
        allow_none=True, metadata=about(f"`{SWITCHED_OFF}`, or what has to be done before it is enabled.", None)
    )
    disabled_at = moment("When it was disabled.", None, nullable=True)
    failing_since = moment("Since when nothing can be written.", None, nullable=True)
    failing_reason = fields.String(
        allow_none=True, metadata=about("Why nothing is written just now, and what is to be done.", None)
    )
    created_at = moment("When it was added.")


# Of a Google Sheet.
_THERE = {
    "type": "object",
    "description": "What is there; its kind says which keys it has.",
    "example": {
        "sheet": "Contacts",
        "header": ["Email", "Name"],
        "columns": [{"header": "Email", "field": "email"}, {"header": "Name", "field": "nickname"}],
        "key_column": "Email",
        "missing": list[str](),
        "creates": list[str](),
    },
}


@blueprint.route("", methods=["GET"])
@needs("read")
@blueprint.response(200, SinkOut(many=True))
def list_sinks() -> Response:
    """List sinks.

    The oldest first, without their credentials.
    """
    return answer([sinking.shown(services(), sink) for sink in sinking.every(services(), connection_id())])


@blueprint.route("", methods=["POST"])
@needs("admin")
@blueprint.arguments(SinkIn, location="json")
@blueprint.response(201, SinkOut)
@answered_once
def add_sink(sent: Mapping[str, Any]) -> Response:
    """Add a sink.

    Nothing is asked or written yet; `POST /v1/sinks/ID/test` says whether it can be.
    """
    return answer(sinking.shown(services(), sinking.add(services(), connection_id(), sent)), 201)


@blueprint.route("/<sink_id>", methods=["GET"])
@needs("read")
@blueprint.response(200, SinkOut)
@blueprint.fails("sink_missing")
def get_sink(sink_id: str) -> Response:
    """Get a sink.

    Without its credential. It says whether it can be written to just now, and what is to be done if not.
    """
    return answer(sinking.shown(services(), sinking.get(services(), connection_id(), sink_id)))


@blueprint.route("/<sink_id>", methods=["PATCH"])
@needs("admin")
@blueprint.arguments(SinkChangesIn, location="json")
@blueprint.response(200, SinkOut)
@blueprint.fails("sink_missing", "sink_broken")
@answered_once
def change_sink(sent: Mapping[str, Any], sink_id: str) -> Response:
    """Change a sink.

    Other options or another credential enable one that was disabled by a failure.
    """
    return answer(sinking.shown(services(), sinking.change(services(), connection_id(), sink_id, sent)))


@blueprint.route("/<sink_id>", methods=["DELETE"])
@needs("admin")
@blueprint.response(200, DeletedOut)
@blueprint.fails("sink_missing")
@answered_once
def delete_sink(sink_id: str) -> Response:
    """Delete a sink.

    With its deliveries. What is written there stays.
    """
    sinking.remove(services(), connection_id(), sink_id)
    return answer({"deleted": True})


@blueprint.route("/<sink_id>/test", methods=["POST"])
@needs("admin")
@blueprint.response(200, _THERE, description="It can be reached; this is there.")
@blueprint.fails("sink_missing", "sink_broken", "sink_unreachable")
def test_sink(sink_id: str) -> Response:
    """Test a sink.

    Whether it can be reached, and what is there, such as a sheet's header row. Nothing is written. No Idempotency-Key
    is kept: the same question has another answer once something was put right.
    """
    return answer(sinking.test(services(), connection_id(), sink_id))
