"""Marshmallow schemas, built from the manifests: what is validated and what the OpenAPI says is one thing."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates

from connector.crisp.calls import MODES, STATUSES
from connector.imports import STATES
from connector.intake.options import country_code, zone_name
from connector.manifest import Action, Field, shipped

# The longest that an answer may wait for Crisp: automation platforms give up after 30 seconds (their own limits).
LONGEST_WAIT = 25
# The line of a file where column names may be said to stand.
MOST_LINES = 1_000
_JSON_TYPES: Mapping[str, dict[str, Any]] = {
    "list": {"type": "array", "items": {"type": "string"}},
    "data": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "null"]}},
    "datetime": {"type": "string", "format": "date-time"},
    "url": {"type": "string", "format": "uri"},
    "email": {"type": "string", "format": "email"},
}


class Checked(fields.String):
    """A text in the one form that a check gives it."""

    def __init__(self, check: Callable[[str], str], **more: Any) -> None:
        super().__init__(**more)
        self._check = check

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> str:
        try:
            return self._check(str(super()._deserialize(value, attr, data, **more)))
        except ValueError as problem:
            raise ValidationError(str(problem)) from None


_CHECKS: dict[str, Callable[[], Any]] = {
    "source": lambda: validate.OneOf(sorted(shipped().sources)),
    "wait": lambda: validate.Range(min=0, max=LONGEST_WAIT),
}
_FORMS = {"country": country_code, "timezone": zone_name}
_TYPES: Mapping[str, type[fields.Field[Any]]] = {"integer": fields.Integer, "number": fields.Float}


def query_of(action_key: str) -> type[Schema]:
    """The query parameters of an action, as its manifest declares them."""
    parameters = [each for each in shipped().actions[action_key].parameters if each["in"] == "query"]
    return Schema.from_dict({each["key"]: _parameter(each) for each in parameters}, name=f"{action_key.title()}Query")


def _parameter(parameter: Mapping[str, Any]) -> fields.Field[Any]:
    key = parameter["key"]
    checks = [_CHECKS[key]()] if key in _CHECKS else []
    if choices := parameter.get("choices"):
        checks.append(validate.OneOf(choices))
    kind = partial(Checked, _FORMS[key]) if key in _FORMS else _TYPES.get(parameter["type"], fields.String)
    about = {"description": parameter["help"], **({"example": parameter["example"]} if "example" in parameter else {})}
    default = {"load_default": parameter["default"]} if "default" in parameter else {}
    return kind(validate=checks, metadata=about, **default)


def contact_schema(name: str, keys: Iterable[str] = ("*",)) -> dict[str, Any]:
    """JSON Schema of a flat contact with these fields (`*`: all)."""
    wanted = set(keys)
    declared = [field for key, field in shipped().fields.items() if key in wanted or "*" in wanted]
    properties = {field.key: property_of(field) for field in declared}
    return {"title": name, "type": "object", "properties": properties}


def property_of(field: Field) -> dict[str, Any]:
    """A field as a property of a JSON Schema."""
    about = {"title": field.label, "description": field.help}
    choices = {"enum": [value for value, _ in field.choices]} if field.choices else {}
    if field.key == "timezone":
        return {**about, "type": ["integer", "string"]}
    return {**about, **_JSON_TYPES.get(field.type, {"type": "string"}), **choices}


def body_of(action: Action) -> dict[str, Any]:
    """The request body of an action, for the OpenAPI: a flat contact, or whatever a source sends."""
    contact = contact_schema(f"{action.noun} fields", action.input_fields)
    example = {key: shipped().fields[key].example for key in ("email", "first_name", "segments", "data")}
    takes = {"description": action.help, "required": True}
    anything = {"type": "object", "description": "A record or a list as one of the sources sends it."}
    schema = contact if action.input_fields != ("*",) else {"anyOf": [contact, anything, {"type": "array"}]}
    return {**takes, "content": {"application/json": {"schema": schema, "example": example}}}


class NoteOut(Schema):
    """What happened to one value."""

    level = fields.String(validate=validate.OneOf(("info", "warning", "error")))
    field = fields.String(allow_none=True)
    code = fields.String()
    message = fields.String()
    path = fields.String()


class OutcomeOut(Schema):
    """What became of a record."""

    status = fields.String(validate=validate.OneOf(STATUSES))
    email = fields.String(allow_none=True)
    people_id = fields.String(allow_none=True)
    source = fields.String()
    contact = fields.Raw(metadata={"type": ["object", "null"], "description": "The contact as it was understood."})
    changed = fields.List(fields.String())
    calls = fields.Integer()
    notes = fields.List(fields.Nested(NoteOut))
    outcome_id = fields.String()
    reason = fields.String(metadata={"description": "Why a record waits."})
    message = fields.String(metadata={"description": "Why it waits, was rejected or given up, in a sentence."})
    retry_at = fields.String(allow_none=True, metadata={"format": "date-time"})
    superseded_by = fields.String(allow_none=True)
    code = fields.String(allow_none=True)
    records = fields.Integer(metadata={"description": "0: the payload was a handshake or had no records."})


class WholeOutcomeOut(OutcomeOut):
    """What became of a record, and how: attempts and calls."""

    import_id = fields.String(allow_none=True)
    row = fields.Integer()
    mode = fields.String()
    attempts = fields.Integer()
    created_at = fields.String(metadata={"format": "date-time"})
    finished_at = fields.String(allow_none=True, metadata={"format": "date-time"})
    trail = fields.List(fields.Dict())


class ImportedOut(Schema):
    """What became of a record of an import."""

    row = fields.Integer()
    status = fields.String(validate=validate.OneOf(STATUSES))
    email = fields.String(allow_none=True)
    people_id = fields.String(allow_none=True)
    notes = fields.List(fields.Nested(NoteOut))
    calls = fields.Integer()
    outcome_id = fields.String()
    code = fields.String(allow_none=True)
    message = fields.String()


Totals = Schema.from_dict({key: fields.Integer() for key in ("records", *STATUSES, "calls")}, name="Totals")


class ImportOut(Schema):
    """Progress of records that were accepted together."""

    id = fields.String()
    import_id = fields.String()
    records = fields.Integer()
    state = fields.String(validate=validate.OneOf(STATES))
    totals = fields.Nested(Totals)
    rate_per_second = fields.Float(allow_none=True)
    eta_seconds = fields.Float(allow_none=True)
    links = fields.Dict(keys=fields.String(), values=fields.String())
    source = fields.String(allow_none=True)
    mode = fields.String()
    file_name = fields.String(allow_none=True)
    notes = fields.List(fields.Nested(NoteOut))
    accepted_at = fields.String(metadata={"format": "date-time"})


class FileOptions(Schema):
    """How a file is read, and what becomes of it. What is left out is found out."""

    separator = fields.String(
        validate=validate.OneOf((",", ";", "\t", "|"), error="Must be a comma, a semicolon, a tab or a bar."),
        metadata={"description": "Between cells: , ; tab or |."},
    )
    encoding = fields.String(metadata={"description": "Such as utf-8 or cp1252."})
    header = fields.Raw(
        metadata={"type": ["boolean", "integer"], "description": "false: no column names; a number: their line."}
    )
    sheet = fields.String(metadata={"description": "The sheet of a workbook."})
    mode = fields.String(validate=validate.OneOf(MODES), metadata={"description": "upsert, create or update."})
    limit = fields.Integer(
        strict=True,
        validate=validate.Range(min=1),
        metadata={"description": "So many rows go out; the others wait until the import is resumed."},
    )
    country = Checked(country_code, metadata={"description": "Country of national phone numbers."})
    timezone = Checked(zone_name, metadata={"description": "Zone of times without one."})
    forget = fields.Boolean(
        metadata={
            "description": "Keep neither the file nor, once all is done, what its rows said: then failures.csv cannot "
            "be made."
        }
    )

    @validates("header")
    def _header(self, value: Any, **_: Any) -> None:
        if value is not False and value is not True and not (isinstance(value, int) and 1 <= value <= MOST_LINES):
            raise ValidationError("Must be true, false, or the number of a line.")


class ErrorOut(Schema):
    """One thing that is wrong."""

    field = fields.String(required=True, allow_none=True)
    row = fields.Integer(required=True, allow_none=True)
    code = fields.String(required=True)
    message = fields.String(required=True)


class ProblemOut(Schema):
    """An error (RFC 9457), with a stable code, one sentence, and what is wrong field by field."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String(required=True)
    message = fields.String(required=True)
    request_id = fields.String(required=True)
    errors = fields.List(fields.Nested(ErrorOut), required=True)
    outcome_id = fields.String(metadata={"description": "Of a record that was kept: rejected or given up."})
    notes = fields.List(fields.Nested(NoteOut))
    calls = fields.Integer()


def cursor_of(pattern: str) -> fields.String:
    """Where a page begins: the place of the last row of the page before."""
    about = {"description": "Where the page begins, from the Link header of the one before."}
    return fields.String(validate=validate.Regexp(pattern, error="Take it from the Link header."), metadata=about)


class PageQuery(Schema):
    """Paging of a list; the next page stands in the Link header."""

    cursor = cursor_of(r"^[0-9a-f]{32}$")
    limit = fields.Integer(
        load_default=50,
        validate=validate.Range(min=1, max=500),
        metadata={"description": "How many at most."},
    )
