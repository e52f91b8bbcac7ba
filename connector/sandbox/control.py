"""The routes that steer and watch the sandbox: they never fail, wait or count, and need no credentials."""

import json

from flask import Blueprint, Response

from .card import full
from .envelope import json_body, json_object
from .refusal import invalid
from .rules import fields, is_number, when
from .state import sandbox
from .validate import EMAIL, FILLED, SEGMENTS, TEXT, custom_data, require

blueprint = Blueprint("control", __name__, url_prefix="/_sandbox")

VISIT = fields(session_id=FILLED, email=EMAIL, nickname=FILLED, phone=TEXT, data=custom_data(), segments=SEGMENTS)
CUT = fields(seconds=when(lambda value: is_number(value) and value >= 0, "must be a number from 0"))


def plain(data: object, status: int = 200) -> Response:
    """JSON without Crisp's envelope; errors keep it."""
    return Response(json.dumps(data), status, mimetype="application/json")


@blueprint.post("")
def change() -> Response:
    """Change switches, named as the flags in snake_case; answers all of them but those with secrets."""
    state = sandbox()
    try:
        state.change(json_object())
    except ValueError as error:
        raise invalid([str(error)]) from None
    return plain(state.options.public())


@blueprint.post("/reset")
def reset() -> Response:
    """Empty the store and the counts."""
    sandbox().reset()
    return plain({})


@blueprint.get("/stats")
def stats() -> Response:
    """`{"calls": {"total", "by_route", "by_email", "over_limit"}, "creations": {email: n}, "people": n,
    "hooks": {"sent", "answered", "failed", "waiting"}, "rtm": {"listeners", "sent"}}`.

    Hooks of both kinds: attempts sent, events answered with 2xx, events given up, events not done with.
    """
    state = sandbox()
    return plain(
        {
            "calls": state.stats.calls(),
            "creations": dict(state.store.creations),
            "people": len(state.store),
            "hooks": state.hooks(),
            "rtm": state.rtm.counts(),
        }
    )


@blueprint.get("/people")
def people() -> Response:
    """Every contact: the full card with `people_id` and `data`."""
    return plain([{**full(person), "data": person.data} for person in sandbox().store.everyone()])


@blueprint.post("/conversations")
def visit() -> Response:
    """Play a visitor: `{"session_id", "email"?, "nickname"?, "phone"?, "data"?, "segments"?}`.

    201 when the conversation is new. An email that nobody has makes a contact, as Crisp does.
    """
    body, state = json_body(), sandbox()
    require(body, VISIT, "session_id")
    session_id = body.pop("session_id")
    new = state.sessions.visit(session_id, body, removal=state.options.data_removal)
    return plain(state.sessions.get(session_id), 201 if new else 200)


@blueprint.post("/rtm/cut")
def cut() -> Response:
    """Cut every RTM socket, and refuse new ones for so many `seconds`."""
    body = json_body()
    require(body, CUT, "seconds")
    sandbox().rtm.cut(body["seconds"])
    return plain({})
