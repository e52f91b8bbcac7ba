"""Scenarios to import, which need no app: a webhook or a sheet, and the HTTP module.

What is mapped goes out as a form or comes from a module that writes JSON, for a quotation mark in a value that is put
into a JSON text breaks it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from connector.platforms.base import Told

Module = dict[str, Any]
_SCENARIO = {
    "roundtrips": 1,
    "maxErrors": 3,
    "autoCommit": True,
    "autoCommitTriggerLast": True,
    "sequential": False,
    "confidential": False,
    "dataloss": False,
    "dlq": True,
    "freshVariables": False,
}
_ANSWERED = {
    "parseResponse": True,
    "stopOnHttpError": True,
    "allowRedirects": False,
    "shareCookies": False,
    "requestCompressedContent": True,
}
# What a sheet of contacts has, from its first column on; what a form sends.
_COLUMNS = ("email", "full_name", "phone", "company_name", "job_title", "city", "country")
_ANSWERS = ("email", "full_name", "phone", "description")
# Of a webhook of Dataverse: what says which row it is, and what holds its values.
_CONTEXT = ("MessageName", "PrimaryEntityName", "PrimaryEntityId", "OperationCreatedOn")
_VALUES = ("InputParameters", "PostEntityImages")


def blueprints(told: Told) -> dict[str, Module]:
    """Name → scenario."""
    return {
        "notion_to_crisp": _notion(told),
        "google_sheets_to_crisp": _sheet(told),
        "dynamics_to_crisp": _dynamics(told),
        "form_to_crisp": _form(told),
        "crisp_to_google_sheets": _to_sheet("Crisp: every new contact into a sheet", "contact_created", _of_contact()),
        "failures_report": _to_sheet("Crisp: records that failed into a sheet", "record_rejected", _of_failure()),
        "subscribe": _subscribe(told),
    }


def _scenario(name: str, *modules: Module, instant: bool = True) -> Module:
    flow = [
        {"id": place, **module, "metadata": {"designer": {"x": 300 * (place - 1), "y": 0, "name": module["metadata"]}}}
        for place, module in enumerate(modules, 1)
    ]
    about = {"instant": instant, "version": 1, "scenario": _SCENARIO, "designer": {"orphans": []}}
    return {"name": name, "flow": flow, "metadata": about}


def _module(module: str, version: int, parameters: Module, mapper: Module, name: str) -> Module:
    return {"module": module, "version": version, "parameters": parameters, "mapper": mapper, "metadata": name}


def _hook(name: str) -> Module:
    return _module("gateway:CustomWebHook", 1, {"hook": None, "maxResults": 1}, {}, name)


def _as_json(value: str) -> Module:
    return _module("json:TransformToJSON", 1, {"space": ""}, {"object": value}, "As JSON")


def _request(told: Told, path: str, name: str, body: Module, **asked: str) -> Module:
    proof = told.manifest.authentication.header
    mapper = {
        "url": f"{told.address}{path}",
        "method": "post",
        "headers": [{"name": proof["name"], "value": f"{proof['prefix']}YOUR_KEY"}],
        "queryParameters": _pairs(asked.items()),
        **body,
        **_ANSWERED,
    }
    return _module("http:MakeRequest", 4, {"authenticationType": "noAuth", "tlsType": ""}, mapper, name)


def _pairs(named: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in named]


def _contact(told: Told, body: Module, **asked: str) -> Module:
    return _request(told, told.manifest.actions["upsert_contact"].path, "Create or update the contact", body, **asked)


def _json(text: str) -> Module:
    return {"contentType": "json", "inputMethod": "jsonString", "jsonStringBodyContent": text}


def _fields(named: Mapping[str, str]) -> Module:
    return {"contentType": "urlEncoded", "urlEncodedBodyContent": _pairs(named.items())}


def _notion(told: Told) -> Module:
    """A database automation of Notion sends the whole page."""
    body = _json("{{2.json}}")
    steps = (
        _hook("An automation of Notion sends a page"),
        _as_json("{{1.data}}"),
        _contact(told, body, source="notion"),
    )
    return _scenario("Notion page to Crisp", *steps)


def _sheet(told: Told) -> Module:
    """Columns A to G, in the order of `_COLUMNS`."""
    read = {"valueRenderOption": "FORMATTED_VALUE", "dateTimeRenderOption": "FORMATTED_STRING"}
    sheet = {"mode": "select", "from": "drive", "spreadsheetId": "", "sheetId": "", "includesHeaders": True}
    parameters = {"__IMTCONN__": None, **sheet, "tableFirstRow": "A1:Z1", "limit": 10, **read}
    rows = _module("google-sheets:watchRows", 2, parameters, {}, "New rows of a sheet")
    mapped = {name: f"{{{{1.`{place}`}}}}" for place, name in enumerate(_COLUMNS)}
    return _scenario("Google Sheet row to Crisp", rows, _contact(told, _fields(mapped)), instant=False)


def _dynamics(told: Told) -> Module:
    """A webhook of Dataverse: what identifies the row is plain, what holds its values is written as JSON first."""
    plain = ", ".join(f'"{name}": "{{{{1.{name}}}}}"' for name in _CONTEXT)
    lists = ", ".join(f'"{name}": {{{{{place}.json}}}}' for place, name in enumerate(_VALUES, 2))
    values = (_as_json(f"{{{{1.{name}}}}}") for name in _VALUES)
    body = _json(f"{{{plain}, {lists}}}")
    steps = (_hook("A webhook of Dataverse"), *values, _contact(told, body, source="dynamics"))
    return _scenario("Dynamics 365 row to Crisp", *steps)


def _form(told: Told) -> Module:
    mapped = {name: f"{{{{1.{name}}}}}" for name in _ANSWERS}
    return _scenario("Form to Crisp", _hook("A form is sent"), _contact(told, _fields(mapped)))


def _of_contact() -> list[str]:
    return ["{{1.occurred_at}}", *(f"{{{{1.contact.{name}}}}}" for name in (*_COLUMNS, "segments_text"))]


def _of_failure() -> list[str]:
    return ["{{1.occurred_at}}", "{{1.contact.email}}", *(f"{{{{1.data.{name}}}}}" for name in _FAILURE)]


_FAILURE = ("code", "message", "source", "row", "outcome_id")


def _to_sheet(name: str, event: str, values: list[str]) -> Module:
    """Values are written as they are: what begins like a formula is none."""
    sheet = {"mode": "select", "from": "drive", "spreadsheetId": "", "sheetId": "", "includesHeaders": True}
    how = {"insertUnformatted": False, "valueInputOption": "RAW", "insertDataOption": "INSERT_ROWS"}
    mapper = {**sheet, **how, "values": {str(place): value for place, value in enumerate(values)}}
    row = _module("google-sheets:addRow", 2, {"__IMTCONN__": None}, mapper, "Add a row")
    return _scenario(name, _hook(f"Subscribed to {event}"), row)


def _subscribe(told: Told) -> Module:
    """Run once: from then on the webhook of another scenario is told."""
    body = _json('{"event": "contact_created", "target_url": "ADDRESS OF THE WEBHOOK"}')
    return _scenario(
        "Crisp: subscribe a webhook (run once)", _request(told, "/v1/subscriptions", "Subscribe", body), instant=False
    )
