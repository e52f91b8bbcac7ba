"""Marshmallow schemas, built from the manifests: what is validated and what the OpenAPI says is one thing."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from marshmallow import Schema, ValidationError, fields, pre_load, validate, validates

from connector.api.shapes import ID, about
from connector.crisp.calls import MODES
from connector.intake.options import country_code, zone_name
from connector.manifest import Field, shipped
from connector.saying import say
from connector.spoken import Spoken

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
            raise ValidationError(problem.args[0]) from None


class Credential(fields.Field[str]):
    """A text, or the JSON object that a service's console saves, as text."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> str:  # noqa: ARG002
        if isinstance(value, dict):
            return json.dumps(value)
        if isinstance(value, str) and value.strip():
            return value
        raise ValidationError(say("It must be a JSON object, or the same as text."))


_CHECKS: dict[str, Callable[[], Any]] = {
    "source": lambda: validate.OneOf(sorted(shipped().sources)),
    "wait": lambda: validate.Range(min=0, max=LONGEST_WAIT),
}
_FORMS = {"country": country_code, "timezone": zone_name}
_TYPES: Mapping[str, type[fields.Field[Any]]] = {"integer": fields.Integer, "number": fields.Float}


def one_line(value: str) -> None:
    """Checks what a pattern does not: its `$` takes a line break at the end."""
    if value.endswith("\n"):
        raise ValidationError(say("It must not end with a line break."))


class Filled(Spoken):
    """Platforms send an empty box as "" or null: that says nothing."""

    @pre_load
    def _empty_says_nothing(self, data: Any, **_: Any) -> Any:
        return {name: value for name, value in data.items() if value not in ("", None)}


def query_of(action_key: str) -> type[Schema]:
    """The query parameters of an action, as its manifest declares them."""
    parameters = [each for each in shipped().actions[action_key].parameters if each["in"] == "query"]
    return Filled.from_dict({each["key"]: _parameter(each) for each in parameters}, name=f"{action_key.title()}Query")


def _parameter(parameter: Mapping[str, Any]) -> fields.Field[Any]:
    key = parameter["key"]
    checks = [_CHECKS[key]()] if key in _CHECKS else []
    if choices := parameter.get("choices"):
        checks.append(validate.OneOf([value for value, _ in choices]))
    kind = partial(Checked, _FORMS[key]) if key in _FORMS else _TYPES.get(parameter["type"], fields.String)
    example = [parameter["example"]] if "example" in parameter else []
    default = {"load_default": parameter["default"]} if "default" in parameter else {}
    return kind(validate=checks, metadata=about(parameter["help"], *example), **default)


def contact_schema(name: str, keys: Iterable[str] = ("*",)) -> dict[str, Any]:
    """JSON Schema of a flat contact with these fields (`*`: all)."""
    wanted = set(keys)
    declared = [field for key, field in shipped().fields.items() if key in wanted or "*" in wanted]
    properties = {field.key: {**property_of(field), "example": field.example} for field in declared}
    return {"title": name, "type": "object", "properties": properties}


def property_of(field: Field) -> dict[str, Any]:
    """A field as a property of a JSON Schema."""
    told = {"title": field.label, "description": field.help}
    choices = {"enum": [value for value, _ in field.choices]} if field.choices else {}
    if field.key == "timezone":
        return {**told, "type": ["integer", "string"]}
    return {**told, **_JSON_TYPES.get(field.type, {"type": "string"}), **choices}


class FileOptions(Spoken):
    """How a file is read, and what becomes of it. What is left out is found out."""

    error_messages = {  # noqa: RUF012 - as marshmallow declares it
        "unknown": say("There is no such option here. Look at /docs.")
    }

    separator = fields.String(
        validate=validate.OneOf((",", ";", "\t", "|"), error=say("Must be a comma, a semicolon, a tab or a bar.")),
        metadata=about("Between cells: , ; tab or |.", ";"),
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
    country = Checked(country_code, metadata=about("Country of national phone numbers.", "FR"))
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
            raise ValidationError(say("Must be true, false, or the number of a line."))


def cursor_of(pattern: str, example: str = ID) -> fields.String:
    """Where a page begins: the place of the last row of the page before."""
    told = about("Where the page begins, from the Link header of the one before.", example)
    return fields.String(validate=validate.Regexp(pattern, error=say("Take it from the Link header.")), metadata=told)


class PageQuery(Spoken):
    """Paging of a list; the next page stands in the Link header."""

    cursor = cursor_of(r"^[0-9a-f]{32}$")
    limit = fields.Integer(
        load_default=50, validate=validate.Range(min=1, max=500), metadata=about("How many at most.")
    )
