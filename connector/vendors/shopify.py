"""Shopify: customers of the Admin GraphQL API (Shopify developer docs: `customers`, API limits, client credentials)."""

import math
import re
from typing import Any

from connector.vendors.base import (
    Access,
    Account,
    Asking,
    Page,
    Trouble,
    access_in,
    inside,
    iso,
    listed,
    post,
    post_form,
)

KEY = "shopify"
# A page costs less than what the smallest plan gets back in this time.
GAP, PAUSE = 500, 2
CREDENTIALS = (("shop", "access_token"), ("shop", "client_id", "client_secret"))
SINCE = True

# An older version than a year is answered by the oldest that is supported ("API versioning").
_VERSION = "2026-07"
PER_PAGE = 100
_SHOP = re.compile(r"(?:https://)?([a-z0-9][a-z0-9-]*\.myshopify\.com)/?", re.IGNORECASE)
_QUERY = """query($first: Int!, $after: String, $query: String) {
  customers(first: $first, after: $after, query: $query, sortKey: ID) {
    nodes {
      id firstName lastName note locale tags numberOfOrders createdAt updatedAt
      defaultEmailAddress { emailAddress marketingState }
      defaultPhoneNumber { phoneNumber }
      amountSpent { amount currencyCode }
      defaultAddress { address1 address2 zip city province provinceCode country countryCodeV2 company phone }
    }
    pageInfo { hasNextPage endCursor }
  }
}"""


def _shop(written: str) -> str:
    found = _SHOP.fullmatch(written)
    if not found:
        raise ValueError("It must be the shop's own address, such as my-shop.myshopify.com.")
    return found[1].lower()


CHECKS = {"shop": _shop}


def login(said: dict[str, str], _now: int) -> Asking[Access] | None:
    """A token of an app of the Dev Dashboard, good for a day; one of an older app is good by itself."""
    return None if "access_token" in said else _logged_in(said)


def _logged_in(said: dict[str, str]) -> Asking[Access]:
    fields = {name: said[name] for name in ("client_id", "client_secret")}
    url = f"https://{said['shop']}/admin/oauth/access_token"
    reply = yield post_form(url, {**fields, "grant_type": "client_credentials"})
    return access_in(reply.value)


def page(account: Account, since: int | None, cursor: Any) -> Asking[Page]:
    """A hundred customers."""
    changed = None if since is None else f"updated_at:>='{iso(since)}'"
    asked = {"query": _QUERY, "variables": {"first": account.size(PER_PAGE), "after": cursor, "query": changed}}
    token = account.said.get("access_token") or account.access.token
    url = f"https://{account.said['shop']}/admin/api/{_VERSION}/graphql.json"
    reply = yield post(url, asked, {"X-Shopify-Access-Token": token})
    _judge(reply.value)
    nodes, info = (
        listed(reply.value, "data", "customers", "nodes"),
        inside(reply.value, "data", "customers", "pageInfo"),
    )
    following = inside(info, "endCursor") if inside(info, "hasNextPage") is True else None
    return Page([{"data": {"customers": {"nodes": nodes}}}] if nodes else [], following)


def _judge(value: Any) -> None:
    """What is wrong is told with status 200 (API limits; GraphQL error codes)."""
    errors = inside(value, "errors")
    if not errors:
        return
    first = errors[0] if isinstance(errors, list) else None
    code = inside(first, "extensions", "code")
    if code == "THROTTLED":
        raise Trouble("source_busy", _pause(inside(value, "extensions", "cost")))
    raise Trouble("source_credential_refused" if code == "ACCESS_DENIED" else "source_refused")


def _pause(cost: Any) -> int:
    """Seconds until there is enough for the same query."""
    status = inside(cost, "throttleStatus")
    numbers = (inside(cost, "requestedQueryCost"), inside(status, "currentlyAvailable"), inside(status, "restoreRate"))
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in numbers) or not numbers[2]:
        return PAUSE
    wanted, there, rate = (float(str(each)) for each in numbers)
    return max(1, math.ceil((wanted - there) / rate))
