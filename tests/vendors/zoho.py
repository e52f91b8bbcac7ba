"""Zoho CRM's API v8, and where its tokens come from ("Get records", "Refresh access tokens")."""

from collections.abc import Sequence
from typing import Any

from werkzeug import Request, Response

from tests.vendors.standing import Person, answered, moment, window

KEY = "zoho"
CREDENTIAL = {"client_id": "1000.SAMPLE", "client_secret": "zoho-sample-secret", "refresh_token": "1000.refresh.sample"}
CREDENTIAL["domain"] = "eu"
_TOKEN = "1000.access.sample"


def login(request: Request) -> Response:
    """What is wrong is told with status 200."""
    if request.form.get("refresh_token") != CREDENTIAL["refresh_token"]:
        return answered({"error": "invalid_code"})
    api = {"api_domain": "https://www.zohoapis.eu", "token_type": "Bearer", "expires_in": 3600}
    return answered({"access_token": _TOKEN, **api})


def record(person: Person) -> dict[str, Any]:
    named = {"id": f"48768760000000{person.number:05}", "First_Name": person.first_name, "Last_Name": None}
    return {**named, "Email": person.email, "Modified_Time": person.at, "$approved": True}


def answer(request: Request, people: Sequence[Person]) -> Response:
    """Contacts with odd numbers, leads with even ones. Nothing is 204, or 304 where it was asked for what changed."""
    if request.headers.get("Authorization") != f"Zoho-oauthtoken {_TOKEN}":
        return answered({"code": "INVALID_TOKEN", "status": "error"}, 401)
    assert 0 < len(request.args["fields"].split(",")) <= 50
    kept = [each for each in people if each.number % 2 == (request.path == "/crm/v8/Contacts")]
    if "ids" in request.args:
        ids = request.args["ids"].split(",")
        return _listed([record(each) for each in kept if record(each)["id"] in ids], None)
    since = request.headers.get("If-Modified-Since")
    kept = [each for each in kept if since is None or each.changed >= moment(since)]
    if not kept:
        return Response(status=304 if since else 204)
    found, after = window(kept, request.args.get("page_token"), request.args["per_page"])
    return _listed([record(each) for each in found], after)


def _listed(data: list[Any], after: str | None) -> Response:
    if not data:
        return Response(status=204)
    info = {"per_page": 200, "count": len(data), "more_records": after is not None, "next_page_token": after}
    return answered({"data": data, "info": info})


def event(number: int, token: str, time: int = 0) -> dict[str, Any]:
    """What its notification says when a record has changed: its id."""
    module = "Contacts" if number % 2 else "Leads"
    about = {"module": module, "resource_uri": f"https://www.zohoapis.eu/crm/v8/{module}", "operation": "update"}
    ids = [record(Person(number))["id"]]
    return {
        **about,
        "server_time": 1_780_000_000_000 + time,
        "ids": ids,
        "channel_id": "1000000068001",
        "token": token,
    }
