"""Fields and answers as Swagger 2.0 with the extensions that Power Automate understands."""

from collections.abc import Iterable, Mapping
from typing import Any

from connector.manifest import Action, Field
from connector.platforms.base import Told

Shape = dict[str, Any]
_TYPES: Mapping[str, Shape] = {
    "email": {"type": "string", "format": "email"},
    "url": {"type": "string", "format": "uri"},
    "datetime": {"type": "string", "format": "date-time"},
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "format": "int64"},
    "number": {"type": "number", "format": "double"},
    "list": {"type": "array", "items": {"type": "string"}},
    "object": {"type": "object", "additionalProperties": True},
    "data": {"type": "object", "additionalProperties": True},
}


def operation_id(key: str) -> str:
    """`upsert_contact` → `UpsertContact`."""
    return key.title().replace("_", "")


def titled(label: str, help_: str, **more: Any) -> Shape:
    """What every field shows."""
    return {"x-ms-summary": label, "description": help_, **more}


def choices(pairs: Iterable[tuple[str, str]]) -> Shape:
    """Values to choose from, with what is shown for each: `[(value, label)]`."""
    listed = list(pairs)
    shown = [{"value": value, "displayName": label} for value, label in listed]
    return {"enum": [value for value, _ in listed], "x-ms-enum-values": shown}


def parameter(declared: Mapping[str, Any]) -> Shape:
    """A parameter of an action, in its path or query."""
    shown = {"name": declared["key"], "in": declared["in"], "required": declared.get("required", False)}
    shown |= titled(declared["label"], declared["help"], **_TYPES.get(declared["type"], {"type": "string"}))
    shown |= {"default": declared["default"]} if "default" in declared else {}
    shown |= choices(declared["choices"]) if "choices" in declared else {}
    if declared["in"] == "path":
        return {**shown, "x-ms-url-encoding": "single", "x-ms-visibility": "important"}
    return {**shown, "x-ms-visibility": "advanced"}


def body_of(told: Told, action: Action) -> Shape:
    """What an action sends: a contact, or a list of contacts."""
    fields = told.manifest.fields_of(action)
    contact: Shape = {"type": "object", "properties": {field.key: _taken(field) for field in fields}}
    if action.required:
        contact["required"] = list(action.required)
    if not action.many:
        return contact
    records = titled("Records", "One item for each contact.", type="array", items=contact)
    return {"type": "object", "required": ["records"], "properties": {"records": records}}


def _taken(field: Field) -> Shape:
    shown = titled(field.label, field.help, **_TYPES.get(field.type, {"type": "string"}))
    if field.choices:
        shown |= choices(field.choices)
    if field.type == "list":
        shown["items"] = {"type": "string", **titled(field.label, field.help), **_names_of(field.key)}
    if field.type == "data":
        del shown["additionalProperties"]
        shown |= _keys_of(field.key)
    return {**shown, "x-ms-visibility": "important"} if field.key == "email" else shown


def _names_of(key: str) -> Shape:
    """A list to choose from that the service fills: in the older words and in the newer ones."""
    return {
        "x-ms-dynamic-values": {
            "operationId": "ListChoices",
            "parameters": {"choices": key},
            "value-path": "key",
            "value-title": "label",
        },
        "x-ms-dynamic-list": {
            "operationId": "ListChoices",
            "parameters": {"choices": {"value": key}},
            "itemValuePath": "key",
            "itemTitlePath": "label",
        },
    }


def _keys_of(key: str) -> Shape:
    """A form that the service fills: in the older words and in the newer ones."""
    return {
        "x-ms-dynamic-schema": {
            "operationId": "ListKeys",
            "parameters": {"choices": key, "format": "jsonschema"},
            "value-path": "schema",
        },
        "x-ms-dynamic-properties": {
            "operationId": "ListKeys",
            "parameters": {"choices": {"value": key}, "format": {"value": "jsonschema"}},
            "itemValuePath": "schema",
        },
    }


def answer_of(rows: Iterable[Mapping[str, Any]]) -> Shape:
    """What an action answers or a trigger brings, of the rows that say so."""
    return {"type": "object", "properties": {row["key"]: _row(row) for row in rows}}


def _row(row: Mapping[str, Any]) -> Shape:
    if "of" in row:
        return {"$ref": f"#/definitions/{operation_id(row['of'])}"}
    return titled(row["label"], row["help"], **_TYPES.get(row["type"], {"type": "string"}))
