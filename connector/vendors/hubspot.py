"""HubSpot: contacts of the CRM API v3, listed, searched and read many at once (HubSpot developer docs: "Contacts",
"Search the CRM", "API usage guidelines and limits")."""

import re
from collections.abc import Callable
from typing import Any

from connector.vendors.base import Account, Asking, Page, Thin, Trouble, events_without, get, inside, listed, post

KEY = "hubspot"
# Of searches five a second are allowed; of the rest a hundred in ten seconds ("API usage guidelines").
GAP, PAUSE = 250, 10
CREDENTIALS = (("token",),)
SINCE = True

_CONTACTS = "https://api.hubapi.com/crm/v3/objects/contacts"
PER_PAGE = 100
# Seconds: the day's calls are used up until midnight of the account's time zone, which nobody tells.
_OVER_THE_DAY = 3_600
_PROPERTY = re.compile(r"[a-z][a-z0-9_]{0,99}")
_ALWAYS = ("hs_object_id", "lastmodifieddate", "createdate")
_OF_CONTACT = "0-1"
_THIN = (".creation", ".propertyChange", ".restore")


def _headers(account: Account) -> dict[str, str]:
    return {"Authorization": f"Bearer {account.said['token']}"}


def _properties(account: Account) -> list[str]:
    """Only what is asked for comes; of names that HubSpot does not know it says nothing."""
    return sorted({*_ALWAYS, *(name for name in account.fields if _PROPERTY.fullmatch(name))})


def page(account: Account, since: int | None, cursor: Any) -> Asking[Page]:
    """A hundred contacts: of a list, or of a search for what has changed."""
    if since is not None:
        return (yield from _changed(account, since, cursor))
    asked = {"limit": account.size(PER_PAGE), "after": cursor, "properties": ",".join(_properties(account))}
    reply = yield get(_CONTACTS, asked, _headers(account))
    return Page([{"results": listed(reply.value, "results")}], inside(reply.value, "paging", "next", "after") or None)


def _changed(account: Account, since: int, cursor: Any) -> Asking[Page]:
    """By ids that grow: a search has no page beyond its ten thousandth result, and what changes meanwhile would move
    from page to page."""
    filters = [{"propertyName": "lastmodifieddate", "operator": "GTE", "value": str(since)}]
    if cursor is not None:
        filters.append({"propertyName": "hs_object_id", "operator": "GT", "value": str(cursor)})
    body = {
        "filterGroups": [{"filters": filters}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": _properties(account),
        "limit": account.size(PER_PAGE),
    }
    reply = yield post(f"{_CONTACTS}/search", body, _headers(account))
    results = listed(reply.value, "results")
    return Page(
        [{"results": results}], inside(results[-1], "id") if results and inside(reply.value, "paging", "next") else None
    )


def thin(payload: Any) -> Thin | None:
    """The contacts of events that carry one property, or none; deletions and merges say all there is."""
    events = payload if isinstance(payload, list) else [payload]
    ids = {str(event["objectId"]) for event in events if _is_thin(event)}
    rest = [event for event in events if not _is_thin(event)]
    return Thin(frozenset(ids), rest or None) if ids else None


def _is_thin(event: Any) -> bool:
    kind = inside(event, "subscriptionType")
    if not isinstance(kind, str) or not kind.endswith(_THIN) or not str(event.get("objectId")).isdecimal():
        return False
    return kind.startswith("contact.") or (kind.startswith("object.") and event.get("objectTypeId") == _OF_CONTACT)


def without(payload: Any, named: Callable[[Any], bool]) -> Any:
    """The events of the others."""
    return events_without(payload if isinstance(payload, list) else [payload], thin, named)


def read(account: Account, ids: list[str]) -> Asking[list[Any]]:
    """Contacts by their ids, a hundred at once, as many as an event has; those that are gone are left out."""
    body = {"inputs": [{"id": each} for each in ids], "properties": _properties(account)}
    reply = yield post(f"{_CONTACTS}/batch/read", body, _headers(account))
    found = listed(reply.value, "results")
    return [{"results": found}] if found else []


def meaning(status: int, value: Any) -> Trouble | None:
    """Which limit was reached (`policyName`): that of the day ends later."""
    if status == 429 and inside(value, "policyName") == "DAILY":
        return Trouble("source_busy", _OVER_THE_DAY)
    return None
