"""WooCommerce: customers of the REST API v3, by a consumer key (WooCommerce REST API docs: "Authentication",
"Pagination", "List all customers"; class WC_REST_Customers_V1_Controller)."""

import base64
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class _Listed:
    """Customers from a place on, and how many the shop says that it has: None where it does not say."""

    place: int
    customers: list[Any]
    total: int | None

    @property
    def first(self) -> int:
        """The number of the first; 0 when there is none."""
        return _id(self.customers[0]) if self.customers else 0

    @property
    def is_one_of_unknown(self) -> bool:
        """Whether it is a single one, of a shop that does not say how many it has."""
        return self.total is None and len(self.customers) == 1

    def after(self, last: int, size: int) -> list[int] | None:
        """Where the next page begins. A shop, a plug-in or a cache may give fewer than are asked for: a short page is
        the last only where nobody is left by the shop's count, or nobody but the one who was seen before. Raises
        `Trouble` when somebody is left by the count, and nobody comes."""
        count = len(self.customers)
        left = self.total is None or self.place + count < self.total
        if count < 2 and self.total is not None and left:
            raise Trouble("source_repeats")
        if count == size or (count > 1 and left):
            return [self.place + count - 1, max(last, _id(self.customers[-1])), self.first]
        return None


def page(account: Account, _since: int | None, cursor: Any) -> Asking[Page]:
    """Some hundred customers, by ids that grow. Customers cannot be asked for by when they changed, nor from an id on,
    but by their place alone: each page begins with the last customer of the one before. When another stands there,
    some were removed meanwhile, and it is looked further back, so that nobody is passed over. When the first of the
    page before stands there, a cache has kept that page and does not look at what is asked."""
    (place, last, *first), size = cursor or (0, 0), account.size(PER_PAGE) + 1
    found = yield from _customers(account, place, size)
    if found.customers and [found.first] == first:
        raise Trouble("source_repeats")
    while found.place and (not found.customers or found.first > last):
        found = yield from _customers(account, max(0, found.place - size), size)
    if found.place == 0 and found.is_one_of_unknown:
        yield from _alone(account, found, size)
    return Page([each for each in found.customers if _id(each) > last], found.after(last, size))


def _alone(account: Account, found: _Listed, size: int) -> Asking[None]:
    """Looks behind a first customer who came alone. Raises `Trouble` when somebody is there: who gives one at a time
    never gives the next beside the one who was seen before."""
    behind = yield from _customers(account, 1, size)
    if any(_id(each) > found.first for each in behind.customers):
        raise Trouble("source_repeats")


def _customers(account: Account, place: int, count: int) -> Asking[_Listed]:
    asked = {"per_page": count, "offset": place, "orderby": "id", "order": "asc"}
    reply = yield get(f"{account.said['url']}/wp-json/wc/v3/customers", asked, _headers(account))
    if not isinstance(reply.value, list):
        raise Trouble("source_unreachable")
    total = reply.headers.get("x-wp-total", "")
    return _Listed(place, reply.value, int(total) if total.isdecimal() else None)


def _id(customer: Any) -> int:
    """Its number. Raises `Trouble` when it has none: it is no answer."""
    found = inside(customer, "id")
    if type(found) is not int:
        raise Trouble("source_unreachable")
    return found
