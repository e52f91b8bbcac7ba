"""Links that people share, as the address under which the file itself is: pure."""

import re
from urllib.parse import SplitResult, parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

# A Google sheet, by its own id or by that of its publication (`e/…`); a Workspace and an account may stand before it.
_SHEET = re.compile(
    r"(?:/a/[^/]+)?/spreadsheets(?:/u/\d+)?/d/(?P<id>(?:e/)?[\w-]+)(?:/(?P<page>\w*))?/?", re.ASCII | re.IGNORECASE
)
# Pages to look at. Others below a sheet (`export`, `gviz`) give what somebody chose.
_PAGES = ("", "edit", "view", "preview", "htmlview", "copy", "mobilebasic")
_PUBLISHED_PAGES = ("pub", "pubhtml")


def download(url: str) -> str:
    """The address of the file that a link shows: a Google sheet's CSV export, a Dropbox file itself.

    The tab that the link names is kept; without one it is the first. Every other address comes back as it is,
    without white space around it. Never raises.
    """
    written = url.strip()
    try:
        parts = urlsplit(written)
        find = _HOSTS.get(parts.hostname or "")
    except ValueError:
        return written
    found = find(parts) if find and parts.scheme in ("http", "https") else None
    return found or written


def _sheet(parts: SplitResult) -> str | None:
    sheet = _SHEET.fullmatch(parts.path)
    if sheet is None:
        return None
    query, page = parse_qs(parts.query), sheet["page"] or ""
    if page in _PUBLISHED_PAGES and query.get("output", ["html"]) == ["html"]:
        return _export(sheet["id"], "pub", {"output": "csv", **_tab(parts, single="true")})
    if page in _PAGES and "/" not in sheet["id"]:
        # Files shared before 2021 open only with this key.
        key = [("resourcekey", each) for each in query.get("resourcekey", ())]
        return _export(sheet["id"], "export", {"format": "csv", **_tab(parts), **dict(key)})
    return None


def _tab(parts: SplitResult, **beside: str) -> dict[str, str]:
    """The tab that is open in the link: what follows the `#` is what its sender saw."""
    named = parse_qs(parts.fragment).get("gid", []) + parse_qs(parts.query).get("gid", [])
    return {"gid": named[0], **beside} if named and re.fullmatch(r"[0-9]+", named[0]) else {}


def _export(sheet: str, page: str, query: dict[str, str]) -> str:
    return f"https://docs.google.com/spreadsheets/d/{sheet}/{page}?{urlencode(query)}"


def _dropbox(parts: SplitResult) -> str | None:
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    if not parts.path.startswith(("/s/", "/scl/fi/")) or "raw" in query:
        return None
    return urlunsplit(("https", parts.netloc, parts.path, urlencode({**query, "dl": "1"}), ""))


_HOSTS = {"docs.google.com": _sheet, "www.dropbox.com": _dropbox, "dropbox.com": _dropbox}
