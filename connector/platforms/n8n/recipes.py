"""Workflows to import where the community node is not installed: made of n8n's own nodes alone. Whoever imports one
chooses credentials in it, for none are named."""

from collections.abc import Mapping
from typing import Any

from connector.platforms.n8n.steps import Node, fields, http, node, subscribing, webhook, workflow

_ALL_ITEMS = "={{ JSON.stringify($input.all().map((each) => each.json)) }}"
_THIS_ITEM = "={{ JSON.stringify($json) }}"
_BODY = "={{ JSON.stringify($json.body) }}"
_CHOOSE: Mapping[str, Any] = {"__rl": True, "mode": "list", "value": ""}
_KEY = (
    "In the nodes that ask the connector choose a *Header Auth* credential: name `Authorization`, value `Bearer` and "
    "your API key."
)
_PEOPLE = (
    "=https://YOUR-ORGANISATION.crm.dynamics.com/api/data/v9.2/contacts"
    "?$filter=modifiedon ge {{ $now.minus({ minutes: 90 }).toUTC().toISO() }}"
    "&$expand=parentcustomerid_account($select=name,websiteurl)"
)
_NEXT = "$response.body['@odata.nextLink']"
_ROW = (
    "={{ (({ segments, segments_text, data, ...rest }) => JSON.stringify({ ...rest, segments: segments_text, "
    "...Object.fromEntries(Object.entries(data).map(([key, value]) => ['data.' + key, value])) }))"
    "($json.body.contact) }}"
)
_MAIL = """=The connector rejected a record: {{ $json.body.data.message }}

Code: {{ $json.body.data.code }}
Email: {{ $json.body.contact.email ?? 'none' }}
Source: {{ $json.body.data.source }}
Row: {{ $json.body.data.row ?? 'none' }}
Outcome: {{ $json.body.data.outcome_id }}
"""


def workflows() -> dict[str, Node]:
    """Every workflow by the name of its file."""
    return {
        "notion-to-crisp": _notion(),
        "google-sheets-to-crisp": _sheet_rows(),
        "dynamics-to-crisp": _dynamics(),
        "form-to-crisp": _form(),
        "crisp-to-google-sheets": _to_sheet(),
        "failures-by-mail": _failures(),
    }


def _notion() -> Node:
    parameters = {"event": "pagedUpdatedInDatabase", "dataSourceId": _CHOOSE, "simple": True, **_every_minute()}
    start = node("Notion", "notionTrigger", 1.1, parameters)
    note = "Choose your Notion account and data source: new and changed pages become contacts."
    return workflow("Notion to Crisp", f"{note} {_KEY}", [start, _all_at_once("notion")])


def _sheet_rows() -> Node:
    parameters = {"event": "anyUpdate", "documentId": _CHOOSE, "sheetName": _CHOOSE, "options": {}, **_every_minute()}
    start = node("Google Sheets", "googleSheetsTrigger", 1, parameters)
    note = "Choose your Google account and sheet: new and changed rows become contacts. The first row has the names."
    return workflow("Google Sheets to Crisp", f"{note} {_KEY}", [start, _all_at_once("google_sheets")])


def _dynamics() -> Node:
    hourly = node("Hourly", "scheduleTrigger", 1.2, {"rule": {"interval": [{"field": "hours"}]}})
    pages = {
        "paginationMode": "responseContainsNextURL",
        "nextURL": f"={{{{ {_NEXT} }}}}",
        "paginationCompleteWhen": "other",
        "completeExpression": f"={{{{ !{_NEXT} }}}}",
    }
    asked = {"authentication": "genericCredentialType", "genericAuthType": "oAuth2Api", "url": _PEOPLE}
    dataverse = node("Dataverse", "httpRequest", 4.2, {**asked, "options": {"pagination": {"pagination": pages}}})
    # Each item is a page as Dataverse answers it.
    send = http("Send to Crisp", "POST", "/v1/contacts/batch?source=dynamics", _THIS_ITEM)
    note = "In Dataverse write your organisation into the address and choose an *OAuth2* credential for it."
    return workflow("Dynamics to Crisp", f"{note} {_KEY}", [hourly, dataverse, send])


def _form() -> Node:
    send = http("Send to Crisp", "POST", "/v1/contacts?source=generic", _BODY)
    note = "Let your form post to the Production URL of *Form*, as JSON or as a form; fields may have any usual names."
    return workflow("Form to Crisp", f"{note} {_KEY}", [webhook("Form", "crisp-form", "lastNode"), send])


def _to_sheet() -> Node:
    columns = {"mappingMode": "autoMapInputData", "value": {}, "matchingColumns": ["email"], "schema": []}
    # Raw: what a stranger typed is never taken for a formula.
    where = {"documentId": _CHOOSE, "sheetName": _CHOOSE, "options": {"cellFormat": "RAW"}}
    sheet = node("Sheet", "googleSheets", 4.5, {"operation": "appendOrUpdate", "columns": columns, **where})
    note = "Choose your Google account and a sheet whose first row has `email`; other columns are added."
    return _told("Crisp to Google Sheets", note, "contact_created", [fields("Row", _ROW), sheet])


def _failures() -> Node:
    subject = "=Not in Crisp: {{ $json.body.contact.email ?? $json.body.data.outcome_id }}"
    told = {"subject": subject, "emailFormat": "text", "text": _MAIL}
    # Addresses that belong to nobody until they are filled in.
    between = {"fromEmail": "connector@example.com", "toEmail": "you@example.com"}
    mail = node("Mail", "emailSend", 2.1, {**between, **told, "options": {"appendAttribution": False}})
    return _told("Failures by Mail", "Fill in the addresses of *Mail*.", "record_rejected", [mail])


def _told(title: str, note: str, event: str, steps: list[Node]) -> Node:
    """What Crisp tells; a second line subscribes to it."""
    hook = webhook("Event", f"crisp-{event.replace('_', '-')}")
    once = "Give *Event* a path that nobody can guess, activate the workflow and run *Once by hand* one time."
    return workflow(title, f"{note} {_KEY} {once}", [hook, *steps], subscribing(hook, event))


def _all_at_once(source: str) -> Node:
    return http("Send to Crisp", "POST", f"/v1/contacts/batch?source={source}", _ALL_ITEMS, executeOnce=True)


def _every_minute() -> Node:
    return {"pollTimes": {"item": [{"mode": "everyMinute"}]}}
