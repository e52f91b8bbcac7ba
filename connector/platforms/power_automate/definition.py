"""`apiDefinition.swagger.json`: actions, one trigger for all events, and what fills the forms."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from connector.hooks.conditions import HELP, OWN, SEVERAL
from connector.manifest import Action
from connector.platforms.base import Told, always, options_of
from connector.platforms.power_automate.shapes import (
    Shape,
    answer_of,
    body_of,
    choices,
    operation_id,
    parameter,
    titled,
)

_ABOUT = (
    "Create, update, find and delete the contacts of a Crisp website, and start flows when something happens there."
)
_FAILED = {"description": "Not done; the message says why.", "schema": {"$ref": "#/definitions/Problem"}}
# What the marketplace wants to know of every connector.
_METADATA = {
    "Website": "https://crisp.chat",
    "Privacy policy": "https://crisp.chat/en/privacy/",
    "Categories": "Sales and CRM;Marketing",
}


def definition(told: Told) -> Shape:
    """The whole document."""
    address = urlsplit(told.address)
    return {
        "swagger": "2.0",
        "info": {
            "title": "Crisp Contacts",
            "version": told.version,
            "description": _ABOUT,
            "contact": {"name": "crisp-connector", "url": told.address},
        },
        "host": address.netloc,
        "basePath": address.path or "/",
        "schemes": [address.scheme],
        "consumes": ["application/json"],
        "produces": ["application/json"],
        "securityDefinitions": {"api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}},
        "security": [{"api_key": []}],
        "paths": _paths(told),
        "definitions": _definitions(told),
        "x-ms-connector-metadata": [
            {"propertyName": name, "propertyValue": value} for name, value in _METADATA.items()
        ],
    }


def actions(told: Told) -> Iterator[Action]:
    """Those that get an operation. Swagger has one for a path and method: where an action only fixes a parameter that
    another one there lets choose, that other one is all."""
    declared = list(told.manifest.actions.values())
    for action in declared:
        there = [each for each in declared if each.path == action.path and each.method == action.method]
        if not any(action.query and set(action.query) <= _chosen(each) for each in there):
            yield action


def _chosen(action: Action) -> set[str]:
    return {each["key"] for each in action.parameters}


def _definitions(told: Told) -> Shape:
    asked = {"event", "problem", "connection", *(action.output for action in actions(told))}
    within = {row["of"] for name in asked for row in told.rows_of(name) if "of" in row}
    found = {operation_id(name): answer_of(told.rows_of(name)) for name in sorted(asked | within)}
    found["Event"]["properties"] |= {part: _of_events(told, part) for part in ("contact", "data")}
    return found


def _of_events(told: Told, part: str) -> Shape:
    """One trigger is for all events: what any of them has in this part stands together."""
    [row] = (row for row in told.rows_of("event") if row["key"] == part)
    of_all = (each for trigger in told.manifest.triggers.values() for each in told.event_of(trigger))
    named = (each["of"] for each in of_all if each["key"] == part and "of" in each)
    rows = {each["key"]: each for name in named for each in told.rows_of(name)}
    return {**titled(row["label"], row["help"]), **answer_of(rows.values()), "additionalProperties": True}


def _paths(told: Told) -> Shape:
    paths: dict[str, Shape] = {}
    for action in actions(told):
        paths.setdefault(action.path, {})[action.method.lower()] = _action(told, action)
    test = told.manifest.authentication.test
    paths.setdefault(test["path"], {})[test["method"].lower()] = _test()
    return {**paths, **_trigger(told), **_forms()}


def _operation(key: str, label: str, help_: str, visibility: str, answers: Shape, parameters: list[Shape]) -> Shape:
    return {
        "operationId": operation_id(key),
        "summary": label.capitalize(),
        "description": help_,
        "x-ms-visibility": visibility,
        "parameters": parameters,
        "responses": {**answers, "default": _FAILED},
    }


def _answer(output: str, said: str = "Done.") -> Shape:
    return {"description": said, "schema": {"$ref": f"#/definitions/{operation_id(output)}"}}


def _action(told: Told, action: Action) -> Shape:
    of_path = (each for each in action.parameters if each["in"] == "path")
    parameters = [parameter(each) for each in (*of_path, *options_of(action))]
    parameters += [_hidden(name, value) for name, value in always(action).items()]
    answers = {"200": _answer(action.output)}
    if action.input_fields:
        parameters.append({"name": "body", "in": "body", "required": True, "schema": body_of(told, action)})
        answers["202"] = _answer(action.output, "Kept safely; it goes out later.")
    return _operation(action.key, action.label, action.help, "important", answers, parameters)


def _test() -> Shape:
    told = "Which connection the API key belongs to."
    return _operation("test_connection", "Test connection", told, "advanced", {"200": _answer("connection")}, [])


def _trigger(told: Told) -> Shape:
    """Power Automate ends a subscription with a DELETE of the Location that it was answered; the operation only says
    that there is one."""
    subscribed = {
        "description": "Subscribed.",
        "schema": {"type": "object", "properties": {"id": _text("Subscription ID", "Names the subscription.")}},
        "headers": {"Location": {"type": "string", "description": "Where a DELETE ends it."}},
    }
    body = {"name": "body", "in": "body", "required": True, "schema": _subscription(told)}
    about = "Triggers when the event that is chosen happens in Crisp or here."
    start = _operation("when_something_happens", "When something happens", about, "important", {}, [body])
    start |= {"x-ms-trigger": "single", "responses": {"201": subscribed, "default": _FAILED}}
    gone = {"200": {"description": "It has ended."}}
    whose = parameter({"key": "id", "label": "ID", "in": "path", "type": "string", "required": True, "help": "Which."})
    end = _operation("unsubscribe", "Unsubscribe", "Ends a subscription.", "internal", gone, [whose])
    return {
        "/v1/subscriptions": {
            "x-ms-notification-content": {"description": "The event.", "schema": {"$ref": "#/definitions/Event"}},
            "post": start,
        },
        "/v1/subscriptions/{id}": {"delete": end},
    }


def _subscription(told: Told) -> Shape:
    events = [(each.key, each.label) for each in told.manifest.triggers.values()]
    listed = " ".join(f"{each.label}: {each.help}" for each in told.manifest.triggers.values())
    conditions = {name: _text(name.replace("_", " ").title(), f"{help_} {SEVERAL}") for name, help_ in HELP.items()}
    hidden = {"description": "Filled in by the platform.", "x-ms-visibility": "internal"}
    return {
        "type": "object",
        "required": ["event", "target_url"],
        "properties": {
            "event": {**_text("Event", listed), **choices(events), "x-ms-visibility": "important"},
            "target_url": {"type": "string", "x-ms-notification-url": True, **hidden},
            "filter": titled("Only When", "All that is filled in must hold.", type="object", properties=conditions),
            "include_own": titled("Include Own Changes", OWN, type="boolean", default=False),
        },
    }


def _text(label: str, help_: str) -> Shape:
    return {"type": "string", **titled(label, help_)}


def _forms() -> Shape:
    """What fills lists and forms; nobody sees these operations."""
    pair = {"type": "object", "properties": {name: _text(name.title(), "Of a choice.") for name in ("key", "label")}}
    listed = {"200": {"description": "Choices.", "schema": {"type": "array", "items": pair}}}
    schema = {"schema": {"type": "object", "description": "A JSON Schema."}}
    keys = {"200": {"description": "A form.", "schema": {"type": "object", "properties": schema}}}
    of, keys_of, form = _hidden("choices", "segments"), _hidden("choices", "data"), _hidden("format", "jsonschema")
    return {
        "/v1/fields": {"get": _operation("list_choices", "List choices", "Fills a list.", "internal", listed, [of])},
        "/v1/fields/schema": {
            "get": _operation("list_keys", "List keys", "Fills a form.", "internal", keys, [keys_of, form])
        },
    }


def _hidden(name: str, default: str) -> Shape:
    about: Mapping[str, Any] = titled(name.title(), "What is asked for.")
    where = {"name": name, "in": "query", "required": True, "type": "string"}
    return {**where, **about, "default": default, "x-ms-visibility": "internal"}
