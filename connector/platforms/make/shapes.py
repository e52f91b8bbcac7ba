"""Fields and answers as parameters of Make.

Emails and addresses are plain text: Make would refuse a bad one in words of its own, before the service can say what is
wrong with it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from connector.manifest import Action, Field
from connector.platforms.base import Told

Shape = dict[str, Any]
_TYPES = {"datetime": "date", "boolean": "boolean", "integer": "integer", "number": "number", "enum": "select"}
# What a form of custom data is chosen by; it is no field and never sent.
DATA_FORM = "data_form"


def shown(name: str, kind: str, label: str, help_: str = "", **more: Any) -> Shape:
    """A parameter."""
    return {"name": name, "type": kind, "label": label, **({"help": help_} if help_ else {}), **more}


def options(pairs: Iterable[tuple[str, str]]) -> Shape:
    """Values to choose from: `[(value, label)]`."""
    return {"options": [{"label": label, "value": value} for value, label in pairs]}


def chosen(name: str, label: str, rpc: str) -> Shape:
    """One of the values that the service knows, or another that is typed in or mapped."""
    return shown(name, "select", label, options=f"rpc://{rpc}", editable=True, mode="edit")


def parameter(declared: Mapping[str, Any]) -> Shape:
    """A parameter of an action, in its path or query."""
    kind = _TYPES.get(declared["type"], "text")
    more = {name: declared[name] for name in ("required", "default") if name in declared}
    more |= options(declared["choices"]) if "choices" in declared else {}
    return shown(declared["key"], kind, declared["label"], declared["help"], **more)


def body_of(told: Told, action: Action) -> list[Shape]:
    """What is filled in for a contact, or for a list of contacts."""
    fields = told.manifest.fields_of(action)
    if not action.many:
        return [_taken(field, field.key in action.required) for field in fields]
    inner = [
        _pairs(each, required=False) if each.type == "data" else _taken(each, each.key in action.required)
        for each in fields
    ]
    return [shown("records", "array", "Records", "One item for each contact.", required=True, spec=inner)]


def _taken(field: Field, required: bool) -> Shape:
    if field.type == "data":
        return _data(field, required)
    more: Shape = {"required": required}
    if field.choices:
        more |= options(field.choices)
    if field.type == "list":
        more["spec"] = chosen("value", field.label, field.key) if field.key == "segments" else {"type": "text"}
        return shown(field.key, "array", field.label, field.help, **more)
    if field.type == "text":
        more["multiline"] = True
    return shown(field.key, _TYPES.get(field.type, "text"), field.label, field.help, **more)


def _pairs(field: Field, *, required: bool) -> Shape:
    pair = [{**chosen("key", "Key", "dataKeys"), "required": True}, shown("value", "any", "Value")]
    return shown(field.key, "array", field.label, field.help, required=required, spec=pair)


def _data(field: Field, required: bool) -> Shape:
    """Free keys and values, or a form of the keys in use; what is sent is called alike."""
    form = shown(field.key, "collection", field.label, field.help, required=required, spec=["rpc://dataFields"])
    ways = (("pairs", "Keys and values", _pairs(field, required=required)), ("form", "A form of the keys in use", form))
    listed = [{"label": label, "value": value, "nested": [inner]} for value, label, inner in ways]
    return shown(DATA_FORM, "select", field.label, field.help, default="pairs", options=listed)


def answer_of(told: Told, rows: Iterable[Mapping[str, Any]]) -> list[Shape]:
    """What an action answers or a trigger brings, of the rows that say so."""
    return [_row(told, row) for row in rows]


def _row(told: Told, row: Mapping[str, Any]) -> Shape:
    name, label = row["key"], row["label"]
    if "of" in row:
        return shown(name, "collection", label, spec=answer_of(told, told.rows_of(row["of"])))
    if row["type"] == "list":
        return shown(name, "array", label, spec={"type": "text"})
    if row["type"] in ("object", "data"):
        return shown(name, "any", label)
    kind = _TYPES.get(row["type"], "text")
    return shown(name, "text" if kind == "select" else kind, label)
