"""What is pasted into other tools, with the address and a key filled in. Pure: texts of texts.

The shapes are those of docs/sending.md and of the packages: a request with the key in a header, and the record as it is
in the body.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from connector.platforms.n8n.steps import node

# Where no key is known: the secret of a key is shown once, when it is made.
UNKNOWN = "YOUR_KEY"
_CHATBOX = """window.$crisp = window.$crisp || [];
$crisp.push(["set", "user:email", ["ada@example.com"]]);
$crisp.push(["set", "session:data", [[["plan", "pro"]]]]);"""
_RECORD = {"email": "ada@example.com", "first_name": "Ada", "segments": ["vip"], "data": {"plan": "pro"}}


@dataclass(frozen=True, slots=True)
class Box:
    """Something to paste: for which tool, and the text. How it is used is in the templates (`tools.html`)."""

    key: str
    label: str
    text: str


def boxes(base: str, key: str) -> Iterator[Box]:
    """One for each tool."""
    url = f"{base}/v1/contacts"
    yield Box("curl", "cURL", curl(base, key))
    yield Box("n8n", "n8n", _n8n(url, key))
    yield Box("make", "Make", _fields(url, key, "{{2.json}}"))
    yield Box("zapier", "Zapier", _fields(url, key, json.dumps(_RECORD)))
    yield Box("power_automate", "Power Automate", _fields(url, key, "@{triggerBody()}"))
    yield Box("apps_script", "Google Apps Script", _apps_script(url, key))
    yield Box("crisp", "$crisp", _CHATBOX)


def curl(
    base: str, key: str, body: str | None = None, path: str = "/v1/contacts", kind: str = "application/json"
) -> str:
    """A request that works when it is pasted into a shell, whatever is in the body."""
    sent = body if body is not None else json.dumps(_RECORD)
    return (
        f"curl -X POST {_quoted(base + path)} \\\n"
        f"  -H {_quoted(f'Authorization: Bearer {key}')} \\\n"
        f"  -H 'Content-Type: {kind}' \\\n"
        f"  --data-binary {_quoted(sent)}"
    )


def _quoted(text: str) -> str:
    """As a shell reads it in one word."""
    return "'" + text.replace("'", "'\\''") + "'"


def _n8n(url: str, key: str) -> str:
    header = {"parameters": [{"name": "Authorization", "value": f"Bearer {key}"}]}
    sent = {"sendHeaders": True, "headerParameters": header, "sendBody": True, "specifyBody": "json"}
    request = {"method": "POST", "url": url, **sent, "jsonBody": "={{ $json }}", "options": {}}
    nodes = [node("Send to Crisp", "httpRequest", 4.2, request, position=[0, 0])]
    return json.dumps({"nodes": nodes, "connections": {}}, indent=2)


def _fields(url: str, key: str, body: str) -> str:
    headers = f"Authorization: Bearer {key}\n          Content-Type: application/json"
    return f"Method:   POST\nURL:      {url}\nHeaders:  {headers}\nBody:     {body}"


def _apps_script(url: str, key: str) -> str:
    return f"""function sendThisRow() {{
  const sheet = SpreadsheetApp.getActiveSheet();
  const width = sheet.getLastColumn();
  const names = sheet.getRange(1, 1, 1, width).getValues()[0];
  const cells = sheet.getRange(sheet.getActiveCell().getRow(), 1, 1, width).getValues()[0];
  const record = Object.fromEntries(names.map((name, at) => [name, cells[at]]));
  const answer = UrlFetchApp.fetch({json.dumps(url)}, {{
    method: "post",
    contentType: "application/json",
    headers: {{ Authorization: {json.dumps(f"Bearer {key}")} }},
    payload: JSON.stringify(record),
    muteHttpExceptions: true,
  }});
  SpreadsheetApp.getActive().toast(answer.getContentText());
}}"""
