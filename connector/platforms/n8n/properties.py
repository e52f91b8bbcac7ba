"""Contact fields and parameters as properties of an n8n node, each with the way in which it is sent."""

from collections.abc import Iterable, Mapping
from typing import Any

from connector.manifest import Field

Property = dict[str, Any]

# n8n's own words for lists that are loaded; its lint wants them so.
FROM_LIST = (
    'Choose from the list, or specify IDs using an <a href="https://docs.n8n.io/code/expressions/">expression</a>'
)
_KINDS: Mapping[str, Property] = {
    "text": {"type": "string", "typeOptions": {"rows": 4}, "default": ""},
    "email": {"type": "string", "placeholder": "name@email.com", "default": ""},
    "datetime": {"type": "dateTime", "default": ""},
    "boolean": {"type": "boolean", "default": False},
    "integer": {"type": "number", "typeOptions": {"numberPrecision": 0}, "default": 0},
    "number": {"type": "number", "default": 0},
}
_TEXT: Property = {"type": "string", "default": ""}
_PAIR = [
    {"displayName": "Key", "name": "key", "type": "string", "default": ""},
    {"displayName": "Value", "name": "value", "type": "string", "default": "", "description": "Empty removes the key"},
]
_OBJECT = "={{ Object.fromEntries(($value.pairs ?? []).map((pair) => [pair.key, pair.value])) }}"


def said(text: str) -> str:
    """A description as n8n writes them: one sentence has no full stop at its end, several have."""
    sentence = text[:1].upper() + text[1:]
    return sentence if ". " in sentence else sentence.removesuffix(".")


def camel(key: str) -> str:
    """`api_key` → `apiKey`, as n8n names what is typed into credentials."""
    first, *others = key.split("_")
    return first + "".join(each.title() for each in others)


def of_field(field: Field) -> Property:
    """A contact field: a property that is sent in the body."""
    head = {"displayName": field.label, "name": field.key, "description": said(field.help)}
    sent: Property = {"type": "body", "property": field.key}
    if field.type == "data":
        return {**head, **_pairs(), "routing": {"send": {**sent, "value": _OBJECT}}}
    return {**head, **_kind(field), "routing": {"send": sent}}


def of_parameter(parameter: Mapping[str, Any]) -> Property:
    """A parameter of an action: one in the query is sent there, one in the path belongs to the address."""
    head = {"displayName": parameter["label"].title(), "name": parameter["key"], "description": said(parameter["help"])}
    kind = _options(parameter["choices"]) if "choices" in parameter else dict(_KINDS.get(parameter["type"], _TEXT))
    shown = {**head, **kind, **({"default": parameter["default"]} if "default" in parameter else {})}
    if "example" in parameter and shown["type"] == "string":
        shown["placeholder"] = parameter["example"]
    if parameter["in"] == "query":
        shown["routing"] = {"send": {"type": "query", "property": parameter["key"]}}
    return shown


def collection(name: str, label: str, adds: str, inside: Iterable[Property]) -> Property:
    """What need not be given: nothing of it is sent unless somebody adds it."""
    options = sorted(inside, key=lambda each: str(each["displayName"]))
    return {
        "displayName": label,
        "name": name,
        "type": "collection",
        "placeholder": adds,
        "default": {},
        "options": options,
    }


def shown_for(properties: Iterable[Property], **where: list[str]) -> list[Property]:
    """The same, shown only where these parameters have one of these values."""
    return [{**each, "displayOptions": {"show": where}} for each in properties]


def _kind(field: Field) -> Property:
    if field.choices:
        return _options(field.choices)
    if field.key == "segments":
        return _segments(field)
    if field.type == "list":
        return {"type": "string", "typeOptions": {"multipleValues": True}, "default": []}
    kind = _KINDS.get(field.type, _TEXT)
    return {"placeholder": str(field.example), **kind} if kind["type"] == "string" else dict(kind)


def _options(choices: Iterable[tuple[str, str]]) -> Property:
    options = [{"name": label, "value": value} for value, label in choices]
    return {"type": "options", "default": options[0]["value"], "options": options}


def _segments(field: Field) -> Property:
    asked = {"method": "GET", "url": "/v1/fields", "qs": {"choices": "segments", "format": "n8n"}}
    return {
        "displayName": f"{field.label.removesuffix('s')} Names or IDs",
        "type": "multiOptions",
        "default": [],
        "description": FROM_LIST,
        "typeOptions": {"loadOptions": {"routing": {"request": asked}}},
        "hint": "A new one is typed as an expression: {{ ['vip', 'beta'] }}",
    }


def _pairs() -> Property:
    return {
        "type": "fixedCollection",
        "placeholder": "Add Key",
        "default": {},
        "typeOptions": {"multipleValues": True},
        "options": [{"displayName": "Key", "name": "pairs", "values": _PAIR}],
    }
