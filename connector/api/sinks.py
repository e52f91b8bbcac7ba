"""Sinks: the places that events are written to, such as a Google Sheet."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields, validate

from connector import sinks
from connector.api.access import connection_id, needs, services
from connector.api.again import answered_once
from connector.api.answers import answer
from connector.api.blueprint import Blueprint
from connector.convert.times import from_milliseconds
from connector.errors import Detail, Problem
from connector.hooks.egress import Egress
from connector.ids import new_id
from connector.ledger import sinks as stored
from connector.ledger.sinks import SWITCHED_OFF, Sink
from connector.settings import SHAPES, SettingsProblem

blueprint = Blueprint("sinks", __name__, url_prefix="/v1/sinks", description="Places that events are written to.")
_KEY = ("key_missing", "key_invalid", "scope_missing", "no_connection", "database_unavailable")
_BODY = ("body_not_json", "body_not_records", "body_too_large", "content_type_unknown", "idempotency_mismatch")
_KINDS = sorted(sinks.registry())
_EVENTS = sorted({event for module in sinks.registry().values() for event in module.EVENTS})
_UNREADABLE = "Its credential cannot be opened: the secret key is another now. Give the credential again."


class Credential(fields.Field[str]):
    """A text, or the JSON object that a service's console saves, as text."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> str:  # noqa: ARG002
        if isinstance(value, dict):
            return json.dumps(value)
        if isinstance(value, str) and value.strip():
            return value
        raise ValidationError("It must be a JSON object, or the same as text.")


def _label(help_: str) -> fields.String:
    pattern, sentence = SHAPES["label"]
    return fields.String(
        validate=validate.Regexp(pattern.replace("$", r"\Z"), error=sentence), metadata={"description": help_}
    )


def _events(**more: Any) -> fields.Field[Any]:
    return fields.List(fields.String(validate=validate.OneOf(_EVENTS)), validate=validate.Length(min=1), **more)


def _credential(**more: Any) -> Credential:
    types = {"type": ["object", "string"], "description": "A secret of the service; it is never shown again."}
    return Credential(load_only=True, metadata=types, **more)


class SinkIn(Schema):
    """A place to write events to."""

    kind = fields.String(required=True, validate=validate.OneOf(_KINDS))
    label = _label("What you call it; the kind's name when it is not said.")
    events = _events(required=True, metadata={"description": "Which events are written."})
    options = fields.Dict(keys=fields.String(), required=True, metadata={"description": "What its kind wants to know."})
    credential = _credential(required=True)


class SinkChangesIn(Schema):
    """What is to change; what is not said stays as it is."""

    label = _label("What you call it from now on.")
    events = _events(metadata={"description": "Which events are written from now on."})
    options = fields.Dict(
        keys=fields.String(), metadata={"description": "Options that change; null: as if it had not been said."}
    )
    credential = _credential()
    enabled = fields.Boolean(metadata={"description": "false: nothing is written; true: again, after a failure too."})


class SinkOut(Schema):
    """A sink, without its credential."""

    id = fields.String()
    kind = fields.String()
    label = fields.String()
    events = fields.List(fields.String())
    options = fields.Dict()
    enabled = fields.Boolean()
    disabled_reason = fields.String(
        allow_none=True, metadata={"description": f"`{SWITCHED_OFF}`, or what has to be done before it is enabled."}
    )
    disabled_at = fields.String(allow_none=True, metadata={"format": "date-time"})
    failing_since = fields.String(allow_none=True, metadata={"format": "date-time"})
    created_at = fields.String(metadata={"format": "date-time"})


@blueprint.route("", methods=["GET"])
@needs("read")
@blueprint.response(200, SinkOut(many=True))
@blueprint.fails(*_KEY)
def list_sinks() -> Response:
    """The connection's sinks, the oldest first."""
    with services().ledger.read() as connection:
        return answer([_shown(sink) for sink in stored.every(connection, connection_id())])


@blueprint.route("", methods=["POST"])
@needs("admin")
@blueprint.arguments(SinkIn, location="json")
@blueprint.response(201, SinkOut)
@blueprint.fails(*_KEY, *_BODY, "parameter_invalid")
@answered_once
def add_sink(sent: Mapping[str, Any]) -> Response:
    """Add a sink. Nothing is asked or written yet; `POST /v1/sinks/ID/test` says whether it can be."""
    kind, credential = sent["kind"], sent["credential"]
    options = _checked(kind, sent["events"], sent["options"], credential)
    made = Sink(
        id=new_id(),
        connection_id=connection_id(),
        kind=kind,
        label=sent.get("label", sinks.registry()[kind].LABEL),
        events=tuple(dict.fromkeys(sent["events"])),
        options=options,
        credential_sealed=services().vault.seal(credential),
        created_at=services().courier.clock(),
    )
    with services().ledger.write(durable=True) as connection:
        stored.add(connection, made)
    return answer(_shown(made), 201)


@blueprint.route("/<sink_id>", methods=["GET"])
@needs("read")
@blueprint.response(200, SinkOut)
@blueprint.fails(*_KEY, "sink_missing")
def get_sink(sink_id: str) -> Response:
    """One sink."""
    return answer(_shown(_found(sink_id)))


@blueprint.route("/<sink_id>", methods=["PATCH"])
@needs("admin")
@blueprint.arguments(SinkChangesIn, location="json")
@blueprint.response(200, SinkOut)
@blueprint.fails(*_KEY, *_BODY, "sink_missing", "sink_broken", "parameter_invalid")
@answered_once
def change_sink(sent: Mapping[str, Any], sink_id: str) -> Response:
    """Change a sink. Other options or another credential enable one that was disabled by a failure."""
    with services().ledger.write(durable=True) as connection:
        known = stored.locked(connection, connection_id(), sink_id)
        if known is None:
            raise Problem("sink_missing")
        changed = _changed(known, sent)
        stored.change(connection, changed)
    return answer(_shown(changed))


@blueprint.route("/<sink_id>", methods=["DELETE"])
@needs("admin")
@blueprint.response(200, {"type": "object", "properties": {"deleted": {"type": "boolean"}}})
@blueprint.fails(*_KEY, "sink_missing", "idempotency_mismatch")
@answered_once
def delete_sink(sink_id: str) -> Response:
    """Delete a sink with its deliveries. What is written there stays."""
    with services().ledger.write(durable=True) as connection:
        if not stored.remove(connection, connection_id(), sink_id):
            raise Problem("sink_missing")
    return answer({"deleted": True})


@blueprint.route("/<sink_id>/test", methods=["POST"])
@needs("admin")
@blueprint.response(200, {"type": "object", "description": "What is there; its kind says which keys it has."})
@blueprint.fails(*_KEY, "sink_missing", "sink_broken", "sink_unreachable")
def test_sink(sink_id: str) -> Response:
    """Look whether the sink can be reached and what is there, such as a sheet's header row. Writes nothing.

    No Idempotency-Key is kept: the same question has another answer once something was put right.
    """
    sink = _found(sink_id)
    settings = services().settings
    egress = Egress(allow=settings.allowed)
    try:
        return answer(sinks.opened(sink.kind, sink.options, _opened(sink), egress, settings).look())
    except sinks.Later as later:
        raise Problem("sink_unreachable", reason=later.reason, retry_after=round(later.seconds)) from None
    except (sinks.Broken, sinks.Refused) as broken:
        raise Problem("sink_broken", reason=broken.reason) from None


def _found(sink_id: str) -> Sink:
    with services().ledger.read() as connection:
        found = stored.get(connection, connection_id(), sink_id)
    if found is None:
        raise Problem("sink_missing")
    return found


def _opened(sink: Sink) -> str:
    """Its credential. Raises `sink_broken` when no secret key opens it any more."""
    try:
        return services().vault.open(sink.credential_sealed)
    except SettingsProblem:
        raise Problem("sink_broken", reason=_UNREADABLE) from None


def _checked(kind: str, events: list[str], options: Mapping[str, Any], credential: str) -> dict[str, Any]:
    """The options in their one form. Raises `parameter_invalid` naming each wrong field."""
    module = sinks.registry()[kind]
    unfit = [event for event in events if event not in module.EVENTS]
    if unfit:
        told = f"{module.LABEL} takes {', '.join(module.EVENTS)}."
        raise Problem("parameter_invalid", errors=[Detail(told, "parameter_invalid", "events")])
    return module.check(options, credential)


def _changed(known: Sink, sent: Mapping[str, Any]) -> Sink:
    """The sink as it is to be. Raises `parameter_invalid`, and `sink_broken` as `_opened` does."""
    given = {name: sent[name] for name in ("label",) if name in sent}
    events = list(dict.fromkeys(sent.get("events", known.events)))
    if {"events", "options", "credential"} & set(sent):
        credential = sent.get("credential") or _opened(known)
        merged = {**known.options, **sent.get("options", {})}
        said = {name: value for name, value in merged.items() if value is not None}
        given |= {"events": tuple(events), "options": _checked(known.kind, events, said, credential)}
    if "credential" in sent:
        given["credential_sealed"] = services().vault.seal(sent["credential"])
    return _switched(replace(known, **given), sent)


def _switched(sink: Sink, sent: Mapping[str, Any]) -> Sink:
    """Enabled or disabled as it was asked for; what may have put a failure right enables it too."""
    put_right = bool({"options", "credential"} & set(sent)) and sink.disabled_reason != SWITCHED_OFF
    if sent.get("enabled", put_right):
        return replace(sink, failing_since=None, disabled_at=None, disabled_reason=None)
    if sent.get("enabled") is False:
        return replace(sink, disabled_at=services().courier.clock(), disabled_reason=SWITCHED_OFF)
    return sink


def _shown(sink: Sink) -> dict[str, Any]:
    moments = {name: getattr(sink, name) for name in ("disabled_at", "failing_since", "created_at")}
    return {
        **{name: getattr(sink, name) for name in ("id", "kind", "label", "options", "disabled_reason")},
        "events": list(sink.events),
        "enabled": sink.disabled_at is None,
        **{name: None if moment is None else from_milliseconds(moment) for name, moment in moments.items()},
    }
