"""Notion's API: queries of a database, and pages (Notion API reference)."""

from collections.abc import Sequence
from typing import Any

from werkzeug import Request, Response

from tests.vendors.standing import Person, answered, moment, window

KEY, CREDENTIAL = "notion", "ntn_sample"
PULL = {"database_id": "5f0d2c1e-8a47-4b39-9c62-1e7a40d3b5f8"}


def page(person: Person) -> dict[str, Any]:
    email = {"id": "e", "type": "email", "email": person.email}
    its_id = f"00000000-0000-4000-8000-{person.number:012x}"
    return {"object": "page", "id": its_id, "last_edited_time": person.at, "properties": {"Email": email}}


def answer(request: Request, people: Sequence[Person]) -> Response:
    if request.headers.get("Authorization") != f"Bearer {CREDENTIAL}" or not request.headers.get("Notion-Version"):
        return answered({"object": "error", "status": 401, "code": "unauthorized"}, 401)
    body = request.get_json()
    since = body["filter"]["last_edited_time"]["on_or_after"] if "filter" in body else None
    kept = [each for each in people if since is None or each.changed >= moment(since)]
    found, after = window(kept, body.get("start_cursor"), body["page_size"])
    listed = {"object": "list", "results": [page(each) for each in found], "next_cursor": after}
    return answered({**listed, "has_more": after is not None, "type": "page_or_database"})
