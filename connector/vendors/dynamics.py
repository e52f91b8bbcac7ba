"""Dynamics 365: contacts and leads of the Dataverse Web API, with tokens of an app's client credentials (Microsoft
Learn: "Query data using the Web API", "Retrieve a table row using the Web API", "Use webhooks", "Service protection API
limits", OAuth 2.0 client credentials)."""

import re
from typing import Any

from connector.saying import say
from connector.sources.dynamics import stripped
from connector.vendors.base import (
    Access,
    Account,
    Asking,
    Page,
    Request,
    Thin,
    Trouble,
    access_in,
    get,
    inside,
    iso,
    listed,
    origin,
    post_form,
)

KEY = "dynamics"
# 6,000 in five minutes are allowed ("Service protection API limits").
GAP, PAUSE, PER_PAGE = 100, 10, 500
CREDENTIALS = (("url", "tenant", "client_id", "client_secret"),)
PLACE = ("url",)
SINCE = True

_LOGIN = "https://login.microsoftonline.com"
_API = "/api/data/v9.2/"
_PREFER = 'odata.maxpagesize={},odata.include-annotations="*"'
# Table, and what of its company is asked for beside it: a lead has it in columns of its own.
_TABLES = (("contacts", "parentcustomerid_account($select=name,websiteurl)"), ("leads", None))
_TENANT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


def _tenant(written: str) -> str:
    if not _TENANT.fullmatch(written):
        raise ValueError(say("It must be the directory's id (Tenant ID), or its domain."))
    return written


CHECKS = {
    "url": origin(say("It must be the environment's address, such as https://example.crm4.dynamics.com.")),
    "tenant": _tenant,
}


def login(said: dict[str, str], _now: int) -> Asking[Access]:
    """A token for this environment, good for about an hour."""
    fields = {name: said[name] for name in ("client_id", "client_secret")}
    fields |= {"grant_type": "client_credentials", "scope": f"{said['url']}/.default"}
    reply = yield post_form(f"{_LOGIN}/{said['tenant']}/oauth2/v2.0/token", fields)
    return access_in(reply.value, base=said["url"])


def page(account: Account, since: int | None, cursor: Any) -> Asking[Page]:
    """Five hundred contacts, and after the last of them leads."""
    place, following = cursor or (0, None)
    reply = yield _asked(account, place, since, following)
    rows, onward = listed(reply.value, "value"), inside(reply.value, "@odata.nextLink")
    told = {"@odata.context": inside(reply.value, "@odata.context"), "value": rows}
    if onward is not None:
        return Page([told], [place, _inner(account, onward)])
    return Page([told], [place + 1, None] if place + 1 < len(_TABLES) else None)


def _asked(account: Account, place: int, since: int | None, following: str | None) -> Request:
    table, company = _TABLES[place]
    headers = _headers(account)
    if following is not None:
        return get(account.access.base + following, headers=headers)
    changed = None if since is None else f"modifiedon ge {iso(since)}"
    return get(f"{account.access.base}{_API}{table}", {"$expand": company, "$filter": changed}, headers)


def _headers(account: Account) -> dict[str, str]:
    told = {"Authorization": f"Bearer {account.access.token}", "Prefer": _PREFER.format(account.size(PER_PAGE))}
    return told | {"OData-Version": "4.0", "OData-MaxVersion": "4.0"}


def _inner(account: Account, onward: Any) -> str:
    """The next page's address without the environment's, which it must be at: the token goes nowhere else."""
    start = account.access.base + _API
    if not isinstance(onward, str) or not onward.startswith(start):
        raise Trouble("source_unreachable")
    return onward.removeprefix(account.access.base)


def thin(payload: Any) -> Thin | None:
    """The row of a webhook that was too large to say what is in it."""
    found = stripped(payload)
    return Thin(frozenset({"/".join(found)})) if found else None


def read(account: Account, ids: list[str]) -> Asking[list[Any]]:
    """Rows by table and id."""
    found: list[Any] = []
    for each in ids:
        name, _, its_id = each.partition("/")
        table, company = next(pair for pair in _TABLES if pair[0] == f"{name}s")
        url = f"{account.access.base}{_API}{table}({its_id})"
        reply = yield get(url, {"$expand": company}, _headers(account))
        if inside(reply.value, f"{name}id") is None:
            raise Trouble("source_unreachable")
        found.append(reply.value)
    return found
