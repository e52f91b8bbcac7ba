"""Google's Sheets API v4: a spreadsheet's sheets, and ranges of values; by an API key."""

import re
from collections.abc import Sequence
from typing import Any

from werkzeug import Request, Response

from tests.vendors.standing import Person, answered

KEY, CREDENTIAL = "google_sheets", "AIzaSySample"
SPREADSHEET = "1aBcD3fGhIjKlMnOpQrStUvWxYz0123456789AbCdEfG"
PULL = {"spreadsheet": SPREADSHEET, "sheet": "ann's q2 leads"}
_TITLE = "Ann's Q2 leads"
_RANGE = re.compile(r"'((?:[^']|'')*)'!(\d+):(\d+)")


def answer(request: Request, people: Sequence[Person]) -> Response:
    if request.headers.get("X-Goog-Api-Key") != CREDENTIAL:
        told = {"code": 400, "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}
        return answered({"error": told}, 400)
    rows = [["Our customers"], ["E-mail", "Name"], *([each.email, each.first_name] for each in people), []]
    if request.path == f"/v4/spreadsheets/{SPREADSHEET}":
        hidden = {"properties": {"title": "Old", "hidden": True, "gridProperties": {"rowCount": 1000}}}
        return answered(
            {"sheets": [hidden, {"properties": {"title": _TITLE, "gridProperties": {"rowCount": len(rows)}}}]}
        )
    assert request.path == f"/v4/spreadsheets/{SPREADSHEET}/values:batchGet"
    return _ranges(request.args.getlist("ranges"), rows)


def _ranges(ranges: Sequence[str], rows: Sequence[list[Any]]) -> Response:
    """Empty cells at an end are left away, and empty rows."""
    found = []
    for asked in ranges:
        title, first, last = _RANGE.fullmatch(asked).groups()  # type: ignore[union-attr]
        if title.replace("''", "'") != _TITLE or int(last) > len(rows):
            return answered({"error": {"code": 400, "message": f"Range ({asked}) exceeds grid limits."}}, 400)
        values = rows[int(first) - 1 : int(last)]
        while values and not values[-1]:
            values = values[:-1]
        found.append({"range": asked, "majorDimension": "ROWS", **({"values": values} if values else {})})
    return answered({"spreadsheetId": SPREADSHEET, "valueRanges": found})
