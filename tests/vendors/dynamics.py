"""Dataverse's Web API, and Microsoft's tokens (Microsoft Learn: "Query data using the Web API", client credentials)."""

import re
from collections.abc import Sequence
from typing import Any

from werkzeug import Request, Response

from tests.vendors.standing import Person, answered, moment, window

KEY = "dynamics"
CREDENTIAL = {
    "url": "https://orgsample.crm4.dynamics.com",
    "tenant": "11111111-2222-3333-4444-555555555555",
    "client_id": "66666666-7777-8888-9999-000000000000",
    "client_secret": "sample~secret",
}
_TOKEN = "eyJ.sample"


def login(request: Request) -> Response:
    assert request.path == f"/{CREDENTIAL['tenant']}/oauth2/v2.0/token"
    assert request.form["scope"] == f"{CREDENTIAL['url']}/.default"
    if request.form["client_secret"] != CREDENTIAL["client_secret"]:
        return answered({"error": "invalid_client", "error_description": "AADSTS7000215"}, 401)
    return answered({"token_type": "Bearer", "expires_in": 3599, "access_token": _TOKEN})


def answer(request: Request, people: Sequence[Person]) -> Response:
    """Contacts with odd numbers, leads with even ones."""
    if request.headers.get("Authorization") != f"Bearer {_TOKEN}":
        return Response(status=401)
    table = request.path.rpartition("/")[2]
    kept = [each for each in people if each.number % 2 == (table == "contacts")]
    if since := re.fullmatch(r"modifiedon ge (\S+)", request.args.get("$filter", "")):
        kept = [each for each in kept if each.changed >= moment(since[1])]
    found, after = window(kept, request.args.get("$skiptoken"), 2)
    context = f"{CREDENTIAL['url']}/api/data/v9.2/$metadata#{table}"
    told: dict[str, Any] = {"@odata.context": context, "value": [_row(each, table) for each in found]}
    if after:
        told["@odata.nextLink"] = f"{CREDENTIAL['url']}{request.path}?$skiptoken={after}" + (
            f"&$filter={since[0].replace(' ', '%20')}" if since else ""
        )
    return answered(told)


def _row(person: Person, table: str) -> dict[str, Any]:
    its_id = f"d5a0e7c2-914b-4f36-8e2d-{person.number:012x}"
    named = {"emailaddress1": person.email, "firstname": person.first_name, "modifiedon": person.at}
    return {"@odata.etag": 'W/"1"', f"{table.removesuffix('s')}id": its_id, **named}
