"""PrestaShop: customers of the webservice, with their addresses and countries (PrestaShop developer docs: "Additional
list parameters", "Cheat sheet for Webservice"; class WebserviceRequest)."""

import base64
from collections.abc import Iterable
from typing import Any

from connector.markup import AT, TEXT
from connector.saying import say
from connector.sources.prestashop import listed_in
from connector.vendors.base import Account, Asking, Page, Trouble, get, inside, iso, origin

KEY = "prestashop"
# The shop's own server answers, which has customers to serve.
GAP, PAUSE = 200, 10
CREDENTIALS = (("url", "key"),)
PLACE = ("url",)
SINCE = True
# Its JSON differs between versions; its XML does not.
XML = True
CHECKS = {"url": origin(say("It must be the shop's address, which begins with https://."))}

PER_PAGE = 250
_HIGHEST = 2_147_483_647
# A shop's times have no zone, and none is more than this from UTC (milliseconds).
_ZONES = 86_400_000


def _ask(
    account: Account, resource: str, names: tuple[str, str], query: dict[str, Any]
) -> Asking[list[dict[str, Any]]]:
    """The members of a resource; by HTTP Basic with the key as the user, so that it stands in no address."""
    told = base64.b64encode(f"{account.said['key']}:".encode()).decode()
    reply = yield get(f"{account.said['url']}/api/{resource}", query, {"Authorization": f"Basic {told}"})
    if inside(reply.value, "prestashop") is None:
        raise Trouble("source_unreachable")
    return listed_in(reply.value, names)


def page(account: Account, since: int | None, cursor: Any) -> Asking[Page]:
    """Customers by ids that grow, so that none is passed over when another is removed meanwhile. One that is not asked
    for has been kept by a cache that does not look at what is. As that may have been fewer than are asked for, and no
    answer says how many there are, the last page is the one that is empty."""
    asked = {"display": "full", "sort": "[id_ASC]", "limit": account.size(PER_PAGE)}
    asked |= {"filter[id]": f"[{(cursor or 0) + 1},{_HIGHEST}]"}
    if since is not None:
        asked |= {"filter[date_upd]": f"[{_bare(since - _ZONES)},2100-01-01 00:00:00]", "date": 1}
    customers = yield from _ask(account, "customers", ("customer", "customers"), asked)
    ids = [_text(each.get("id")) for each in customers]
    if not all(each.isdecimal() for each in ids):
        raise Trouble("source_unreachable")
    if any(int(each) <= (cursor or 0) for each in ids):
        raise Trouble("source_repeats")
    addresses = yield from _addresses(account, ids)
    told = [{**each, "addresses": addresses.get(its_id, [])} for each, its_id in zip(customers, ids, strict=True)]
    return Page([{"customers": told}] if told else [], int(ids[-1]) if ids else None)


def _addresses(account: Account, ids: list[str]) -> Asking[dict[str, list[Any]]]:
    """Customer → addresses, each with the code of its country, of which an address has the number alone."""
    if not ids:
        return {}
    asked = {"display": "full", "filter[id_customer]": f"[{'|'.join(ids)}]", "filter[deleted]": "[0]"}
    found = yield from _ask(account, "addresses", ("address", "addresses"), asked)
    codes: dict[str, str] = {}
    if found:
        wanted = sorted({number for each in found if (number := _text(each.get("id_country"))).isdecimal()})
        named = {"display": "[id,iso_code]", "filter[id]": f"[{'|'.join(wanted)}]"}
        countries = yield from _ask(account, "countries", ("country", "countries"), named)
        codes = {_text(each.get("id")): _text(each.get("iso_code")) for each in countries}
    return _by_customer(found, codes)


def _by_customer(found: Iterable[dict[str, Any]], codes: dict[str, str]) -> dict[str, list[Any]]:
    told: dict[str, list[Any]] = {}
    for each in found:
        code = codes.get(_text(each.get("id_country")))
        told.setdefault(_text(each.get("id_customer")), []).append({**each, **({"country_iso": code} if code else {})})
    return told


def _text(value: Any) -> str:
    """What an element says, also beside attributes."""
    said = value.get(TEXT, value.get(f"{AT}id")) if isinstance(value, dict) else value
    return str(said or "").strip()


def _bare(milliseconds: int) -> str:
    return iso(milliseconds).replace("T", " ").removesuffix("Z")
