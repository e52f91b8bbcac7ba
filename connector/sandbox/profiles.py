"""People profiles: add, check, get, save, update, remove, list."""

from flask import Blueprint, Response, request

from .card import full, listed
from .envelope import answer, json_body
from .search import read_search
from .state import sandbox
from .validate import PROFILE, require

blueprint = Blueprint("profiles", __name__, url_prefix="/v1/website/<website_id>/people")

# Crisp REST reference, Add New People Profile and Save People Profile.
REQUIRED = ("email", "person.nickname")


@blueprint.post("/profile")
def add() -> Response:
    """Add New People Profile."""
    body = json_body()
    require(body, PROFILE, *REQUIRED)
    return answer("added", {"people_id": sandbox().store.add(body).people_id}, 201)


@blueprint.get("/profile/<path:people_id>")
def get(people_id: str) -> Response:
    """Get People Profile; with HEAD, Check If People Profile Exists."""
    return answer("resolved", full(sandbox().store.get(people_id)))


@blueprint.put("/profile/<path:people_id>")
def save(people_id: str) -> Response:
    """Save People Profile: what is not sent is gone."""
    body = json_body()
    require(body, PROFILE, *REQUIRED)
    sandbox().store.save(people_id, body)
    return answer("updated")


@blueprint.patch("/profile/<path:people_id>")
def update(people_id: str) -> Response:
    """Update People Profile."""
    body = json_body()
    require(body, PROFILE)
    state = sandbox()
    state.store.patch(people_id, body, segments=state.options.segments, nested=state.options.nested)
    return answer("updated")


@blueprint.delete("/profile/<path:people_id>")
def remove(people_id: str) -> Response:
    """Remove People Profile."""
    sandbox().store.remove(people_id)
    return answer("deleted")


@blueprint.get("/profiles")
@blueprint.get("/profiles/<int:page>")
def listing(page: int = 1) -> Response:
    """List People Profiles; without a page number, as recorded, the first page."""
    found = read_search(page, request.args).find(sandbox().store)
    return answer("listed", [listed(person) for person in found])
