"""Conversations: the whole of one, and its metas."""

from flask import Blueprint, Response

from .envelope import answer, json_body
from .state import sandbox
from .validate import conversation_meta, require

blueprint = Blueprint("conversations", __name__, url_prefix="/v1/website/<website_id>/conversation")


@blueprint.get("/<session_id>")
def get(session_id: str) -> Response:
    """Get A Conversation."""
    state = sandbox()
    return answer("resolved", {"website_id": state.options.website_id, **state.sessions.get(session_id)})


@blueprint.get("/<session_id>/meta")
def get_meta(session_id: str) -> Response:
    """Get Conversation Metas."""
    return answer("resolved", sandbox().sessions.get(session_id)["meta"])


@blueprint.patch("/<session_id>/meta")
def update_meta(session_id: str) -> Response:
    """Update Conversation Metas."""
    body, state = json_body(), sandbox()
    removal = state.options.data_removal
    require(body, conversation_meta(nulls=removal == "null"))
    state.sessions.patch_meta(session_id, body, removal=removal)
    return answer("updated")
