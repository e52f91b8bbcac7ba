"""The app: every action, every trigger and the authentication, as Zapier takes them in JSON."""

import re
from typing import Any

from connector.manifest import Action, Trigger
from connector.platforms.base import EXAMPLE, Told, options_of
from connector.platforms.zapier import code, fields
from connector.platforms.zapier.fields import function

CORE = "19.1.0"
_BASE = "{{bundle.authData.base_url}}"
_Part = dict[str, Any]


def app(told: Told) -> _Part:
    """The whole definition."""
    actions, triggers = told.manifest.actions.values(), told.manifest.triggers.values()
    searches = [each for each in actions if each.method == "GET"]
    return {
        "version": told.version,
        "platformVersion": CORE,
        "flags": {"cleanInputData": True},
        "requestTemplate": {"headers": _headers(told)},
        "beforeRequest": [function(code.ADDRESS, "request", "z", "bundle")],
        "afterResponse": [function(code.SENTENCE, "response", "z", "bundle")],
        "authentication": _authentication(told),
        "triggers": _by_key([*(part for each in triggers for part in _both(told, each)), _segments()]),
        "creates": _by_key([_create(told, each) for each in actions if each.method != "GET"]),
        "searches": _by_key([_search(told, each) for each in searches]),
        "searchOrCreates": _by_key([_search_or_create(each) for each in searches if each.or_create]),
    }


def _headers(told: Told) -> dict[str, str]:
    header = told.manifest.authentication.header
    secret = next(each["key"] for each in told.manifest.authentication.fields if each["secret"])
    return {
        header["name"]: f"{header['prefix']}{{{{bundle.authData.{secret}}}}}",
        "Accept": "application/json",
        "User-Agent": f"crisp-connector-zapier/{told.version}",
    }


def _authentication(told: Told) -> _Part:
    declared = told.manifest.authentication
    return {
        "type": "custom",
        "test": {"method": declared.test["method"], "url": _BASE + declared.test["path"]},
        "connectionLabel": re.sub(r"{(\w+)}", r"{{\1}}", declared.label),
        "fields": [_auth_field(told, dict(each)) for each in declared.fields],
    }


def _auth_field(told: Told, field: _Part) -> _Part:
    shown = {name: field[name] for name in ("key", "label", "required")}
    shown["helpText"] = told.said(field["help"])
    if field["secret"]:
        return {**shown, "type": "password"}
    shown |= {"type": "string", "isNoSecret": True, "placeholder": told.said(field["example"])}
    filled_in = field["type"] == "url" and told.address != EXAMPLE
    return {**shown, **({"default": told.address} if filled_in else {})}


def _create(told: Told, action: Action) -> _Part:
    form = fields.inputs(told, action)
    groups = {"inputFieldGroups": [{"key": fields.OPTIONS, "label": "Options"}]} if options_of(action) else {}
    return _part(
        action.key,
        action,
        perform=function(code.call(action)),
        inputFields=form,
        **groups,
        outputFields=[*fields.outputs(told, told.rows_of(action.output))],
        sample=action.sample,
    )


def _search(told: Told, action: Action) -> _Part:
    return _part(
        action.key,
        action,
        perform=function(code.find(action)),
        inputFields=fields.inputs(told, action),
        outputFields=[*fields.outputs(told, told.rows_of(action.output))],
        sample={"id": action.sample["people_id"], **action.sample},
    )


def _search_or_create(action: Action) -> _Part:
    display = {"label": action.or_create["label"], "description": action.or_create["help"]}
    return {"key": action.key, "display": display, "search": action.key, "create": action.or_create["action"]}


def _both(told: Told, trigger: Trigger) -> list[_Part]:
    """A trigger that is told at once, and one that asks now and then for those whom nobody can reach."""
    shown: _Part = {
        "outputFields": [
            {**each, **({"primary": True} if each["key"] == "id" else {})}
            for each in fields.outputs(told, told.event_of(trigger))
        ],
        "sample": trigger.sample,
    }
    return [_hook(told, trigger, shown), _polling(trigger, shown)]


def _hook(told: Told, trigger: Trigger, shown: _Part) -> _Part:
    return _part(
        trigger.key,
        trigger,
        type="hook",
        perform=function(code.TOLD),
        performSubscribe=function(code.subscribe(trigger)),
        performUnsubscribe=function(code.UNSUBSCRIBE),
        performList=function(code.recent(trigger)),
        inputFields=fields.filters(told.manifest, trigger.filters),
        **shown,
    )


def _polling(trigger: Trigger, shown: _Part) -> _Part:
    perform = {
        "method": "GET",
        "url": f"{_BASE}/v1/events/{trigger.key}",
        "params": {"limit": 100, "include_own": "{{bundle.inputData.include_own}}"},
        "removeMissingValuesFrom": {"params": True},
    }
    made = {"type": "polling", "perform": perform, "canPaginate": False, "inputFields": [fields.own()], **shown}
    part = _part(f"{trigger.key}_poll", trigger, **made)
    part["display"]["label"] += " (Polling)"
    return part


def _segments() -> _Part:
    """Feeds the dropdowns."""
    display = {"label": "List Segments", "description": "Triggers when a segment is used.", "hidden": True}
    operation = {"type": "polling", "perform": function(code.choices()), "sample": {"id": "vip", "name": "vip"}}
    return {"key": fields.SEGMENTS, "noun": "Segment", "display": display, "operation": operation}


def _part(key: str, about: Action | Trigger, **operation: Any) -> _Part:
    display = {"label": about.label, "description": about.help}
    return {"key": key, "noun": about.noun, "display": display, "operation": operation}


def _by_key(parts: list[_Part]) -> dict[str, _Part]:
    return {each["key"]: each for each in parts}
