"""Instant triggers: one for each event, with the webhook that subscribes to it and ends that again."""

from collections.abc import Iterator
from typing import Any

from connector.hooks.conditions import HELP, OWN, SEVERAL
from connector.manifest import Trigger
from connector.platforms.base import Told
from connector.platforms.make.components import Component, camel
from connector.platforms.make.connection import CONNECTION
from connector.platforms.make.modules import module
from connector.platforms.make.shapes import answer_of, shown


def triggers(told: Told) -> Iterator[Component]:
    """A webhook and a module for each."""
    for trigger in told.manifest.triggers.values():
        yield _webhook(trigger)
        about = {
            "label": f"Watch {trigger.label.lower()}",
            "description": trigger.help,
            "moduleType": "instant_trigger",
        }
        code = {"interface": answer_of(told, told.event_of(trigger)), "samples": dict(trigger.sample)}
        hook = {"webhook": camel(trigger.key), "connection": None}
        yield module(camel(f"watch_{trigger.key}"), {**about, **hook}, code)


def _webhook(trigger: Trigger) -> Component:
    about = {"label": trigger.label, "webhookType": "web", "connection": CONNECTION, "altConnection": None}
    own = "{{parameters.include_own}}"
    body: dict[str, Any] = {"event": trigger.key, "target_url": "{{webhook.url}}", "include_own": own}
    if trigger.filters:
        body["filter"] = {name: f"{{{{parameters.{name}}}}}" for name in trigger.filters}
    conditions = [
        shown(name, "text", name.replace("_", " ").capitalize(), f"{HELP[name]} {SEVERAL}") for name in trigger.filters
    ]
    path = "/v1/subscriptions"
    known = {"data": {"externalHookId": "{{body.id}}"}}
    code = {
        "communication": {"output": "{{body}}"},
        "params": [*conditions, shown("include_own", "boolean", "Include own changes", OWN, default=False)],
        "attach": {"url": path, "method": "POST", "body": body, "response": known},
        "detach": {"url": f"{path}/{{{{webhook.externalHookId}}}}", "method": "DELETE"},
        "update": {},
        "requiredScope": [],
    }
    return Component("webhook", camel(trigger.key), about, code)
