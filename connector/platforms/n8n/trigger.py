"""The trigger: starts a workflow when something happens in Crisp. Its code subscribes and checks; this is its form."""

from typing import Any

from connector.hooks.conditions import HELP, OWN
from connector.platforms.base import Told
from connector.platforms.n8n.credentials import CREDENTIALS, ICON
from connector.platforms.n8n.properties import FROM_LIST, Property, collection, said


def described(told: Told) -> dict[str, Any]:
    """The description of the trigger."""
    return {
        "displayName": "Crisp Connector Trigger",
        "name": "crispConnectorTrigger",
        "icon": ICON,
        "group": ["trigger"],
        "version": 1,
        "subtitle": '={{$parameter["event"]}}',
        "description": "Starts a workflow when something happens in Crisp",
        "defaults": {"name": "Crisp Connector Trigger"},
        "inputs": [],
        "outputs": ["main"],
        "credentials": CREDENTIALS,
        "webhooks": [{"name": "default", "httpMethod": "POST", "responseMode": "onReceived", "path": "webhook"}],
        "properties": [_event(told), _filter(told), _own()],
    }


def _event(told: Told) -> Property:
    declared = sorted(told.manifest.triggers.values(), key=lambda each: each.label)
    return {
        "displayName": "Event",
        "name": "event",
        "type": "options",
        "noDataExpression": True,
        "required": True,
        "default": next(iter(told.manifest.triggers)),
        "options": [{"name": each.label, "value": each.key, "description": said(each.help)} for each in declared],
    }


def _filter(told: Told) -> Property:
    """Conditions, each with those events that it makes sense for."""
    triggers = told.manifest.triggers.values()
    where = {name: [each.key for each in triggers if name in each.filters] for name in HELP}
    inside = [_condition(name, events) for name, events in where.items() if events]
    every = sorted({event for events in where.values() for event in events})
    shown = {"displayOptions": {"show": {"event": every}}}
    return {**collection("filter", "Filters", "Add Filter", inside), "description": "All of them must hold", **shown}


def _condition(name: str, events: list[str]) -> Property:
    return {
        "displayName": f"{name.replace('_', ' ').title()} Names or IDs",
        "name": name,
        "type": "multiOptions",
        "default": [],
        "description": FROM_LIST,
        "hint": HELP[name],
        "typeOptions": {"loadOptionsMethod": name},
        "displayOptions": {"show": {"/event": events}},
    }


def _own() -> Property:
    return {
        "displayName": "Include Own Changes",
        "name": "include_own",
        "type": "boolean",
        "default": False,
        "description": f"Whether to be told {OWN[0].lower()}{OWN[1:]}",
    }
