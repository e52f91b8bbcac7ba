"""WooCommerce: customers of the REST API v3, by a consumer key (WooCommerce REST API docs: "Authentication", "List all
customers"; class WC_REST_Customers_V1_Controller)."""

import base64
from typing import Any

from connector.saying import say
from connector.vendors.base import Account, Asking, Page, Trouble, get, inside, origin

KEY = "woocommerce"
# The shop's own server answers, which has customers to serve.
GAP, PAUSE = 200, 10
CREDENTIALS = (("url", "consumer_key", "consumer_secret"),)
PLACE = ("url",)
CHECKS = {"url": origin(say("It must be the shop's address, which begins with https://."))}

# A hundred are given at most, and one of them was seen before.
PER_PAGE = 99


def _headers(account: Account) -> dict[str, str]:
    """HTTP Basic, so that the keys stand in no address."""
    told = f"{account.said['consumer_key']}:{account.said['consumer_secret']}"
    return {"Authorization": f"Basic {base64.b64encode(told.encode()).decode()}"}


def page(account: Account, _since: int | None, cursor: Any) -> Asking[Page]:
    """Some hundred customers, by ids that grow. Customers cannot be asked for by when they changed, nor from an id on,
    but by their place alone: each page begins with the last customer of the one before. When another stands there,
    some were removed meanwhile, and it is looked further back, so that nobody is passed over. When the first of the
    page before stands there, a cache has kept that page and does not look at what is asked."""
    (place, last, *first), size = cursor or (0, 0), account.size(PER_PAGE) + 1
    found = yield from _customers(account, place, size)
    if found and [_id(found[0])] == first:
        raise Trouble("source_repeats")
    while place and (not found or _id(found[0]) > last):
        place = max(0, place - size)
        found = yield from _customers(account, place, size)
    after = [place + size - 1, max(last, _id(found[-1])), _id(found[0])] if len(found) == size else None
    return Page([each for each in found if _id(each) > last], after)


def _customers(account: Account, place: int, count: int) -> Asking[list[Any]]:
    asked = {"per_page": count, "offset": place, "orderby": "id", "order": "asc"}
    reply = yield get(f"{account.said['url']}/wp-json/wc/v3/customers", asked, _headers(account))
    if not isinstance(reply.value, list):
        raise Trouble("source_unreachable")
    return reply.value


def _id(customer: Any) -> int:
    """Its number. Raises `Trouble` when it has none: it is no answer."""
    found = inside(customer, "id")
    if type(found) is not int:
        raise Trouble("source_unreachable")
    return found
