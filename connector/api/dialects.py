"""A contact field in the words of each no-code platform. Pure.

Zapier: field schema of its platform; n8n: options of a `loadOptions` method; Make: interface specification;
`jsonschema`: Power Automate's dynamic schema.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from connector.api.schemas import property_of
from connector.manifest import Field


@dataclass(frozen=True, slots=True)
class FormField:
    """A field of a form: a contact field, or one key of custom data."""

    key: str
    label: str
    help: str
    field: Field | None = None
    required: bool = False


def form_of(
    fields: Iterable[Field], required: Iterable[str], *, data_keys: Iterable[str], dynamic: bool
) -> list[FormField]:
    """The fields of an action's form; `dynamic`: only those that a package cannot know beforehand."""
    needed, declared = set(required), list(fields)
    fixed = [FormField(field.key, field.label, field.help, field, field.key in needed) for field in declared]
    custom = [FormField(f"data.{key}", f"Data: {key}", _custom(key)) for key in data_keys]
    takes_data = any(field.key == "data" for field in declared)
    return [*([] if dynamic else fixed), *(custom if takes_data else [])]


def choices_form(names: Iterable[str]) -> list[FormField]:
    """A form with a field for each of these names alone: of custom data, say, where it is an object of its own."""
    return [FormField(name, name, _custom(name)) for name in names]


def _custom(key: str) -> str:
    return f"Custom data {key}. An empty value removes it."


def _kind(each: FormField) -> str:
    return each.field.type if each.field else "string"


_ZAPIER = {"text": "text", "datetime": "datetime"}
_MAKE = {"text": "text", "email": "email", "url": "url", "datetime": "date", "enum": "select"}


def zapier(each: FormField) -> dict[str, Any]:
    """`{key, label, type, required, helpText, choices?, list?, dict?}`."""
    kind = _kind(each)
    shown: dict[str, Any] = {
        "key": each.key,
        "label": each.label,
        "type": _ZAPIER.get(kind, "string"),
        "required": each.required,
        "helpText": each.help,
    }
    if each.field and each.field.choices:
        shown["choices"] = dict(each.field.choices)
    if kind == "list":
        shown["list"] = True
    if kind == "data":
        shown = {key: value for key, value in shown.items() if key != "type"} | {"dict": True}
    return shown


def n8n(each: FormField) -> dict[str, Any]:
    """`{name, value, description}`."""
    return {"name": each.label, "value": each.key, "description": each.help}


def make(each: FormField) -> dict[str, Any]:
    """`{name, label, type, required, help, spec?, options?}`."""
    kind = _kind(each)
    shown: dict[str, Any] = {"name": each.key, "label": each.label, "type": _MAKE.get(kind, "text")}
    shown |= {"required": each.required, "help": each.help}
    if kind == "list":
        shown |= {"type": "array", "spec": {"type": "text"}}
    if kind == "data":
        pair = [{"name": "key", "label": "Key", "type": "text"}, {"name": "value", "label": "Value", "type": "text"}]
        shown |= {"type": "array", "spec": pair}
    if each.field and each.field.choices:
        shown["options"] = [{"label": label, "value": value} for value, label in each.field.choices]
    return shown


def json_schema(form: Iterable[FormField]) -> dict[str, Any]:
    """`{"schema": {…}}` with titles that Power Automate shows."""
    listed = list(form)
    properties = {each.key: _property(each) for each in listed}
    required = [each.key for each in listed if each.required]
    return {"schema": {"type": "object", "properties": properties, "required": required}}


def _property(each: FormField) -> dict[str, Any]:
    if each.field is None:
        return {"type": "string", "title": each.label, "description": each.help, "x-ms-summary": each.label}
    shown = {**property_of(each.field), "x-ms-summary": each.label}
    if each.field.key == "timezone":
        shown["type"] = "string"  # one type alone is understood there
    if each.field.type == "data":
        shown["additionalProperties"] = True
    return shown


DIALECTS: dict[str, Callable[[FormField], dict[str, Any]]] = {"zapier": zapier, "n8n": n8n, "make": make}
"""Formats that are bare lists; `jsonschema` is an object."""
