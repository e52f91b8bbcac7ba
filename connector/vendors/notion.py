"""Notion: pages of a database or data source, and one page (Notion API reference: "Query a data source", "Retrieve a
page", "Request limits"; guide "Query large data sources")."""

import re
from typing import Any

from connector import sources
from connector.saying import say
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
# Edits are told to the minute.
_MINUTE = 60_000


def _its_id(written: str) -> str:
    if not _ID.fullmatch(written):
        raise ValueError(say("It must be the id of a database or data source: 32 hex digits, with hyphens or without."))
    return written


CHECKS = dict.fromkeys(_KINDS, _its_id)


def _headers(account: Account, version: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {account.said['token']}", "Notion-Version": version}


def page(account: Account, since: int | None, cursor: Any) -> Asking[Page]:
    """A hundred pages of the database, or of what has changed, in the order in which they were made: a query ends with
    its ten thousandth result ("Query large data sources"), and the next goes on from the time of that one."""
    name = next(name for name in _KINDS if name in account.pull)
    kind, version = _KINDS[name]
    made, following = cursor or (None, None)
    body = _asked(account, since, made) | ({"start_cursor": following} if following else {})
    reply = yield post(f"{_BASE}/{kind}/{account.pull[name]}/query", body, _headers(account, version))
    results = listed(reply.value, "results")
    return Page(
        [{"object": "list", "type": "page_or_data_source", "results": results}], _after(reply.value, results, made)
    )


def _asked(account: Account, since: int | None, made: str | None) -> dict[str, Any]:
    sorts = [{"timestamp": "created_time", "direction": "ascending"}]
    least = {
        "last_edited_time": None if since is None else iso(since - since % _MINUTE),
        "created_time": made,
    }
    conditions = [{"timestamp": name, name: {"on_or_after": time}} for name, time in least.items() if time]
    return {
        "page_size": account.size(PER_PAGE),
        "sorts": sorts,
        **({"filter": {"and": conditions}} if conditions else {}),
    }


def _after(value: Any, results: list[Any], made: str | None) -> Any:
    """Where the next page is. Raises `Trouble` when more pages than a query gives were made in the same minute: the
    rest cannot be asked for."""
    if inside(value, "has_more") is True and (following := inside(value, "next_cursor")):
        return [made, following]
    if inside(value, "request_status", "type") != "incomplete":
        return None
    last = inside(results[-1], "created_time") if results else None
    if not isinstance(last, str) or last == made:
        raise Trouble("source_refused")
    return [last, None]


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
