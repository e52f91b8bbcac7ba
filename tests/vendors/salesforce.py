"""Salesforce's REST API: queries, and tokens of client credentials (REST API and SOQL guides)."""

import re
from collections.abc import Sequence
from typing import Any

from werkzeug import Request, Response

from tests.vendors.standing import Person, answered, moment

KEY = "salesforce"
CREDENTIAL = {"url": "https://example.my.salesforce.com", "client_id": "3MVG9.sample", "client_secret": "SAMPLE0123"}
_TOKEN = "00D5e0000012AbC!sample"
_QUERY = re.compile(
    r"SELECT FIELDS\(ALL\)(?P<parents>.*) FROM (?P<name>Contact|Lead)(?: WHERE (?P<where>.*?))?"
    r"(?: ORDER BY Id)? LIMIT (?P<limit>\d+)"
)
_PREFIX = {"Contact": "003", "Lead": "00Q"}


def login(request: Request) -> Response:
    if request.form.get("client_secret") != CREDENTIAL["client_secret"]:
        return answered({"error": "invalid_client", "error_description": "invalid client credentials"}, 400)
    return answered({"access_token": _TOKEN, "instance_url": CREDENTIAL["url"], "token_type": "Bearer"})


def its_id(person: Person, name: str) -> str:
    return f"{_PREFIX[name]}5e{person.number:010}AAA"


def sobject(person: Person, name: str) -> dict[str, Any]:
    attributes = {"type": name, "url": f"/services/data/v62.0/sobjects/{name}/{its_id(person, name)}"}
    told = {"attributes": attributes, "Id": its_id(person, name), "Email": person.email}
    return {
        **told,
        "FirstName": person.first_name,
        "LastName": "Sample",
        "SystemModstamp": person.at[:-1] + ".000+0000",
    }


def answer(request: Request, people: Sequence[Person]) -> Response:
    """Contacts with odd numbers, leads with even ones."""
    if request.headers.get("Authorization") != f"Bearer {_TOKEN}":
        return answered([{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}], 401)
    asked = _QUERY.fullmatch(request.args["q"])
    if asked is None or int(asked["limit"]) > 200:
        return answered([{"message": "unexpected token", "errorCode": "MALFORMED_QUERY"}], 400)
    name, where = asked["name"], asked["where"] or ""
    found = [each for each in people if each.number % 2 == (name == "Contact") and _fits(each, name, where)]
    records = [sobject(each, name) for each in found][: int(asked["limit"])]
    return answered({"totalSize": len(records), "done": True, "records": records})


def _fits(person: Person, name: str, where: str) -> bool:
    for condition in where.split(" AND ") if where else ():
        if since := re.fullmatch(r"SystemModstamp >= (\S+)", condition):
            fits = person.changed >= moment(since[1])
        elif after := re.fullmatch(r"Id > '(\w+)'", condition):
            fits = its_id(person, name) > after[1]
        elif listed := re.fullmatch(r"Id IN \((.*)\)", condition):
            fits = f"'{its_id(person, name)}'" in listed[1].split(", ")
        else:
            fits = condition == "IsConverted = false"
        if not fits:
            return False
    return True


def event(number: int, time: int = 0) -> dict[str, Any]:
    """A change event: what has changed alone."""
    name = "Contact" if number % 2 else "Lead"
    ids = [its_id(Person(number), name)]
    header: dict[str, Any] = {"entityName": name, "recordIds": ids, "changeType": "UPDATE", "changedFields": ["Title"]}
    header |= {"commitTimestamp": 1_780_000_000_000 + time, "transactionKey": f"t-{number}", "sequenceNumber": 1}
    return {"ChangeEventHeader": header, "Title": "CTO"}
