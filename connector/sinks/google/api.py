"""The routes of Google's Sheets API (v4) that read and write cells, and what its refusals mean for a sink."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from google.auth.credentials import Credentials

from connector.hooks.egress import Egress, Failed
from connector.hooks.egress import Refused as Judged
from connector.saying import say
from connector.sinks.base import Broken, Later, Refused
from connector.sinks.google.credential import GOOGLES_TOKEN_URIS, bearer, remedy
from connector.sinks.sheet_table import NO_SHEET, Cell, Row
from connector.version import __version__

_ADDRESS = "https://sheets.googleapis.com"
# Seconds: to connect, and between two pieces of an answer; for a whole token exchange elsewhere.
_TIMEOUT, _EXCHANGE = (5, 30), 20.0
# Bytes of an answer: of a key column of some million rows, and of a token.
_LARGEST, _LARGEST_TOKEN = 64_000_000, 100_000
_PIECE = 65_536
# Seconds to wait when Google does not say: its quotas are filled up again each minute (Sheets API, "Usage limits").
_PAUSE, _FAULT, _LONGEST_PAUSE = 60.0, 30.0, 3_600.0
_NOT_A_SHEET = say(
    "The document is no Google Sheet but a file in another format. Open it, choose File, Save as Google Sheets, and "
    "change the sink's spreadsheet to that."
)
# By the reason that an answer gives (google.rpc.ErrorInfo), or the name of its status, before what the status says.
_REASONS: Mapping[str, str] = {
    "SERVICE_DISABLED": say(
        "The Google Sheets API is not enabled in the credential's project. Enable it in Google's "
        "console (APIs & Services, Library)."
    ),
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": say(
        "The refresh token was not granted for Google Sheets. Make one with the scope "
        "https://www.googleapis.com/auth/spreadsheets and change the sink's credential."
    ),
    "FAILED_PRECONDITION": _NOT_A_SHEET,
}
# By what its message says, where status and reason are the same for cells and for the place that they go to.
_PLACES: Mapping[str, str] = {
    "unable to parse range": NO_SHEET,
    "protected cell": say(
        "Cells that are to be written are protected. Let the credential's account edit them, in Google's "
        "menu Data, Protect sheets and ranges."
    ),
    "above the limit of": say(
        "The spreadsheet is full. Delete what is empty in it, or start a new one and change the sink's spreadsheet."
    ),
}


@dataclass(frozen=True, slots=True)
class Tab:
    """A sheet of a spreadsheet; `rows`: how many it had when it was looked for."""

    title: str
    id: int
    rows: int


class SheetsApi:
    """One spreadsheet, by one credential.

    Google's addresses are constants or the operator's, so they are asked directly, over connections that are kept;
    a `token_uri` that the user named is another matter, and goes out by the guarded way alone.
    """

    def __init__(self, spreadsheet: str, credentials: Credentials, egress: Egress, address: str = "") -> None:
        self._spreadsheet, self._credentials, self._egress = spreadsheet, credentials, egress
        self._own, self._address = not address, (address or _ADDRESS).rstrip("/")
        self._http = requests.Session()
        self._http.trust_env = False  # neither a proxy nor a .netrc of the environment
        self._http.headers["User-Agent"] = f"crisp-connector/{__version__}"

    def read(self, ranges: Sequence[str]) -> list[list[list[Any]]]:
        """The rows of each range; empty cells at an end are left away. Raises `Refused` for what is not there."""
        told = self._call(
            "GET",
            "/values:batchGet",
            params={"ranges": list(ranges), "majorDimension": "ROWS", "valueRenderOption": "UNFORMATTED_VALUE"},
        )
        found = [each.get("values", []) for each in told.get("valueRanges", [])]
        return [*found, *([] for _ in ranges[len(found) :])]

    def tab(self, title: str | None) -> Tab:
        """The sheet of this title, else the first that is not hidden. Raises `Broken` when there is none."""
        told = self._call(
            "GET", "", params={"fields": "sheets.properties(sheetId,title,hidden,gridProperties.rowCount)"}
        )
        for each in (sheet.get("properties", {}) for sheet in told.get("sheets", [])):
            found = str(each.get("title", ""))
            if not each.get("hidden") if title is None else found.casefold() == title.casefold():
                return Tab(found, each.get("sheetId", 0), each.get("gridProperties", {}).get("rowCount", 0))
        raise Broken(NO_SHEET)

    def insert(self, tab: Tab, row: int, rows: Sequence[Row]) -> None:
        """Puts new rows in at this one (from 1), from column A on, all of them or none. What stands there moves down
        and is never written over; formats are those of the row above, if that is not the header."""
        there = {"sheetId": tab.id, "dimension": "ROWS", "startIndex": row - 1, "endIndex": row - 1 + len(rows)}
        start = {"sheetId": tab.id, "rowIndex": row - 1, "columnIndex": 0}
        cells = [{"values": [_cell(each) for each in row]} for row in rows]
        new = {"insertDimension": {"range": there, "inheritFromBefore": row > 2 or tab.rows < row}}
        filled = {"updateCells": {"start": start, "rows": cells, "fields": "userEnteredValue"}}
        self._call("POST", ":batchUpdate", body={"requests": [new, filled]})

    def update(self, changes: Mapping[str, Row]) -> None:
        """Writes each range's row; None leaves a cell as it is."""
        data = [{"range": cells, "majorDimension": "ROWS", "values": [row]} for cells, row in changes.items()]
        self._call("POST", "/values:batchUpdate", body={"valueInputOption": "RAW", "data": data})

    def _call(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, body: Any = None
    ) -> dict[str, Any]:
        """One call; with a new token when Google does not take the old one any more."""
        url = f"{self._address}/v4/spreadsheets/{self._spreadsheet}{path}"
        status, answer, pause = self._asked(method, url, params, body)
        if status == 401:
            self._credentials.token = None
            status, answer, pause = self._asked(method, url, params, body)
        if status == 200:
            return _object(answer)
        raise self._problem(status, answer, pause)

    def _asked(
        self, method: str, url: str, params: Mapping[str, Any] | None, body: Any
    ) -> tuple[int, bytes, float | None]:
        token = bearer(self._credentials, self._exchange)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json; charset=utf-8"}
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        return self._sent(method, url, params=params, data=data, headers=headers)

    def _sent(self, method: str, url: str, **asked: Any) -> tuple[int, bytes, float | None]:
        """Status, body and the seconds of `Retry-After`. Raises `Later` when no answer comes."""
        try:
            with self._http.request(
                method, url, timeout=_TIMEOUT, allow_redirects=False, stream=True, **asked
            ) as answered:
                return answered.status_code, _body(answered), _seconds(answered.headers.get("Retry-After"))
        except requests.RequestException:  # its text quotes the address
            raise Later(_FAULT, say("Google cannot be reached just now.")) from None

    def _exchange(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Asks for a token: Google's own address directly (or the operator's instead), any other by the guarded way."""
        if url in GOOGLES_TOKEN_URIS:
            there = url if self._own else f"{self._address}/token"
            status, answer, pause = self._sent("POST", there, data=body, headers=headers)
        else:
            status, answer, pause = self._guarded(url, body, headers)
        if status in (408, 429) or status >= 500:
            raise Later(pause or _FAULT, say("The address that gives tokens is busy."))
        return status, answer

    def _guarded(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes, float | None]:
        try:
            answered = self._egress.post(url, body, headers, seconds=_EXCHANGE, most=_LARGEST_TOKEN)
        except Judged as refused:
            raise Broken(
                say("The credential's token_uri must not be contacted: {reason}.", reason=refused.reason)
            ) from None
        except Failed as failed:
            raise Later(
                _FAULT, say("The credential's token_uri cannot be used just now: {reason}.", reason=failed.reason)
            ) from None
        return answered.status, answered.body, _seconds(answered.retry_after)

    def _problem(self, status: int, answer: bytes, pause: float | None) -> Exception:
        """What an answer other than 200 means for the sink."""
        if status == 429:
            return Later(pause or _PAUSE, say("Google's quota of writes a minute is used up."))
        if status in (400, 403) and (reason := _place(answer)) is not None:
            return Broken(reason)
        remedies = {
            401: say("Google does not take this credential. Change the sink's credential."),
            403: say("The credential may not edit this sheet. {remedy}", remedy=remedy(self._credentials)),
            404: say("There is no spreadsheet of this ID. Check it, or change the sink's spreadsheet."),
        }
        if status in remedies:
            return Broken(remedies[status])
        if status in (400, 413):
            return Refused(
                say(
                    "Google does not take these cells ({status}). If it takes no others, see to the sheet.",
                    status=status,
                )
            )
        return Later(pause or _FAULT, say("Google answers {status} just now.", status=status))


def _cell(value: Cell | None) -> dict[str, Any]:
    """CellData: text stays text, whatever it looks like."""
    if value is None or value == "":
        return {}
    kind = "boolValue" if isinstance(value, bool) else "stringValue" if isinstance(value, str) else "numberValue"
    return {"userEnteredValue": {kind: value}}


def _body(answered: requests.Response) -> bytes:
    pieces: list[bytes] = []
    room = _LARGEST
    for piece in answered.iter_content(_PIECE):
        pieces.append(piece)
        room -= len(piece)
        if room < 0:
            raise Broken(
                say("The sheet is too large to be written to. Start a new one, and change the sink's spreadsheet.")
            )
    return b"".join(pieces)


def _object(answer: bytes) -> dict[str, Any]:
    try:
        told = json.loads(answer)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise Later(_FAULT, say("What Google answers just now cannot be read."))
    return told


def _place(answer: bytes) -> str | None:
    """What is wrong with the place, by a Google error: `{error: {status, message, details: [{reason}]}}`."""
    try:
        error = json.loads(answer)["error"]
        reasons = [*(str(each.get("reason")) for each in error.get("details", ())), str(error.get("status"))]
        message = str(error.get("message")).lower()
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    told = (told for part, told in _PLACES.items() if part in message)
    return next((_REASONS[each] for each in reasons if each in _REASONS), None) or next(told, None)


def _seconds(retry_after: str | None) -> float | None:
    """The seconds of a `Retry-After` header, a number or a date (RFC 9110, 10.2.3); None for what is neither."""
    if retry_after is None:
        return None
    try:
        seconds = float(retry_after) if retry_after.strip().isdigit() else _until(retry_after)
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 1.0), _LONGEST_PAUSE)


def _until(date: str) -> float:
    return (parsedate_to_datetime(date).astimezone(UTC) - datetime.now(UTC)).total_seconds()
