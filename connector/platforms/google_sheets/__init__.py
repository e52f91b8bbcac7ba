"""Google Sheets: an Apps Script, whose menu sends rows and writes what became of each into a column."""

import json
import re
from functools import cache
from importlib.resources import files

from connector.platforms.base import EXAMPLE, Counts, Files, Told, written

KEY, LABEL = "google_sheets", "Google Sheets"
# The script's parts, in the order in which they are one text: one file is all that somebody has to paste.
_PARTS = ("menu.gs", "itself.gs", "sending.gs", "rows.gs")
# Of every address that sheets have, what comes before its id.
_ADDRESS = f"'{EXAMPLE}/in/google_sheets/'"
# All that the script asks for: this one spreadsheet, requests to the connector, and triggers. With a manifest that says
# so Google asks for no more (Apps Script guides, authorization scopes).
_SCOPES = ("spreadsheets.currentonly", "script.external_request", "script.scriptapp")


def build(told: Told) -> Files:
    """`Code.gs` and `appsscript.json`, as clasp pushes them too, and what is done with them."""
    return {
        "Code.gs": script(f"{told.address}/in/google_sheets/").encode(),
        "appsscript.json": written(_manifest()),
        "README.md": told.said(f"{_static('README.md')}\n{_columns(told)}").encode(),
    }


def count(package: Files) -> Counts:
    """Rows are sent; nothing is waited for. Each field is a column that is told of."""
    asked = package["Code.gs"].count(b"UrlFetchApp.fetch(")
    return Counts(asked, 0, len(re.findall(r"^\| [^|]+ \| `", package["README.md"].decode(), re.MULTILINE)))


def script(address: str) -> str:
    """The script with the address of a sheet in it, or what comes before its id: then it asks for all of it. It never
    has a secret in it."""
    text = "\n".join(_static(part) for part in _PARTS)
    return text.replace(_ADDRESS, json.dumps(address), 1)


def _columns(told: Told) -> str:
    """The names that columns may have, as a table. Of custom data each key is a column."""
    every = told.manifest.fields.values()
    keys = {field.key: f"{field.key}.…" if field.type == "data" else field.key for field in every}
    rows = [f"| {field.label} | `{keys[field.key]}` | {field.help} |" for field in every]
    return "\n".join(["| column | or | what it holds |", "|---|---|---|", *rows, ""])


def _manifest() -> dict[str, object]:
    """The manifest of the Apps Script project. Its time zone is never used: each spreadsheet has its own."""
    return {
        "timeZone": "Etc/UTC",
        "exceptionLogging": "STACKDRIVER",
        "runtimeVersion": "V8",
        "oauthScopes": [f"https://www.googleapis.com/auth/{scope}" for scope in _SCOPES],
    }


@cache
def _static(name: str) -> str:
    return files(__name__).joinpath("static", name).read_text(encoding="utf-8")
