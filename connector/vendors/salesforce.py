"""Salesforce: contacts and leads by SOQL, with access tokens of a connected app's client credentials (Salesforce
developer guides: REST API, "Query" and "Status Codes and Error Responses"; SOQL, "SELECT"; OAuth 2.0 client
credentials flow). A person account has a contact of its own ("Person Account Record Types"), which comes with them."""

import re
from collections.abc import Callable
from typing import Any

from connector.saying import say
from connector.sources.salesforce import apart, change_of
from connector.vendors.base import (
    Access,
    Account,
    Asking,
    Page,
    Thin,
    Trouble,
    access_in,
    events_without,
    get,
    inside,
    iso,
    listed,
    origin,
    post_form,
)

KEY = "salesforce"
# Calls are counted by the day, of which an organization has thousands.
GAP, PAUSE = 100, 60
CREDENTIALS = (("url", "client_id", "client_secret"),)
PLACE = ("url",)
SINCE = True
CHECKS = {"url": origin(say("It must be your My Domain, such as https://example.my.salesforce.com."))}

_VERSION = "v62.0"
# The most of which all fields can be asked for; other fields may be named beside them, but none twice (SOQL, "SELECT",
# `FIELDS()`).
PER_PAGE = 200
_OVER_THE_DAY = 3_600
# Fields of parents are named one by one; a lead that was converted is a contact by now.
_OBJECTS = {
    "Contact": (("Account.Name", "Account.Website", "Account.BillingCountry", "Account.BillingCity"), ""),
    "Lead": ((), "IsConverted = false"),
}
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Z0-5]{3})?")
_INSTANCE = re.compile(r"https://[a-z0-9][a-z0-9.-]*")
_PARTIAL = ("UPDATE", "UNDELETE", "GAP_CREATE", "GAP_UPDATE", "GAP_UNDELETE")


def login(said: dict[str, str], _now: int) -> Asking[Access]:
    """A session's token. How long it lives is a setting there, of at least fifteen minutes, which nobody tells."""
    fields = {name: said[name] for name in ("client_id", "client_secret")}
    reply = yield post_form(f"{said['url']}/services/oauth2/token", {**fields, "grant_type": "client_credentials"})
    base = str(inside(reply.value, "instance_url") or said["url"])
    if not _INSTANCE.fullmatch(base):
        raise Trouble("source_unreachable")
    return Access(access_in(reply.value).token, 900, base)


def page(account: Account, since: int | None, cursor: Any) -> Asking[Page]:
    """Two hundred contacts, and after the last of them leads.

    By ids that grow, not by the locator of a query, which dies after a while: a pull goes on whenever it likes.
    """
    names = list(_OBJECTS)
    place, after = cursor or (0, None)
    conditions = [_OBJECTS[names[place]][1]]
    conditions += [f"SystemModstamp >= {iso(since)}"] if since is not None else []
    conditions += [f"Id > '{after}'"] if after else []
    size = account.size(PER_PAGE)
    found, cut = yield from _query(account, names[place], conditions, f"ORDER BY Id LIMIT {size}")
    last = inside(found[-1], "Id") if found and (cut or len(found) == size) else None
    if last is not None and not _ID.fullmatch(str(last)):
        raise Trouble("source_unreachable")
    following = [place, last] if last else [place + 1, None] if place + 1 < len(names) else None
    return Page([_answer(found)], following)


def _query(account: Account, name: str, conditions: list[str], end: str) -> Asking[tuple[list[Any], bool]]:
    """All fields that the app may see: one that is named and not seen would refuse the query. And whether it was cut
    short, as an answer of large records is, however few were asked for ("Query", REST API)."""
    fields = ", ".join(("FIELDS(ALL)", *_OBJECTS[name][0]))
    where = " AND ".join(each for each in conditions if each)
    query = " ".join(("SELECT", fields, "FROM", name, *(("WHERE", where) if where else ()), end))
    url = f"{account.access.base}/services/data/{_VERSION}/query"
    reply = yield get(url, {"q": query}, {"Authorization": f"Bearer {account.access.token}"})
    return listed(reply.value, "records"), inside(reply.value, "done") is False


def _answer(found: list[Any]) -> dict[str, Any]:
    return {"totalSize": len(found), "done": True, "records": found}


def thin(payload: Any) -> Thin | None:
    """The records of change events that hold what has changed alone."""
    events = payload if isinstance(payload, list) else [payload]
    named = {event: _named(each) for event, each in enumerate(events)}
    ids = frozenset().union(*named.values())
    rest = [each for event, each in enumerate(events) if not named[event]]
    return Thin(ids, rest or None) if ids else None


def _named(event: Any) -> frozenset[str]:
    header = inside(change_of(event), "ChangeEventHeader")
    kind, ids = inside(header, "entityName"), inside(header, "recordIds")
    if (
        not isinstance(kind, str)
        or kind not in _OBJECTS
        or inside(header, "changeType") not in _PARTIAL
        or not isinstance(ids, list)
    ):
        return frozenset()
    return frozenset(f"{kind}/{each}" for each in ids if isinstance(each, str) and _ID.fullmatch(each))


def without(payload: Any, named: Callable[[Any], bool]) -> Any:
    """The events of the others, each record by itself: what is changed in the same way comes once for several."""
    events = payload if isinstance(payload, list) else [payload]
    return events_without([one for each in events for one in apart(each)], thin, named)


def read(account: Account, ids: list[str]) -> Asking[list[Any]]:
    """Records by their ids; those that are gone are left out."""
    found: list[Any] = []
    for name in _OBJECTS:
        named = [each.partition("/")[2] for each in ids if each.startswith(f"{name}/")]
        for first in range(0, len(named), PER_PAGE):
            ids_in = ", ".join(f"'{each}'" for each in named[first : first + PER_PAGE])
            found += yield from _whole(account, name, [f"Id IN ({ids_in})"])
    return [_answer(found)] if found else []


def _whole(account: Account, name: str, conditions: list[str]) -> Asking[list[Any]]:
    """Also what did not fit into one answer."""
    found, cut = yield from _query(account, name, conditions, f"ORDER BY Id LIMIT {PER_PAGE}")
    while cut and found and _ID.fullmatch(str(last := inside(found[-1], "Id"))):
        more, cut = yield from _query(account, name, [*conditions, f"Id > '{last}'"], f"ORDER BY Id LIMIT {PER_PAGE}")
        found, cut = found + more, cut and bool(more)
    return found


def meaning(status: int, value: Any) -> Trouble | None:
    """An organization whose calls of the day are used up is told with 403, as one who may not ask."""
    told = value[0] if isinstance(value, list) and value else None
    if status == 403 and inside(told, "errorCode") == "REQUEST_LIMIT_EXCEEDED":
        return Trouble("source_busy", _OVER_THE_DAY)
    return None
