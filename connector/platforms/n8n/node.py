"""The node: what is done with contacts. Declarative: n8n makes the requests of what is described here."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from connector.declared import Action
from connector.platforms.base import Told, always, options_of
from connector.platforms.n8n.credentials import ADDRESS, CREDENTIALS, ICON
from connector.platforms.n8n.properties import Property, collection, of_field, of_parameter, said, shown_for

# What several nouns have in common; any other noun is a resource of its own.
_RESOURCES: Mapping[str, str] = {"Custom Data": "Contact Data", "Contacts": "Import", "Preview": "Import"}
_RECORDS: Property = {
    "displayName": "Records",
    "name": "records",
    "type": "json",
    "default": "={{ $input.all().map((each) => each.json) }}",
    "required": True,
    "description": "All records at once, whatever system they come from. Switch on Execute Once in the settings of the "
    "node, or every item sends all of them again.",
    "routing": {"request": {"body": "={{ typeof $value === 'string' ? JSON.parse($value) : $value }}"}},
}


def described(told: Told) -> dict[str, Any]:
    """The description of the node."""
    actions = sorted(told.manifest.actions.values(), key=lambda each: _name(each))
    return {
        "displayName": "Crisp Connector",
        "name": "crispConnector",
        "icon": ICON,
        "group": ["output"],
        "version": 1,
        "subtitle": '={{$parameter["operation"] + ": " + $parameter["resource"]}}',
        "description": "Create, update, find and import contacts of Crisp",
        "defaults": {"name": "Crisp Connector"},
        "usableAsTool": True,
        "inputs": ["main"],
        "outputs": ["main"],
        "credentials": CREDENTIALS,
        "requestDefaults": {"baseURL": ADDRESS, "headers": {"Accept": "application/json"}},
        "properties": [_resource(actions), *_operations(actions), *_merged(_inputs(told, each) for each in actions)],
    }


def _resource(actions: Iterable[Action]) -> Property:
    names = sorted({_resource_name(each) for each in actions})
    options = [{"name": name, "value": _value(name)} for name in names]
    return _choice("resource", options)


def _operations(actions: Iterable[Action]) -> list[Property]:
    """For each resource, what can be done with it."""
    found: dict[str, list[Property]] = {}
    for action in actions:
        found.setdefault(_value(_resource_name(action)), []).append(_operation(action))
    chosen = ((resource, _choice("operation", options)) for resource, options in found.items())
    return [each for resource, choice in chosen for each in shown_for([choice], resource=[resource])]


def _operation(action: Action) -> Property:
    path = re.sub(r"\{(\w+)\}", r"{{encodeURIComponent($parameter.\1)}}", action.path)
    request: dict[str, Any] = {"method": action.method, "url": f"={path}" if "{{" in path else path}
    query = action.query if _many(action) else always(action)
    return {
        "name": _name(action),
        "value": action.key,
        "action": action.label.capitalize(),
        "description": said(action.help),
        "routing": {"request": {**request, **({"qs": query} if query else {})}},
    }


def _inputs(told: Told, action: Action) -> list[Property]:
    """What an operation asks for: what it needs, what may be said of the contact, and how it is to be done."""
    needed = [{**of_parameter(each), "required": True} for each in action.parameters if each["in"] == "path"]
    asked = (each for each in action.parameters if each["in"] == "query") if _many(action) else options_of(action)
    options = [of_parameter(each) for each in asked]
    fields = {} if _many(action) else {each.key: of_field(each) for each in told.manifest.fields_of(action)}
    needed += [{**fields.pop(key), "required": True} for key in action.required if key in fields]
    found = [*needed, *([_RECORDS] if _many(action) else [])]
    found += [collection("fields", "Contact Fields", "Add Field", fields.values())] if fields else []
    found += [collection("options", "Options", "Add Option", options)] if options else []
    return shown_for(found, resource=[_value(_resource_name(action))], operation=[action.key])


def _merged(asked: Iterable[list[Property]]) -> list[Property]:
    """What several operations ask for alike stands once."""
    found: dict[str, Property] = {}
    for each in (each for listed in asked for each in listed):
        alike = json.dumps({**each, "displayOptions": None})
        before = found.setdefault(alike, each)
        shown = {name: _union(before, each, name) for name in ("resource", "operation")}
        found[alike] = {**each, "displayOptions": {"show": shown}}
    return list(found.values())


def _union(one: Property, other: Property, name: str) -> list[str]:
    return sorted({*one["displayOptions"]["show"][name], *other["displayOptions"]["show"][name]})


def _choice(name: str, options: list[Property]) -> Property:
    return {
        "displayName": name.title(),
        "name": name,
        "type": "options",
        "noDataExpression": True,
        # Creating or updating is what most people want; the list itself is in the order of names.
        "default": min(options, key=lambda each: not each["value"].startswith("upsert"))["value"],
        "options": options,
    }


def _many(action: Action) -> bool:
    return _resource_name(action) == "Import"


def _name(action: Action) -> str:
    """`Create or Update Contact` of a contact is `Create or Update`."""
    return action.label.removesuffix(action.noun).strip() or action.label


def _resource_name(action: Action) -> str:
    return _RESOURCES.get(action.noun, action.noun)


def _value(name: str) -> str:
    """`Contact Data` → `contactData`."""
    return name[:1].lower() + name[1:].replace(" ", "")
