"""Zoho CRM: contacts and leads of the API v8, with access tokens made of a refresh token (Zoho CRM developer docs: "Get
records", "Refresh access tokens", "Multi DC"; the OpenAPI files of zoho/crm-oas)."""

import re
from collections.abc import Callable
from typing import Any

from connector.saying import say
from connector.vendors.base import (
    Access,
    Account,
    Asking,
    Page,
    Thin,
    Trouble,
    access_in,
    get,
    inside,
    iso,
    listed,
    post_form,
)

KEY = "zoho"
# Ten at once are allowed on the smallest plan, and a number of credits a day ("API limits").
GAP, PAUSE = 200, 60
CREDENTIALS = (("client_id", "client_secret", "refresh_token"),)
PLACE = ("domain",)
DEFAULTS = {"domain": "com"}
SINCE = True

# Data centre by the end of its addresses → where tokens are asked for (Zoho Accounts, "Multi DC support").
_ACCOUNTS = {
    "com": "https://accounts.zoho.com",
    "eu": "https://accounts.zoho.eu",
    "in": "https://accounts.zoho.in",
    "com.au": "https://accounts.zoho.com.au",
    "com.cn": "https://accounts.zoho.com.cn",
    "jp": "https://accounts.zoho.jp",
    "ca": "https://accounts.zohocloud.ca",
    "sa": "https://accounts.zoho.sa",
    "uk": "https://accounts.zoho.uk",
    "ae": "https://accounts.zoho.ae",
}
_API = re.compile(r"https://[a-z0-9-]+\.(?:zohoapis|zohocloud)\.[a-z.]{2,6}")
_MODULES = ("Contacts", "Leads")
PER_PAGE = 200
# A refresh token may be used ten times in ten minutes ("Token validity").
_TOO_MANY, _OVER = "too many requests", 600
# So many may be asked for ("Get records").
_MOST_FIELDS = 50
_OWN = ("Full_Name", "Created_Time", "Modified_Time", "Tag", "Email", "First_Name", "Last_Name", "Phone", "Mobile")
_OF_MODULE = {
    "Contacts": (
        *("Secondary_Email", "Home_Phone", "Other_Phone", "Title", "Department", "Account_Name", "Lead_Source"),
        *("Mailing_Street", "Mailing_City", "Mailing_State", "Mailing_Zip", "Mailing_Country", "Description"),
        "Last_Activity_Time",
    ),
    "Leads": (
        *("Secondary_Email", "Designation", "Company", "Website", "Lead_Source", "Lead_Status", "Description"),
        *("Street", "City", "State", "Zip_Code", "Country", "Last_Activity_Time"),
    ),
}
_FIELD = re.compile(r"[A-Z][A-Za-z0-9_]{0,99}")


def _domain(written: str) -> str:
    ending = written.lower().lstrip(".")
    if ending not in _ACCOUNTS:
        raise ValueError(say("It must be the end of your Zoho's address: {endings}.", endings=", ".join(_ACCOUNTS)))
    return ending


CHECKS = {"domain": _domain}


def login(said: dict[str, str], _now: int) -> Asking[Access]:
    """An access token, good for an hour, and where this account's API is. What is wrong is told with status 200."""
    fields = {name: said[name] for name in ("client_id", "client_secret", "refresh_token")}
    reply = yield post_form(f"{_ACCOUNTS[said['domain']]}/oauth/v2/token", {**fields, "grant_type": "refresh_token"})
    if _TOO_MANY in str(inside(reply.value, "error_description")).lower():
        raise Trouble("source_busy", _OVER)
    base = str(inside(reply.value, "api_domain") or f"https://www.zohoapis.{said['domain']}")
    if not _API.fullmatch(base):
        raise Trouble("source_unreachable")
    return access_in(reply.value, base=base)


def _asked(account: Account, module: str) -> dict[str, str]:
    own = (*_OWN, *_OF_MODULE[module])
    # Names of the other module's fields would take the places of those that a mapping wants.
    others = {name for fields in _OF_MODULE.values() for name in fields}
    wanted = (name for name in account.fields if _FIELD.fullmatch(name) and name not in others)
    return {"fields": ",".join(list(dict.fromkeys((*own, *wanted)))[:_MOST_FIELDS])}


def _headers(account: Account) -> dict[str, str]:
    return {"Authorization": f"Zoho-oauthtoken {account.access.token}"}


def _url(account: Account, module: str) -> str:
    return f"{account.access.base}/crm/v8/{module}"


def page(account: Account, since: int | None, cursor: Any) -> Asking[Page]:
    """Two hundred contacts, and after the last of them leads. Nothing is answered with no content, or as unmodified.

    A token leads through 100,000 records of a module, and is refused beyond them; it is good for a day, and for the
    same fields and order alone ("Get records": PAGINATION_LIMIT_EXCEEDED, EXPIRED_VALUE, TOKEN_BOUND_DATA_MISMATCH)."""
    place, token = cursor or (0, None)
    module = _MODULES[place]
    headers = _headers(account) | ({} if since is None else {"If-Modified-Since": iso(since).replace("Z", "+00:00")})
    asked = {"per_page": account.size(PER_PAGE), "page_token": token, "sort_by": "id", "sort_order": "asc"}
    reply = yield get(_url(account, module), {**_asked(account, module), **asked}, headers)
    info = inside(reply.value, "info")
    following = inside(info, "next_page_token") if inside(info, "more_records") is True else None
    after = [place, following] if following else [place + 1, None] if place + 1 < len(_MODULES) else None
    return Page(_payloads(reply.value), after)


def _payloads(value: Any) -> list[Any]:
    return [] if value is None else [{"data": listed(value, "data"), "info": {"more_records": False}}]


def thin(payload: Any) -> Thin | None:
    """The records of a notification, which names them alone, or with what has changed alone."""
    if "channel_id" not in (payload if isinstance(payload, dict) else {}) or payload.get("operation") == "delete":
        return None
    module, ids = payload.get("module"), payload.get("ids")
    named = {str(each) for each in (ids if isinstance(ids, list) else ()) if str(each).isdecimal()}
    return Thin(frozenset(f"{module}/{each}" for each in named)) if module in _MODULES and named else None


def without(payload: Any, named: Callable[[Any], bool]) -> Any:
    """The notification with the other ids; nothing where the person is found in anything but one id and its values."""
    ids, changed = payload.get("ids"), payload.get("affected_values")
    values = [each for each in (changed if isinstance(changed, list) else ()) if isinstance(each, dict)]

    def of(those: list[Any]) -> dict[str, Any]:
        told = {str(each) for each in those}
        left = [each for each in values if str(each.get("record_id")) in told]
        return {**payload, "ids": those, "affected_values": left}

    others = [each for each in (ids if isinstance(ids, list) else ()) if not named(of([each]))]
    return of(others) if others else None


def read(account: Account, ids: list[str]) -> Asking[list[Any]]:
    """Records of one module by their ids, a hundred at once ("Get records"); those that are gone are left out."""
    found: list[Any] = []
    for module in _MODULES:
        named = [each.partition("/")[2] for each in ids if each.startswith(f"{module}/")]
        for first in range(0, len(named), 100):
            asked = {**_asked(account, module), "ids": ",".join(named[first : first + 100])}
            reply = yield get(_url(account, module), asked, _headers(account))
            found += _payloads(reply.value)
    return found
