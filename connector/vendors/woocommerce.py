"""WooCommerce: customers of the REST API v3, by a consumer key (WooCommerce REST API docs)."""

import base64
from typing import Any

from connector.vendors.base import Account, Asking, Page, Trouble, get, origin

KEY = "woocommerce"
# The shop's own server answers, which has customers to serve.
GAP, PAUSE = 200, 10
CREDENTIALS = (("url", "consumer_key", "consumer_secret"),)
CHECKS = {"url": origin("It must be the shop's address, which begins with https://.")}

PER_PAGE = 100


def _headers(account: Account) -> dict[str, str]:
    """HTTP Basic, so that the keys stand in no address."""
    told = f"{account.said['consumer_key']}:{account.said['consumer_secret']}"
    return {"Authorization": f"Basic {base64.b64encode(told.encode()).decode()}"}


def page(account: Account, _since: int | None, cursor: Any) -> Asking[Page]:
    """A hundred customers, in the order in which they came. Customers cannot be asked for by when they changed."""
    number = cursor or 1
    asked = {"per_page": account.size(PER_PAGE), "page": number, "orderby": "id", "order": "asc"}
    reply = yield get(f"{account.said['url']}/wp-json/wc/v3/customers", asked, _headers(account))
    if not isinstance(reply.value, list):
        raise Trouble("source_unreachable")
    pages = reply.headers.get("x-wp-totalpages", "")
    more = number < int(pages) if pages.isdecimal() else len(reply.value) == account.size(PER_PAGE)
    return Page(reply.value, number + 1 if more else None)
