"""Pipedrive: persons of the API v2, with the names of their organizations (Pipedrive API reference, "Get all persons",
"Get all organizations", "Rate limiting"; base URL and header as in its own client, `client-nodejs`)."""

from collections.abc import Sequence
from typing import Any

from connector.vendors.base import Account, Asking, Page, Thin, get, inside, iso, listed

KEY = "pipedrive"
# An API token may ask some ten times a second, by plan (Pipedrive docs, "Rate limiting").
GAP, PAUSE = 200, 2
CREDENTIALS = (("token",),)
SINCE = True

_BASE = "https://api.pipedrive.com/api/v2"
PER_PAGE, _PER_READ = 500, 100
_ACTIONS = ("create", "change")


def _headers(account: Account) -> dict[str, str]:
    return {"x-api-token": account.said["token"]}


def page(account: Account, since: int | None, cursor: Any) -> Asking[Page]:
    """Five hundred persons, in the order in which they were made."""
    asked = {"limit": account.size(PER_PAGE), "sort_by": "id", "sort_direction": "asc", "cursor": cursor}
    changed = None if since is None else iso(since)
    reply = yield get(f"{_BASE}/persons", {**asked, "updated_since": changed}, _headers(account))
    persons = yield from _named(account, listed(reply.value, "data"))
    return Page([_answer(persons)], inside(reply.value, "additional_data", "next_cursor") or None)


def _answer(persons: list[Any]) -> dict[str, Any]:
    return {"success": True, "data": persons, "additional_data": {"next_cursor": None}}


def _named(account: Account, persons: list[Any]) -> Asking[list[Any]]:
    """Persons with their organizations' names: a person has the number alone."""
    ids = sorted({each["org_id"] for each in persons if type(inside(each, "org_id")) is int})
    names: dict[Any, Any] = {}
    for first in range(0, len(ids), _PER_READ):
        found = yield from _by_ids(account, "organizations", ids[first : first + _PER_READ])
        names |= {each["id"]: each.get("name") for each in found if type(inside(each, "id")) is int}
    return [_with(each, names) for each in persons]


def _with(person: Any, names: dict[Any, Any]) -> Any:
    name = names.get(person.get("org_id")) if isinstance(person, dict) else None
    return {**person, "organization": {"name": name}} if name else person


def _by_ids(account: Account, what: str, ids: Sequence[int | str]) -> Asking[list[Any]]:
    asked = {"ids": ",".join(map(str, ids)), "limit": _PER_READ}
    reply = yield get(f"{_BASE}/{what}", asked, _headers(account))
    return listed(reply.value, "data")


def thin(payload: Any) -> Thin | None:
    """The person of a webhook (v2) that names an organization: by its number alone."""
    meta, person = inside(payload, "meta"), inside(payload, "data")
    about = inside(meta, "entity") == "person" and inside(meta, "action") in _ACTIONS
    if not about or type(inside(person, "org_id")) is not int or not str(meta.get("entity_id")).isdecimal():
        return None
    return Thin(frozenset({str(meta["entity_id"])}))


def read(account: Account, ids: list[str]) -> Asking[list[Any]]:
    """Persons by their ids, at most a hundred; those that are gone are left out."""
    persons = yield from _by_ids(account, "persons", ids)
    if not persons:
        return []
    found = yield from _named(account, persons)
    return [_answer(found)]
