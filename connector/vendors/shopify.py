"""Shopify: customers of the Admin GraphQL API (Shopify developer docs: `customers`, `nodes`, "GraphQL Admin API rate
limits", "About Shopify API versioning", client credentials)."""

import math
import re
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
    inside,
    iso,
    listed,
    post,
    post_form,
)

KEY = "shopify"
# A customer costs five points (each object in it one), and the smallest plan gets a hundred back each second.
GAP, PAUSE, PER_PAGE = 1_300, 2, 25
CREDENTIALS = (("shop", "access_token"), ("shop", "client_id", "client_secret"))
PLACE = ("shop",)
SINCE = True

# There is one each quarter. It is kept for a year; after that the oldest that is kept answers instead.
_VERSION = "2026-07"
_SHOP = re.compile(r"(?:https://)?([a-z0-9][a-z0-9-]*\.myshopify\.com)/?", re.IGNORECASE)
_CUSTOMER = """
      id firstName lastName note locale tags numberOfOrders createdAt updatedAt
      defaultEmailAddress { emailAddress marketingState }
      defaultPhoneNumber { phoneNumber }
      amountSpent { amount currencyCode }
      defaultAddress { address1 address2 zip city province provinceCode country countryCodeV2 company phone }"""
_PAGE = f"""query($first: Int!, $after: String, $query: String) {{
  customers(first: $first, after: $after, query: $query, sortKey: ID) {{
    nodes {{{_CUSTOMER}
    }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}"""
_NODES = f"""query($ids: [ID!]!) {{
  nodes(ids: $ids) {{
    ... on Customer {{{_CUSTOMER}
    }}
  }}
}}"""
_GID = re.compile(r"gid://shopify/Customer/\d{1,20}")


def _shop(written: str) -> str:
    found = _SHOP.fullmatch(written)
    if not found:
        raise ValueError(say("It must be the shop's own address, such as my-shop.myshopify.com."))
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
    """Twenty-five customers."""
    changed = None if since is None else f"updated_at:>='{iso(since)}'"
    wanted = {"first": account.size(PER_PAGE), "after": cursor, "query": changed}
    value = yield from _asked(account, _PAGE, wanted)
    nodes, info = listed(value, "data", "customers", "nodes"), inside(value, "data", "customers", "pageInfo")
    following = inside(info, "endCursor") if inside(info, "hasNextPage") is True else None
    return Page(_payloads(nodes), following)


def _asked(account: Account, query: str, variables: dict[str, Any]) -> Asking[Any]:
    token = account.said.get("access_token") or account.access.token
    url = f"https://{account.said['shop']}/admin/api/{_VERSION}/graphql.json"
    reply = yield post(url, {"query": query, "variables": variables}, {"X-Shopify-Access-Token": token})
    _judge(reply.value)
    return reply.value


def _payloads(nodes: list[Any]) -> list[Any]:
    return [{"data": {"customers": {"nodes": nodes}}}] if nodes else []


def thin(payload: Any) -> Thin | None:
    """The customer of a topic of tags or purchases, which names nobody but by the id."""
    its_id = inside(payload, "customerId")
    return Thin(frozenset({its_id})) if isinstance(its_id, str) and _GID.fullmatch(its_id) else None


def read(account: Account, ids: list[str]) -> Asking[list[Any]]:
    """Customers by their ids; those that are gone are left out."""
    value = yield from _asked(account, _NODES, {"ids": ids})
    return _payloads([node for node in listed(value, "data", "nodes") if isinstance(node, dict) and node])


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
