"""The batch routes: one change on many contacts, or on many conversations, in one call."""

from typing import Any

from flask import Blueprint, Response

from .card import Person
from .envelope import answer, json_body
from .refusal import invalid, route_not_found
from .rules import Rule, each, fields
from .search import batch_search, matching
from .state import Sandbox, sandbox
from .validate import FILLED, SEGMENTS, custom_data, require

blueprint = Blueprint("batch", __name__, url_prefix="/v1/website/<website_id>/batch")

# The sandbox's own choice: Crisp documents no limit.
LARGEST_BATCH = 500
PEOPLE = fields(profiles=each(FILLED), search=FILLED)


@blueprint.before_request
def check_exists() -> None:
    """With `--batch off` there are no such routes."""
    if sandbox().options.batch == "off":
        raise route_not_found()


@blueprint.patch("/data")
def update_data() -> Response:
    """Batch Update People Data, or with `sessions` Conversations Data: keys that are not named stay."""
    body, state = json_body(), sandbox()
    removal = state.options.data_removal
    data = custom_data(nulls=removal == "null")
    if "sessions" in body:
        require(body, fields(sessions=each(FILLED), data=data), "data")
        state.sessions.patch_data(limited(body["sessions"]), body["data"], removal=removal)
        return answer("updated")
    for person in named_people(state, body, "data", data):
        state.store.patch_data(person.people_id, body["data"], removal=removal)
    return answer("updated")


@blueprint.patch("/segments")
def update_segments() -> Response:
    """Batch Update People Segments: replaced or appended as in Update People Profile."""
    body, state = json_body(), sandbox()
    for person in named_people(state, body, "segments", SEGMENTS):
        change = {"segments": body["segments"]}
        state.store.patch(person.people_id, change, segments=state.options.segments, nested="merge")
    return answer("updated")


@blueprint.patch("/remove")
def remove() -> Response:
    """Batch Remove People."""
    state = sandbox()
    for person in named_people(state, json_body()):
        state.store.remove(person.people_id)
    return answer("deleted")


def named_people(
    state: Sandbox, body: dict[str, Any], field: str | None = None, rule: Rule | None = None
) -> list[Person]:
    """The contacts that a valid body names, by `people.profiles` or by `people.search`.

    Only a people_id names a contact here, an email does not; those that are not known are passed over.
    """
    known = {field: rule} if field and rule else {}
    require(body, fields(people=PEOPLE, **known), "people", *known)
    people = body["people"]
    if ("profiles" in people) == ("search" in people):
        raise invalid(["people: either profiles or search"])
    if "search" in people:
        return matching(state.store.everyone(), batch_search(people["search"]))
    return state.store.known(limited(people["profiles"]))


def limited(ids: list[str]) -> list[str]:
    if len(ids) > LARGEST_BATCH:
        raise invalid([f"no more than {LARGEST_BATCH} in one call"])
    return ids
