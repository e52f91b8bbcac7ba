"""HubSpot's CRM API v3: list, search, batch read ("CRM API", "Search the CRM", "Error handling")."""

from collections.abc import Sequence
from typing import Any

from werkzeug import Request, Response

from tests.vendors.standing import Person, answered, window

KEY, CREDENTIAL = "hubspot", "pat-eu1-sample"
_CONTACTS = "/crm/v3/objects/contacts"


def contact(person: Person, names: Sequence[str]) -> dict[str, Any]:
    """Only the properties that are asked for are there."""
    known = {"email": person.email, "firstname": person.first_name, "lastmodifieddate": person.at}
    known["hs_object_id"] = str(person.number)
    properties = {name: known.get(name) for name in names}
    return {"id": str(person.number), "properties": properties, "createdAt": person.at, "updatedAt": person.at} | {
        "archived": False
    }


def answer(request: Request, people: Sequence[Person]) -> Response:
    if request.headers.get("Authorization") != f"Bearer {CREDENTIAL}":
        return answered({"status": "error", "category": "INVALID_AUTHENTICATION"}, 401)
    if request.path == f"{_CONTACTS}/search":
        return _search(request.get_json(), people)
    if request.path == f"{_CONTACTS}/batch/read":
        return _read(request.get_json(), people)
    found, after = window(people, request.args.get("after"), request.args["limit"])
    paging = {"paging": {"next": {"after": after, "link": "https://api.hubapi.com/…"}}} if after else {}
    return answered({"results": [contact(each, request.args["properties"].split(",")) for each in found], **paging})


def _search(body: dict[str, Any], people: Sequence[Person]) -> Response:
    least = {each["propertyName"]: int(each["value"]) for each in body["filterGroups"][0]["filters"]}
    assert body["sorts"] == [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
    found = [each for each in people if each.changed >= least["lastmodifieddate"]]
    found = [each for each in found if each.number > least.get("hs_object_id", 0)]
    page, after = window(found, 0, body["limit"])
    paging = {"paging": {"next": {"after": after}}} if after else {}
    return answered({"total": len(found), "results": [contact(each, body["properties"]) for each in page], **paging})


def _read(body: dict[str, Any], people: Sequence[Person]) -> Response:
    """207 where some are not there."""
    wanted = {each["id"] for each in body["inputs"]}
    found = [contact(each, body["properties"]) for each in people if str(each.number) in wanted]
    status = 200 if len(found) == len(wanted) else 207
    return answered({"status": "COMPLETE", "results": found}, status)


def event(number: int, time: int = 0, **more: Any) -> list[dict[str, Any]]:
    """What its webhook says when a property has changed."""
    about = {
        "objectId": number,
        "propertyName": "jobtitle",
        "propertyValue": "CTO",
        "occurredAt": 1_780_000_000_000 + time,
    }
    told = {"eventId": number, "subscriptionId": 7, "portalId": 62515, "appId": 3, "attemptNumber": 0}
    return [{**told, **about, "subscriptionType": "contact.propertyChange", "changeSource": "CRM_UI", **more}]
