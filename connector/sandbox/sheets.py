"""A stand-in for Google: one spreadsheet in memory, behind the routes of Sheets API v4 that read and write cells.

It gives tokens for a service account's assertion or a refresh token, wants them as Bearer, and fails on demand.
"""

import base64
import json
import threading
import time
import zlib
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from flask import Flask, Response, current_app, jsonify, request

from .sheet_grid import Cells, Grid, Unusable, cells_in, insert, put, read

SPREADSHEET = "sandbox-spreadsheet-0000000000000000000001"
SCOPE = "https://www.googleapis.com/auth/spreadsheets"
_EXTENSION = "sheets"
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
}
_ROWS, _COLUMNS = 1_000, 26


@dataclass
class Sheets:
    """`grids`: title → rows; `limits`: title → rows and columns that there are; `failing`: how the next calls are
    answered, `{status, count, route?, after?, name?, message?, reason?, retry_after?}`, not carried out, or `after`
    they were."""

    shared: bool = True
    accepts: bool = True
    lifetime: int = 3_600
    grids: dict[str, Grid] = field(default_factory=lambda: {"Sheet1": []})
    limits: dict[str, list[int]] = field(default_factory=lambda: {"Sheet1": [_ROWS, _COLUMNS]})
    failing: dict[str, Any] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    calls: Counter[str] = field(default_factory=Counter)
    lock: Any = field(default_factory=threading.RLock, repr=False)


class Fault(Exception):
    """An answer in Google's shape: `{error: {code, message, status, details}}`."""

    def __init__(self, status: int, message: str, *, name: str = "", reason: str = "", retry_after: str = "") -> None:
        super().__init__(message)
        self.status, self.retry_after = status, retry_after
        self.error: dict[str, Any] = {"code": status, "message": message, "status": name or _STATUSES.get(status, "")}
        if reason:
            self.error["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]


def create_sheets() -> Flask:
    """The stand-in, with one empty sheet `Sheet1` in the spreadsheet `SPREADSHEET`."""
    app = Flask(__name__, static_folder=None)
    app.extensions[_EXTENSION] = Sheets()
    app.json.sort_keys = False  # type: ignore[attr-defined] # of the default provider
    app.register_error_handler(Fault, _told)
    app.register_error_handler(Unusable, lambda unusable: _told(Fault(400, str(unusable))))
    app.add_url_rule("/token", view_func=_token, methods=["POST"])
    values = "/v4/spreadsheets/<spreadsheet>/values"
    app.add_url_rule(f"{values}:batchGet", view_func=_batch_get, methods=["GET"])
    app.add_url_rule(f"{values}:batchUpdate", view_func=_batch_update, methods=["POST"])
    app.add_url_rule("/v4/spreadsheets/<spreadsheet>", view_func=_get, methods=["GET"])
    app.add_url_rule("/v4/spreadsheets/<spreadsheet>:batchUpdate", view_func=_change, methods=["POST"])
    app.add_url_rule("/_sheets", view_func=_switch, methods=["POST"])
    app.add_url_rule("/_sheets/values", view_func=_values, methods=["GET"])
    app.add_url_rule("/_sheets/stats", view_func=_stats, methods=["GET"])
    return app


def _here() -> Sheets:
    found: Sheets = current_app.extensions[_EXTENSION]
    return found


def _told(fault: Fault) -> Response:
    response = jsonify({"error": fault.error})
    response.status_code = fault.status
    if fault.retry_after:
        response.headers["Retry-After"] = fault.retry_after
    return response


def _switch() -> Response:
    """Changes what is named: `shared`, `accepts`, `lifetime`, `failing`, `limits`, `grids`; `reset` makes all new."""
    here, wanted = _here(), request.get_json()
    with here.lock:
        if wanted.pop("reset", False):
            here.__dict__.update({**Sheets().__dict__, "lock": here.lock})
        for name, value in wanted.items():
            setattr(here, name, value)
        here.limits = {title: here.limits.get(title, [_ROWS, _COLUMNS]) for title in here.grids}
        return jsonify({"switched": sorted(wanted)})


def _values() -> Response:
    """The rows of each sheet, as they are read."""
    here = _here()
    with here.lock:
        return jsonify({title: read(grid, Cells(title, 0, 0, None, None)) for title, grid in here.grids.items()})


def _stats() -> Response:
    return jsonify(dict(_here().calls))


def _token() -> Response | tuple[Response, int]:
    """RFC 7523 and RFC 6749, 6."""
    here = _here()
    form = {key: values[0] for key, values in parse_qs(request.get_data(as_text=True)).items()}
    with here.lock:
        here.calls["token"] += 1
        fault = _failing(here, "token")
        if fault is not None:
            raise _fault(fault)
        if not here.accepts or not (_is_assertion(form) or _is_refresh(form)):
            return jsonify({"error": "invalid_grant", "error_description": "Invalid grant."}), 400
        token = f"sandbox-token-{here.calls['token']}"
        here.tokens.add(token)
        return jsonify({"access_token": token, "expires_in": here.lifetime, "token_type": "Bearer"})


def _is_assertion(form: dict[str, str]) -> bool:
    """Whether it is a fresh JWT for this API; its signature is not looked at, for every key is good here."""
    if form.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
        return False
    parts = form.get("assertion", "").split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=="))
    except (IndexError, ValueError):
        return False
    fresh = claims.get("iat", 0) - 60 <= time.time() < claims.get("exp", 0)
    return len(parts) == 3 and fresh and SCOPE in str(claims.get("scope")).split() and bool(claims.get("iss"))


def _is_refresh(form: dict[str, str]) -> bool:
    wanted = ("client_id", "client_secret", "refresh_token")
    return form.get("grant_type") == "refresh_token" and all(form.get(name) for name in wanted)


def _failing(here: Sheets, route: str) -> dict[str, Any] | None:
    """What this call is to be answered instead, if it is one of those that fail."""
    fault = here.failing
    if not fault.get("count", 0) or fault.get("route", route) != route:
        return None
    fault["count"] -= 1
    return fault


def _admit(here: Sheets, spreadsheet: str, route: str) -> dict[str, Any] | None:
    """Counts the call and judges it; a fault that comes `after` it was carried out is handed back."""
    here.calls[route] += 1
    fault = _failing(here, route)
    if fault is not None and not fault.get("after"):
        raise _fault(fault)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or token not in here.tokens:
        raise Fault(401, "Request had invalid authentication credentials.")
    if spreadsheet != SPREADSHEET:
        raise Fault(404, "Requested entity was not found.")
    if not here.shared:
        raise Fault(403, "The caller does not have permission")
    return fault


def _fault(fault: dict[str, Any]) -> Fault:
    more = {name: str(fault[name]) for name in ("name", "reason", "retry_after") if name in fault}
    return Fault(int(fault["status"]), str(fault.get("message", "As it was asked for.")), **more)


def _done(fault: dict[str, Any] | None, answer: dict[str, Any]) -> Response:
    """The answer, unless it is to get lost now that everything is done."""
    if fault is not None:
        raise _fault(fault)
    return jsonify({"spreadsheetId": SPREADSHEET, **answer})


def _batch_get(spreadsheet: str) -> Response:
    here = _here()
    with here.lock:
        fault = _admit(here, spreadsheet, "batchGet")
        found = []
        for written in request.args.getlist("ranges"):
            cells = cells_in(here.limits, written)
            values = read(here.grids[cells.title], cells)
            found.append({"range": written, "majorDimension": "ROWS", **({"values": values} if values else {})})
        return _done(fault, {"valueRanges": found})


def _batch_update(spreadsheet: str) -> Response:
    here, body = _here(), request.get_json()
    with here.lock:
        fault = _admit(here, spreadsheet, "batchUpdate")
        wanted = [(cells_in(here.limits, each["range"]), each["values"]) for each in body["data"]]
        for cells, rows in wanted:
            put(here.grids[cells.title], cells.top, cells.left, rows, str(body["valueInputOption"]))
        return _done(fault, {"totalUpdatedRows": sum(len(rows) for _, rows in wanted)})


def _get(spreadsheet: str) -> Response:
    here = _here()
    with here.lock:
        fault = _admit(here, spreadsheet, "get")
        sheets = [
            {"sheetId": _id(title), "title": title, "gridProperties": {"rowCount": here.limits[title][0]}}
            for title in here.grids
        ]
        return _done(fault, {"sheets": [{"properties": each} for each in sheets]})


def _change(spreadsheet: str) -> Response:
    """Requests of which all are carried out or none: new rows, and cells that are filled."""
    here, wanted = _here(), request.get_json()["requests"]
    with here.lock:
        fault = _admit(here, spreadsheet, "insert")
        grids, limits = deepcopy((here.grids, here.limits))
        for name, asked in (next(iter(each.items())) for each in wanted):
            _CHANGES[name](grids, limits, asked)
        here.grids, here.limits = grids, limits
        return _done(fault, {"replies": [{} for _ in wanted]})


def _insert_dimension(grids: dict[str, Grid], limits: dict[str, list[int]], asked: dict[str, Any]) -> None:
    there = asked["range"]
    title = _titled(grids, there["sheetId"])
    inherits = bool(asked.get("inheritFromBefore"))
    insert(grids[title], limits[title], there["startIndex"], there["endIndex"], inherits=inherits)


def _update_cells(grids: dict[str, Grid], _: dict[str, list[int]], asked: dict[str, Any]) -> None:
    start = asked["start"]
    if asked["fields"] != "userEnteredValue":
        raise Unusable("At least one field must be listed in 'fields'.")
    rows = [[_entered(cell) for cell in row["values"]] for row in asked["rows"]]
    put(grids[_titled(grids, start["sheetId"])], start["rowIndex"], start["columnIndex"], rows, "RAW")


_CHANGES = {"insertDimension": _insert_dimension, "updateCells": _update_cells}


def _entered(cell: dict[str, Any]) -> Any:
    """A cell without a value is emptied."""
    return next(iter(cell.get("userEnteredValue", {"": ""}).values()))


def _titled(grids: dict[str, Grid], sheet_id: int) -> str:
    found = next((title for title in grids if _id(title) == sheet_id), None)
    if found is None:
        raise Unusable(f"No grid with id: {sheet_id}")
    return found


def _id(title: str) -> int:
    return zlib.crc32(title.encode())
