"""Notion: pages of a database or data source, and one page (Notion API reference)."""

import re
from typing import Any

from connector import sources
from connector.vendors.base import Account, Asking, Page, Request, Thin, Trouble, get, inside, iso, listed, post

KEY = "notion"
# An average of three a second is allowed (Notion reference, request limits).
GAP = 334
CREDENTIALS = (("token",),)
OPTIONS = (("database_id",), ("data_source_id",))
SINCE = True
# Notion asks for another try (reference, status codes).
BUSY = frozenset({409})

_BASE = "https://api.notion.com/v1"
_ID = re.compile(r"[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")
# Option → what Notion calls what it names, and the version: databases are queried as before 2025-09-03, data sources as
# since then; pages are the same in both.
_KINDS = {"database_id": ("databases", "2022-06-28"), "data_source_id": ("data_sources", "2025-09-03")}
PER_PAGE = 100
_GONE = "page.deleted"


def _its_id(written: str) -> str:
    if not _ID.fullmatch(written):
        raise ValueError("It must be the id of a database or data source: 32 hex digits, with hyphens or without.")
    return written


CHECKS = dict.fromkeys(_KINDS, _its_id)


def _headers(account: Account, version: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {account.said['token']}", "Notion-Version": version}


def page(account: Account, since: int | None, cursor: Any) -> Asking[Page]:
    """A hundred pages of the database, with what has changed since."""
    name = next(name for name in _KINDS if name in account.pull)
    kind, version = _KINDS[name]
    body: dict[str, Any] = {"page_size": account.size(PER_PAGE)}
    if cursor is not None:
        body["start_cursor"] = cursor
    if since is not None:
        body["filter"] = {"timestamp": "last_edited_time", "last_edited_time": {"on_or_after": iso(since)}}
    reply = yield post(f"{_BASE}/{kind}/{account.pull[name]}/query", body, _headers(account, version))
    results = listed(reply.value, "results")
    following = inside(reply.value, "next_cursor") if inside(reply.value, "has_more") is True else None
    return Page([{"object": "list", "type": "page_or_data_source", "results": results}], following)


def thin(payload: Any) -> Thin | None:
    """The page of an integration's event, which carries no content; other things than pages are no contacts."""
    if sources.detect(payload) != sources.Detected(KEY, "event"):
        return None
    if payload["entity"]["type"] != "page":
        return Thin(frozenset())
    its_id = payload["entity"]["id"]
    readable = payload["type"] != _GONE and isinstance(its_id, str) and _ID.fullmatch(its_id)
    return Thin(frozenset({its_id})) if readable else None


def read(account: Account, ids: list[str]) -> Asking[list[Any]]:
    """Pages with their properties."""
    found: list[Any] = []
    for its_id in ids:
        reply = yield _page(account, its_id)
        if inside(reply.value, "object") != "page":
            raise Trouble("source_unreachable")
        found.append(reply.value)
    return found


def _page(account: Account, its_id: str) -> Request:
    return get(f"{_BASE}/pages/{its_id}", headers=_headers(account, "2025-09-03"))
