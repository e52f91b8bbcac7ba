"""Shopify's Admin GraphQL API (`customers`, "API limits")."""

import re
from collections.abc import Sequence
from typing import Any

from werkzeug import Request, Response

from tests.vendors.standing import Person, answered, moment, window

KEY = "shopify"
CREDENTIAL = {"shop": "sample-shop.myshopify.com", "client_id": "c0ffee", "client_secret": "shpss_sample"}
_TOKEN = "shpat_sample"
# What an empty bucket answers, with status 200.
THROTTLED = {
    "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
    "extensions": {
        "cost": {
            "requestedQueryCost": 120,
            "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": 20, "restoreRate": 10.0},
        }
    },
}


def login(request: Request) -> Response:
    assert request.path == "/admin/oauth/access_token"
    if request.form.get("client_secret") != CREDENTIAL["client_secret"]:
        return Response("Oauth error invalid_client", status=400)
    return answered({"access_token": _TOKEN, "scope": "read_customers", "expires_in": 86399})


def node(person: Person) -> dict[str, Any]:
    told = {"id": f"gid://shopify/Customer/{person.number}", "firstName": person.first_name, "tags": []}
    email = {"emailAddress": person.email, "marketingState": "SUBSCRIBED"}
    return {
        **told,
        "defaultEmailAddress": email,
        "updatedAt": person.at,
        "createdAt": person.at,
        "defaultAddress": None,
    }


def answer(request: Request, people: Sequence[Person]) -> Response:
    if request.headers.get("X-Shopify-Access-Token") != _TOKEN:
        return answered({"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}, 401)
    assert re.fullmatch(r"/admin/api/\d{4}-\d\d/graphql.json", request.path)
    assert request.get_json()["query"].startswith("query(")
    asked = request.get_json()["variables"]
    if "ids" in asked:
        known = {node(each)["id"]: node(each) for each in people}
        return answered({"data": {"nodes": [known.get(each) for each in asked["ids"]]}})
    since = re.fullmatch(r"updated_at:>='(.*)'", asked["query"] or "")
    kept = [each for each in people if since is None or each.changed >= moment(since[1])]
    found, after = window(kept, asked["after"], asked["first"])
    info = {"hasNextPage": after is not None, "endCursor": after or str(len(kept))}
    return answered({"data": {"customers": {"nodes": [node(each) for each in found], "pageInfo": info}}})


def event(number: int, time: int = 0) -> dict[str, Any]:
    """What its webhook says when a customer has got tags."""
    at = f"2026-06-01T09:{time:02}:00Z"
    return {"customerId": f"gid://shopify/Customer/{number}", "tags": ["vip"], "occurredAt": at}
