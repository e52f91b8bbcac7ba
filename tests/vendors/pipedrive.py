"""Pipedrive's API v2: persons and organizations ("Persons", "Organizations", "Pagination")."""

from collections.abc import Sequence
from typing import Any

from werkzeug import Request, Response

from tests.vendors.standing import Person, answered, moment, window

KEY, CREDENTIAL = "pipedrive", "0123456789abcdef0123456789abcdef01234567"
COMPANY = "Analytical Ltd"


def person(one: Person) -> dict[str, Any]:
    points = {"emails": [{"value": one.email, "primary": True, "label": "work"}], "phones": []}
    about = {"id": one.number, "name": one.first_name, "first_name": one.first_name, "last_name": None, "org_id": 12}
    return {**about, **points, "owner_id": 8, "is_deleted": False, "add_time": one.at, "update_time": one.at}


def answer(request: Request, people: Sequence[Person]) -> Response:
    if request.headers.get("x-api-token") != CREDENTIAL:
        return answered({"success": False, "error": "unauthorized access", "errorCode": 401}, 401)
    ids = request.args.get("ids", "").split(",")
    if request.path == "/api/v2/organizations":
        return _listed([{"id": 12, "name": COMPANY}] if "12" in ids else [], None)
    assert request.path == "/api/v2/persons"
    if "ids" in request.args:
        return _listed([person(each) for each in people if str(each.number) in ids], None)
    since = moment(request.args["updated_since"]) if "updated_since" in request.args else 0
    changed = [each for each in people if each.changed >= since]
    found, after = window(changed, request.args.get("cursor"), request.args["limit"])
    return _listed([person(each) for each in found], after)


def _listed(data: list[Any], after: str | None) -> Response:
    return answered({"success": True, "data": data, "additional_data": {"next_cursor": after}})


def event(number: int, time: int = 0) -> dict[str, Any]:
    """What its webhook (v2) says when a person has changed: of the organization the number alone."""
    meta = {
        "version": "2.0",
        "action": "change",
        "entity": "person",
        "entity_id": str(number),
        "id": f"e-{number}-{time}",
    }
    return {"meta": {**meta, "timestamp": "2026-06-01T09:00:00.000Z"}, "data": person(Person(number)), "previous": {}}
