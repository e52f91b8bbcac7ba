"""Modules that ask the service for something: one for each action, and one for whatever else it can do."""

from collections.abc import Iterator
from typing import Any

from connector.manifest import Action
from connector.platforms.base import Told, always, options_of
from connector.platforms.make.components import Component, camel
from connector.platforms.make.connection import CONNECTION
from connector.platforms.make.shapes import DATA_FORM, answer_of, body_of, options, parameter, shown

UNIVERSAL = "makeApiCall"
_CRUD = {"GET": "read", "POST": "create", "PATCH": "update", "DELETE": "delete"}
# Parameters of the query stand together: some are called like fields of the contact.
OPTIONS = "options"
_JSON = {"key": "Content-Type", "value": "application/json"}


def module(key: str, about: dict[str, Any], code: dict[str, Any]) -> Component:
    """A module with all the files that one has."""
    empty: dict[str, Any] = {"communication": {}, "staticParams": [], "mappableParams": [], "interface": []}
    return Component("module", key, {**about, "altConnection": None}, {**empty, "samples": {}, **code})


def actions(told: Told) -> Iterator[Component]:
    """What finds something is a search, all else an action."""
    for action in told.manifest.actions.values():
        kind = {"moduleType": "search"} if action.method == "GET" else {"moduleType": "action"}
        crud = {"actionCrud": _CRUD[action.method]} if action.method != "GET" else {}
        about = {"label": action.label.capitalize(), "description": action.help, **kind, **crud}
        code = {
            "communication": _request(action),
            "mappableParams": _asked(told, action),
            "interface": answer_of(told, told.rows_of(action.output)),
            "samples": dict(action.sample),
        }
        yield module(camel(action.key), {**about, "connection": CONNECTION}, code)


def _asked(told: Told, action: Action) -> list[dict[str, Any]]:
    of_path = [each for each in action.parameters if each["in"] == "path"]
    fields = body_of(told, action) if action.input_fields else []
    told_how = [parameter(each) for each in options_of(action)]
    grouped = [shown(OPTIONS, "collection", "Options", advanced=True, spec=told_how)] if told_how else []
    return [*(parameter(each) for each in of_path), *fields, *grouped]


def _request(action: Action) -> dict[str, Any]:
    path = action.path
    for each in action.parameters:
        path = path.replace(f"{{{each['key']}}}", f"{{{{encodeURL(parameters.{each['key']})}}}}")
    chosen = {each["key"]: f"{{{{parameters.{OPTIONS}.{each['key']}}}}}" for each in options_of(action)}
    asked = {**always(action), **chosen}
    request = {"url": path, "encodeUrl": False, "method": action.method, "qs": asked, "body": _body(action)}
    return {**{name: value for name, value in request.items() if value != {}}, "response": {"output": "{{body}}"}}


def _body(action: Action) -> dict[str, str]:
    if not action.input_fields:
        return {}
    if action.many:
        return {"records": "{{parameters.records}}"}
    of_path = (each["key"] for each in action.parameters if each["in"] == "path")
    others = ", ".join(f"'{name}'" for name in (*of_path, OPTIONS, DATA_FORM))
    return {"{{...}}": f"{{{{omit(parameters, {others})}}}}"}


def universal() -> Component:
    """Any request to the service, with the connection's key; to no other address.

    Of a whole address Make would leave `baseUrl` away, and send the key there: so the connection's stands before it.
    """
    request = {
        "url": "{{connection.base_url}}/{{parameters.url}}",
        "method": "{{parameters.method}}",
        "headers": {"{{...}}": "{{toCollection(parameters.headers, 'key', 'value')}}"},
        "qs": {"{{...}}": "{{toCollection(parameters.qs, 'key', 'value')}}"},
        "body": "{{parameters.body}}",
        "type": "text",
        "response": {"output": {name: f"{{{{{name}}}}}" for name in ("body", "headers", "statusCode")}},
    }
    methods = ("GET", "POST", "PATCH", "PUT", "DELETE")
    pair = [shown("key", "text", "Key"), shown("value", "text", "Value")]
    asked = [
        shown("url", "text", "URL", "Below the connector's address, such as v1/imports.", required=True),
        shown(
            "method", "select", "Method", required=True, default="GET", **options(zip(methods, methods, strict=True))
        ),
        shown("headers", "array", "Headers", "The key is sent by itself.", spec=pair, default=[_JSON]),
        shown("qs", "array", "Query string", spec=pair),
        shown("body", "any", "Body", "JSON as text."),
    ]
    answer = [
        shown("body", "any", "Body"),
        shown("headers", "any", "Headers"),
        shown("statusCode", "integer", "Status"),
    ]
    told = "Sends any request to the service, with the API key of the connection."
    about = {"label": "Make an API call", "description": told, "moduleType": "universal", "connection": CONNECTION}
    sample = {"body": {"status": "ok"}, "headers": {"content-type": "application/json"}, "statusCode": 200}
    return module(
        UNIVERSAL, about, {"communication": request, "mappableParams": asked, "interface": answer, "samples": sample}
    )
