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
_ONE = re.compile(r"(contacts|leads)\((.*)\)")


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
    if one := _ONE.fullmatch(table):
        return _single(people, one[1], one[2])
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


def _single(people: Sequence[Person], table: str, its_id: str) -> Response:
    key = f"{table.removesuffix('s')}id"
    rows = [_row(each, table) for each in people if each.number % 2 == (table == "contacts")]
    found = next((row for row in rows if row[key] == its_id), None)
    if found is None:
        return answered({"error": {"code": "0x80040217", "message": "Does Not Exist"}}, 404)
    context = f"{CREDENTIAL['url']}/api/data/v9.2/$metadata#{table}/$entity"
    return answered({"@odata.context": context, **found})


def its_id(number: int) -> str:
    """A row's."""
    return f"d5a0e7c2-914b-4f36-8e2d-{number:012x}"


def event(number: int, time: int = 0) -> dict[str, Any]:
    """What a webhook says of more than 256 KB: which row has changed."""
    told = {"MessageName": "Update", "PrimaryEntityId": its_id(number), "OperationId": f"{number}-{time}"}
    said = {"OperationCreatedOn": f"/Date({1_780_000_000_000 + time}+0000)/", "RequestId": None, "Stage": 40}
    return {**told, **said, "PrimaryEntityName": "contact" if number % 2 else "lead", "OutputParameters": []}


def _row(person: Person, table: str) -> dict[str, Any]:
    named = {"emailaddress1": person.email, "firstname": person.first_name, "modifiedon": person.at}
    return {"@odata.etag": 'W/"1"', f"{table.removesuffix('s')}id": its_id(person.number), **named}
