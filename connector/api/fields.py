"""Fields for the forms of no-code platforms, with the connection's own custom data keys and segments."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from marshmallow import fields, validate

from connector.api.access import connection_id, needs, services
from connector.api.answers import answer
from connector.api.described import Described
from connector.api.dialects import DIALECTS, choices_form, form_of, json_schema, make
from connector.api.shapes import about
from connector.manifest import shipped
from connector.spoken import Spoken
from connector.suggest import suggestions

blueprint = Described(
    "fields",
    __name__,
    url_prefix="/v1/fields",
    description="The fields of an action's form, with the website's own custom data, in the words of a platform.",
)
_CHOICES = ("segments", "data", "changed")
_EMAIL = form_of([shipped().fields["email"]], ("email",), data_keys=(), dynamic=False)
_LISTED = {
    "anyOf": [
        {"type": "array", "items": {"type": "object"}, "description": "Fields or choices, in the platform's words."},
        {"type": "object", "description": "Of format=jsonschema."},
    ]
}
_LISTS = {name: {"value": [dialect(each) for each in _EMAIL]} for name, dialect in DIALECTS.items()}
_EXAMPLES = {**_LISTS, "jsonschema": {"value": json_schema(_EMAIL)}}


class FieldsQuery(Spoken):
    """Which form, in whose words."""

    action = fields.String(
        load_default="upsert_contact",
        validate=validate.OneOf(sorted(shipped().actions)),
        metadata=about("The action whose form it is."),
    )
    format = fields.String(
        load_default="zapier",
        validate=validate.OneOf((*DIALECTS, "jsonschema")),
        metadata=about("The platform that asks."),
    )
    choices = fields.String(
        validate=validate.OneOf(_CHOICES),
        metadata=about("The values of a dropdown instead of the fields; changed: what a contact_updated may name."),
    )
    dynamic = fields.Boolean(
        load_default=False, metadata=about("1: only the fields that a package cannot know beforehand.")
    )


@blueprint.route("", methods=["GET"])
@needs("read")
@blueprint.arguments(FieldsQuery, location="query")
@blueprint.response(200, _LISTED, description="The fields, or the choices.", examples=_EXAMPLES)
def list_fields(query: Mapping[str, Any]) -> Response:
    """List the fields of an action.

    The fields of its form, in the words of the platform that asks; or, with choices, the values of a dropdown.
    """
    return _form(query)


@blueprint.route("/schema", methods=["GET"])
@needs("read")
@blueprint.arguments(FieldsQuery, location="query")
@blueprint.response(200, _LISTED, description="The fields, or the choices.", examples=_EXAMPLES)
def get_fields_schema(query: Mapping[str, Any]) -> Response:
    """Get the fields of an action as a schema.

    The same as GET /v1/fields: Power Automate wants an address of its own for each of its two uses.
    """
    return _form(query)


def _form(query: Mapping[str, Any]) -> Response:
    found, manifest = suggestions(services(), connection_id()), services().manifest
    found = {**found, "changed": [*manifest.in_crisp, "data", *(f"data.{key}" for key in found["data"])]}
    if choices := query.get("choices"):
        if query["format"] == "jsonschema":
            return answer(json_schema(choices_form(found[choices])))
        if query["format"] == "make":
            return answer([make(each) for each in choices_form(found[choices])])
        # n8n takes an answer as it is, in its own words.
        keys = ("value", "name") if query["format"] == "n8n" else ("key", "label")
        return answer([dict.fromkeys(keys, name) for name in found[choices]])
    action = manifest.actions[query["action"]]
    form = form_of(manifest.fields_of(action), action.required, data_keys=found["data"], dynamic=query["dynamic"])
    if query["format"] == "jsonschema":
        return answer(json_schema(form))
    return answer([DIALECTS[query["format"]](each) for each in form])
