"""Conversations: the whole of one, and its metas."""

from typing import Any

import pytest
from flask.testing import FlaskClient

CONVERSATION = "/v1/website/W/conversation/session_1"


@pytest.fixture(autouse=True)
def _session(client: FlaskClient) -> None:
    client.post("/_sandbox/conversations", json={"session_id": "session_1", "data": {"page": "home"}})


def test_the_whole_conversation(client: FlaskClient) -> None:
    data = client.get(CONVERSATION).get_json()["data"]
    assert (data["website_id"], data["session_id"], data["state"]) == ("W", "session_1", "pending")
    assert data["meta"]["data"] == {"page": "home"}
    assert client.head(CONVERSATION).status_code == 200


def test_patch_merges_data_and_replaces_the_rest(client: FlaskClient) -> None:
    body = {"nickname": "Ada", "segments": ["vip"], "data": {"plan": "pro"}, "device": {"locales": ["fr"]}}
    answer = client.patch(f"{CONVERSATION}/meta", json=body)
    assert (answer.status_code, answer.get_json()["reason"]) == (200, "updated")
    client.patch(f"{CONVERSATION}/meta", json={"segments": ["beta"], "data": {"page": None}})
    meta = client.get(f"{CONVERSATION}/meta").get_json()["data"]
    assert (meta["nickname"], meta["segments"], meta["data"]) == ("Ada", ["beta"], {"plan": "pro"})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "ada"}, "email"),
        ({"data": {"list": []}}, "data.list"),
        ({"device": "phone"}, "device"),
        ({"state": "resolved"}, "state"),
        ({}, "body"),
    ],
)
def test_a_bad_meta_names_the_field(client: FlaskClient, body: dict[str, Any], field: str) -> None:
    answer = client.patch(f"{CONVERSATION}/meta", json=body)
    assert answer.status_code == 400
    assert answer.get_json()["data"]["message"].startswith(f"{field}: ")


@pytest.mark.parametrize("path", ["", "/meta"])
def test_an_unknown_session_is_404(client: FlaskClient, path: str) -> None:
    answer = client.get(f"/v1/website/W/conversation/session_9{path}")
    assert (answer.status_code, answer.get_json()["error"]) == (404, True)
