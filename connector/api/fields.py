"""Fields for the forms of no-code platforms, with the connection's own custom data keys and segments."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema, fields, validate

from connector.api.access import connection_id, needs, services
from connector.api.answers import answer
from connector.api.dialects import DIALECTS, form_of, json_schema
from connector.manifest import shipped
from connector.suggest import suggestions

blueprint = Blueprint("fields", __name__, url_prefix="/v1/fields", description="Fields for a platform's form.")
_CHOICES = ("segments", "data")


class FieldsQuery(Schema):
    """Which form, in whose words."""

    action = fields.String(
        load_default="upsert_contact",
        validate=validate.OneOf(sorted(shipped().actions)),
        metadata={"description": "The action whose form it is."},
    )
    format = fields.String(
        load_default="zapier",
        validate=validate.OneOf((*DIALECTS, "jsonschema")),
        metadata={"description": "The platform that asks."},
    )
    choices = fields.String(
        validate=validate.OneOf(_CHOICES), metadata={"description": "The values of a dropdown instead of the fields."}
    )
    dynamic = fields.Boolean(
        load_default=False, metadata={"description": "1: only the fields that a package cannot know beforehand."}
    )


@blueprint.route("", methods=["GET"])
@blueprint.route("/schema", methods=["GET"])
@needs("read")
@blueprint.arguments(FieldsQuery, location="query")
@blueprint.response(200, {"anyOf": [{"type": "array", "items": {"type": "object"}}, {"type": "object"}]})
def list_fields(query: Mapping[str, Any]) -> Response:
    """Fields of an action's form, or the choices of a dropdown."""
    found = suggestions(services(), connection_id())
    if choices := query.get("choices"):
        return answer([{"key": name, "label": name} for name in found[choices]])
    manifest = services().manifest
    action = manifest.actions[query["action"]]
    wanted = [field for key, field in manifest.fields.items() if {key, "*"} & set(action.input_fields)]
    form = form_of(wanted, action.required, data_keys=found["data"], dynamic=query["dynamic"])
    if query["format"] == "jsonschema":
        return answer(json_schema(form))
    return answer([DIALECTS[query["format"]](each) for each in form])
