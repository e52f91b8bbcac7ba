"""Notion's API: queries of a database, and pages (Notion API reference; guide "Query large data sources")."""

from collections.abc import Sequence
from typing import Any

from werkzeug import Request, Response

from tests.vendors.standing import Person, answered, moment, window

KEY, CREDENTIAL = "notion", "ntn_sample"
PULL = {"database_id": "5f0d2c1e-8a47-4b39-9c62-1e7a40d3b5f8"}
# A query has no more results than these.
MOST = 10_000
_TIMES = ("created_time", "last_edited_time")


def page(person: Person) -> dict[str, Any]:
    email = {"id": "e", "type": "email", "email": person.email}
    its_id = f"00000000-0000-4000-8000-{person.number:012x}"
    times = dict.fromkeys(_TIMES, f"{person.at[:16]}:00.000Z")  # to the minute
    return {"object": "page", "id": its_id, **times, "properties": {"Email": email}}


def answer(request: Request, people: Sequence[Person]) -> Response:
    if request.headers.get("Authorization") != f"Bearer {CREDENTIAL}" or not request.headers.get("Notion-Version"):
        return answered({"object": "error", "status": 401, "code": "unauthorized"}, 401)
    body = request.get_json()
    assert body["sorts"] == [{"timestamp": "created_time", "direction": "ascending"}]
    kept = [each for each in people if _fits(page(each), body.get("filter", {"and": []}))]
    found, after = window(kept[:MOST], body.get("start_cursor"), body["page_size"])
    listed = {"object": "list", "results": [page(each) for each in found], "next_cursor": after}
    cut = {"request_status": {"type": "incomplete", "incomplete_reason": "query_result_limit_reached"}}
    more = cut if len(kept) > MOST else {}
    return answered({**listed, "has_more": after is not None, "type": "page_or_database", **more})


def _fits(one: dict[str, Any], wanted: dict[str, Any]) -> bool:
    least = [(each["timestamp"], each[each["timestamp"]]["on_or_after"]) for each in wanted["and"]]
    return all(moment(one[name]) >= moment(time) for name, time in least)
