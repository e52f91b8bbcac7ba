"""Google Sheets: the rows of a sheet, by an API key or a service account (Google Sheets API v4: `spreadsheets.get`,
`values.batchGet`, "A1 notation", "Usage limits"; Google Identity, "OAuth 2.0 for server to server applications")."""

import re
from typing import Any
from urllib.parse import quote, urlencode

from connector.saying import say
from connector.sources.google_sheets import header_in
from connector.vendors.base import Access, Account, Asking, Page, Request, Trouble, access_in, inside, listed, post_form

KEY = "google_sheets"
# Sixty a minute are allowed to one user ("Usage limits"), and each page takes one.
GAP, PAUSE = 1_000, 60
CREDENTIALS = (("client_email", "private_key"), ("key",))
OPTIONS = (("spreadsheet", "sheet"),)

_BASE, _TOKENS = "https://sheets.googleapis.com/v4/spreadsheets", "https://oauth2.googleapis.com/token"
_SCOPE = "https://www.googleapis.com/auth/spreadsheets.readonly"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIFE = 3_600
PER_PAGE = 500
_SPREADSHEET = re.compile(r"(?:https://docs\.google\.com/spreadsheets/d/)?([A-Za-z0-9_-]{20,100})(?:[/?#].*)?")


def _spreadsheet(written: str) -> str:
    found = _SPREADSHEET.fullmatch(written)
    if not found:
        raise ValueError(say("It must be the spreadsheet's address, or the ID in it, after /d/."))
    return found[1]


CHECKS = {"spreadsheet": _spreadsheet}


def login(said: dict[str, str], now: int) -> Asking[Access] | None:
    """A token of a service account; an API key is good by itself. Raises `Trouble` for a key that is none."""
    return None if "key" in said else _logged_in(said, now)


def _logged_in(said: dict[str, str], now: int) -> Asking[Access]:
    claims = {"iss": said["client_email"], "scope": _SCOPE, "aud": _TOKENS, "iat": now // 1000}
    assertion = _signed(said["private_key"], {**claims, "exp": now // 1000 + _LIFE})
    reply = yield post_form(_TOKENS, {"grant_type": _GRANT, "assertion": assertion})
    return access_in(reply.value)


def _signed(private_key: str, claims: dict[str, Any]) -> str:
    """A JSON Web Token, RS256."""
    from google.auth import crypt, jwt  # only few pull from Google, and it takes a while to load

    try:
        signer = crypt.RSASigner.from_string(private_key)  # type: ignore[no-untyped-call]
        return str(jwt.encode(signer, claims), "ascii")  # type: ignore[no-untyped-call]
    except (ValueError, TypeError):
        raise Trouble("source_credential_refused") from None


def page(account: Account, _since: int | None, cursor: Any) -> Asking[Page]:
    """Five hundred rows under the header. A cell is its value: text in the sheet's language would be read again."""
    if cursor is None:
        return (yield from _first(account))
    title, count, head, row = cursor
    end = min(row + account.size(PER_PAGE) - 1, count)
    header, block = yield from _ranges(account, [_at(title, head, head), _at(title, row, end)])
    told = {"range": f"{_quoted(title)}!A{row - 1}:ZZZ{end}", "majorDimension": "ROWS", "values": [*header[:1], *block]}
    return Page([told], [title, count, head, end + 1] if end < count else None)


def _first(account: Account) -> Asking[Page]:
    """The header is somewhere at the top, and where is for the source to say."""
    title, count = yield from _tab(account)
    end = min(account.size(PER_PAGE), count)
    [rows] = yield from _ranges(account, [_at(title, 1, end)])
    told = {"range": f"{_quoted(title)}!A1:ZZZ{end}", "majorDimension": "ROWS", "values": rows}
    head = header_in(rows)
    return Page([told], [title, count, head + 1, end + 1] if head is not None and end < count else None)


def _tab(account: Account) -> Asking[tuple[str, int]]:
    """Title and rows of the sheet that is named, else of the first that is not hidden: rows beyond are an error."""
    fields = "sheets.properties(title,hidden,gridProperties.rowCount)"
    reply = yield _get(account, "", {"fields": fields})
    wanted = account.pull.get("sheet")
    for each in (inside(sheet, "properties") for sheet in listed(reply.value, "sheets")):
        title, count = inside(each, "title"), inside(each, "gridProperties", "rowCount")
        fits = not inside(each, "hidden") if wanted is None else str(title).casefold() == str(wanted).casefold()
        if fits and isinstance(title, str) and isinstance(count, int):
            return title, count
    raise Trouble("source_missing")


def _ranges(account: Account, ranges: list[str]) -> Asking[list[list[Any]]]:
    shown = {
        "majorDimension": "ROWS",
        "valueRenderOption": "UNFORMATTED_VALUE",
        "dateTimeRenderOption": "SERIAL_NUMBER",
    }
    reply = yield _get(account, "/values:batchGet", {"ranges": ranges, **shown})
    found = [inside(each, "values") or [] for each in listed(reply.value, "valueRanges")]
    if len(found) != len(ranges):
        raise Trouble("source_unreachable")
    return found


def _get(account: Account, path: str, query: dict[str, Any]) -> Request:
    """The key goes in a header: an address is written down in more places."""
    key = account.said.get("key")
    headers = {"X-Goog-Api-Key": key} if key else {"Authorization": f"Bearer {account.access.token}"}
    asked = urlencode(query, doseq=True, quote_via=quote)
    return Request("GET", f"{_BASE}/{account.pull['spreadsheet']}{path}?{asked}", headers)


def _quoted(title: str) -> str:
    """A title in quotes, which are needed where it has spaces or looks like a range; a quote in it is doubled, as in
    the ranges that Google answers."""
    return "'{}'".format(title.replace("'", "''"))


def _at(title: str, first: int, last: int) -> str:
    return f"{_quoted(title)}!{first}:{last}"


def meaning(status: int, value: Any) -> Trouble | None:
    """A key that is none is told with 400 (google.rpc.ErrorInfo)."""
    details = inside(value, "error", "details")
    reasons = [inside(each, "reason") for each in details] if isinstance(details, list) else []
    return Trouble("source_credential_refused") if status == 400 and "API_KEY_INVALID" in reasons else None
