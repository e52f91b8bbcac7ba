"""What is declared once, as fields of a Zapier form and of what a step gives."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from connector.hooks import conditions
from connector.manifest import Action, Manifest
from connector.manifest import Field as ContactField
from connector.platforms.base import Told, options_of
from connector.platforms.zapier import code

SEGMENTS = "segment_list"
OPTIONS = "options"
_TYPES: Mapping[str, str] = {
    "text": "text",
    "datetime": "datetime",
    "boolean": "boolean",
    "integer": "integer",
    "number": "number",
}
# Zapier, `flags.cleanInputData`: an input that is empty does not reach the app.
_NEVER_EMPTY = "Zapier itself sends no empty value, so a key is removed elsewhere."
_Field = dict[str, Any]


def inputs(told: Told, action: Action) -> list[_Field]:
    """The form of an action: who it is about, the contact's fields, those that only the service knows, options."""
    named = [_parameter(each, each["key"]) for each in action.parameters if each["in"] == "path"]
    fields = [_input(each, each.key in action.required) for each in told.manifest.fields_of(action)]
    if action.many:
        fields = [{**each, "label": f"{each['label']} for All"} for each in fields if each.get("dict")]
        fields = [function(code.line_items(action, action.noun)), *fields]
    elif any(each.get("dict") for each in fields):
        fields.append(function(code.custom_fields(action)))
    options = [_parameter(each, code.OPTION + each["key"]) for each in options_of(action)]
    return [*named, *fields, *({**each, "group": OPTIONS} for each in options)]


def filters(manifest: Manifest, names: Sequence[str]) -> list[_Field]:
    """Conditions that an event must fulfil, and whether one's own changes are told."""
    known = {key: manifest.fields[key].label for key in manifest.in_crisp}
    more: dict[str, _Field] = {"segment": {"dynamic": f"{SEGMENTS}.id.name"}, "changed": {"choices": known}}
    shown = [
        {
            "key": name,
            "label": name.replace("_", " ").title(),
            "type": "string",
            "list": True,
            "required": False,
            "helpText": conditions.HELP[name],
            **more.get(name, {}),
        }
        for name in names
    ]
    return [*shown, own()]


def own() -> _Field:
    """Whether changes that come from here are told, too."""
    shown = {"key": "include_own", "label": "Include Own Changes", "type": "boolean", "required": False}
    return {**shown, "default": "false", "helpText": conditions.OWN}


def outputs(told: Told, rows: Iterable[Mapping[str, Any]]) -> Iterator[_Field]:
    """What a step gives, with its labels; what is within something is named by two lines."""
    for row in rows:
        within = told.rows_of(row["of"]) if "of" in row else ()
        yield from (
            _output(f"{row['key']}__{each['key']}", f"{row['label']}: {each['label']}", each["type"]) for each in within
        )
        if not within:
            yield _output(row["key"], row["label"], row["type"])


def function(source: str, *args: str) -> _Field:
    """A function, as Zapier takes it in JSON."""
    return {"source": source.strip(), "args": list(args or ("z", "bundle"))}


def _input(field: ContactField, required: bool) -> _Field:
    kind, example = field.type, field.example
    shown: _Field = {"key": field.key, "label": field.label, "required": required, "helpText": field.help}
    if kind == "data":  # keys of their own stand beside it, so that it may be empty
        return {**shown, "helpText": f"{field.help} {_NEVER_EMPTY}", "dict": True, "required": False}
    shown |= {"type": _TYPES.get(kind, "string")}
    if kind == "list":
        return {**shown, "list": True, "dynamic": f"{SEGMENTS}.id.name"}
    return {**shown, **({"choices": dict(field.choices)} if field.choices else {"placeholder": str(example)})}


def _parameter(parameter: Mapping[str, Any], key: str) -> _Field:
    shown: _Field = {
        "key": key,
        "label": parameter["label"],
        "type": _TYPES.get(parameter["type"], "string"),
        "required": parameter.get("required", False),
        "helpText": parameter["help"],
    }
    if "choices" in parameter:
        shown["choices"] = dict(parameter["choices"])
    if "default" in parameter:
        return {**shown, "default": str(parameter["default"])}
    return {**shown, **({"placeholder": str(parameter["example"])} if "example" in parameter else {})}


def _output(key: str, label: str, kind: str) -> _Field:
    if kind in ("object", "data"):
        return {"key": key, "label": label, "dict": True}
    given = "string" if kind == "text" else _TYPES.get(kind, "string")  # text is a word of forms alone
    return {"key": key, "label": label, "type": given, **({"list": True} if kind == "list" else {})}
