"""What belongs to contacts beside the profile: custom data, events, conversations, subscription, statistics."""

from collections import Counter
from collections.abc import Iterable

from flask import Blueprint, Response

from .envelope import answer, json_body
from .refusal import RefusalError
from .rules import fields
from .search import page_of
from .state import sandbox
from .validate import EVENT, SUBSCRIPTION, custom_data, require

blueprint = Blueprint("people", __name__, url_prefix="/v1/website/<website_id>/people")


@blueprint.get("/data/<path:people_id>")
def get_data(people_id: str) -> Response:
    """Get People Data, nested twice: `{"data": {"data": {"plan": "pro"}}}`."""
    return answer("resolved", {"data": sandbox().store.get(people_id).data})


@blueprint.put("/data/<path:people_id>")
def save_data(people_id: str) -> Response:
    """Save People Data: keys that are not sent are gone."""
    body = json_body()
    require(body, fields(data=custom_data()), "data")
    state = sandbox()
    state.store.save_data(people_id, body["data"], removal=state.options.data_removal)
    return answer("updated")


@blueprint.patch("/data/<path:people_id>")
def update_data(people_id: str) -> Response:
    """Update People Data: keys that are not sent stay."""
    body = json_body()
    state = sandbox()
    removal = state.options.data_removal
    require(body, fields(data=custom_data(nulls=removal == "null")), "data")
    state.store.patch_data(people_id, body["data"], removal=removal)
    return answer("updated")


@blueprint.post("/events/<path:people_id>")
def add_event(people_id: str) -> Response:
    """Add A People Event: `{"text", "data": {…}, "color"}`."""
    body = json_body()
    require(body, EVENT, "text")
    sandbox().store.add_event(people_id, body)
    return answer("added", status=201)


@blueprint.get("/events/<path:people_id>/list/<int:page>")
def list_events(people_id: str, page: int) -> Response:
    """List People Events, newest first."""
    return answer("listed", page_of(sandbox().store.get(people_id).events[::-1], page))


@blueprint.get("/conversations/<path:people_id>/list/<int:page>")
def list_conversations(people_id: str, page: int) -> Response:
    """List People Conversations: session ids."""
    state = sandbox()
    email = state.store.get(people_id).card["email"]
    return answer("listed", page_of(state.sessions.of_email(email), page))


@blueprint.get("/subscription/<path:people_id>")
def get_subscription(people_id: str) -> Response:
    """Get People Subscription Status: `{"email": true}`."""
    return answer("resolved", {"email": sandbox().store.get(people_id).subscribed})


@blueprint.patch("/subscription/<path:people_id>")
def update_subscription(people_id: str) -> Response:
    """Update People Subscription Status."""
    body = json_body()
    require(body, SUBSCRIPTION, "email")
    sandbox().store.subscribe(people_id, subscribed=body["email"])
    return answer("updated")


@blueprint.get("/suggest/segments/<int:page>")
@blueprint.get("/segments/<int:page>")
def suggest_segments(page: int) -> Response:
    """List Suggested People Segments; the older path is the one that the PyPI client has."""
    in_use = (segment for person in sandbox().store.everyone() for segment in person.card["segments"])
    return answer("listed", counted("segment", in_use, page))


@blueprint.get("/suggest/data/<int:page>")
def suggest_data(page: int) -> Response:
    """List Suggested People Data Keys."""
    in_use = (key for person in sandbox().store.everyone() for key in person.data)
    return answer("listed", counted("key", in_use, page))


def counted(name: str, values: Iterable[str], page: int) -> list[dict[str, str | int]]:
    """`[{"segment": "vip", "count": 3}]`, the most used first."""
    counts = sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))
    return page_of([{name: value, "count": count} for value, count in counts], page)


@blueprint.get("/stats")
def statistics() -> Response:
    """Get People Statistics."""
    return answer("resolved", {"total": len(sandbox().store)})


@blueprint.post("/import/profiles")
@blueprint.post("/export/profiles")
def not_for_tokens() -> Response:
    """Import and Export People Profiles are for the user tier alone; the sandbox has no such token."""
    raise RefusalError(403, "not_allowed", "for the user tier only")
