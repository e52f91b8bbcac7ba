"""The control routes: counts, contacts, switches, emptying, visitors."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

PEOPLE = "/v1/website/W/people"
CONVERSATION = "/v1/website/W/conversation"
Add = Callable[..., str]


def stats(client: FlaskClient) -> dict[str, Any]:
    data: dict[str, Any] = client.get("/_sandbox/stats").get_json()
    return data


def test_a_new_sandbox_counted_nothing(client: FlaskClient) -> None:
    assert stats(client) == {
        "calls": {"total": 0, "by_route": {}, "by_email": {}, "over_limit": 0},
        "creations": {},
        "people": 0,
        "hooks": {"sent": 0, "answered": 0, "failed": 0, "waiting": 0},
        "rtm": {"listeners": 0, "sent": 0},
    }


def test_calls_are_counted_by_route_and_by_email(client: FlaskClient, add: Add) -> None:
    people_id = add("Ada@example.com")
    client.post(f"{PEOPLE}/profile", json={"email": "ada@example.com", "person": {"nickname": "Ada"}})
    client.patch(f"{PEOPLE}/profile/{people_id}", json={"notepad": "x"})
    client.patch(f"{PEOPLE}/profile/ada@example.com", json={"notepad": 3})
    client.head(f"{PEOPLE}/profile/bob@example.com")
    client.get(f"{PEOPLE}/profiles/1")
    client.get(f"{PEOPLE}/events/{people_id}/list/1")
    client.patch("/v1/website/W/batch/remove", json={})
    client.get(f"{CONVERSATION}/session_1/meta")
    client.get("/v1/nothing", headers={"Authorization": ""})
    assert stats(client)["calls"] == {
        "total": 10,
        "by_route": {
            "POST people/profile": 2,
            "PATCH people/profile/{people_id}": 2,
            "HEAD people/profile/{people_id}": 1,
            "GET people/profiles/{page}": 1,
            "GET people/events/{people_id}/list/{page}": 1,
            "PATCH batch/remove": 1,
            "GET conversation/{session_id}/meta": 1,
            "GET {unknown}": 1,
        },
        "by_email": {"ada@example.com": 5, "bob@example.com": 1},
        "over_limit": 0,
    }


def test_creations_stay_counted_after_removal(client: FlaskClient, add: Add) -> None:
    for _ in range(2):
        client.delete(f"{PEOPLE}/profile/{add()}")
    add("bob@example.com")
    assert stats(client)["creations"] == {"ada@example.com": 2, "bob@example.com": 1}
    assert stats(client)["people"] == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"email": 3}', b"\xff"])
def test_a_bad_creation_is_counted_without_an_email(client: FlaskClient, body: bytes) -> None:
    assert client.post(f"{PEOPLE}/profile", data=body).status_code == 400
    assert stats(client)["calls"]["by_email"] == {}


def test_people_lists_full_cards_with_data(client: FlaskClient, add: Add) -> None:
    people_id = add(segments=["vip"])
    client.patch(f"{PEOPLE}/data/{people_id}", json={"data": {"plan": "pro"}})
    card = client.get(f"{PEOPLE}/profile/{people_id}").get_json()["data"]
    assert client.get("/_sandbox/people").get_json() == [{**card, "data": {"plan": "pro"}}]


def test_switches_change_while_it_runs(client: FlaskClient) -> None:
    answer = client.post("/_sandbox", json={"segments": "append", "daily_quota": 5, "rate": None, "key": "new"})
    assert answer.status_code == 200
    switches = answer.get_json()
    assert (switches["segments"], switches["daily_quota"], switches["rate"]) == ("append", 5, None)
    assert "key" not in switches
    assert client.get(f"{PEOPLE}/stats").status_code == 401


def test_secrets_are_not_shown(client: FlaskClient) -> None:
    secret = {"key": "K1", "hook_secret": "S1", "website_hook_url": "http://127.0.0.1:9/?key=S2"}
    switches = client.post("/_sandbox", json={**secret, "hook_url": "http://127.0.0.1:9/"}).get_json()
    assert not secret.keys() & switches.keys()
    assert switches["hook_url"] == "http://127.0.0.1:9/"


def test_a_visitor_who_leaves_an_email_becomes_a_contact(client: FlaskClient) -> None:
    visit = {"session_id": "session_1", "email": "ada@example.com"}
    client.post("/_sandbox/conversations", json=visit)
    client.post("/_sandbox/conversations", json={**visit, "session_id": "session_2", "nickname": "Someone else"})
    [card] = client.get("/_sandbox/people").get_json()
    assert (card["email"], card["person"]) == ("ada@example.com", {"nickname": "ada"})
    assert stats(client)["creations"] == {"ada@example.com": 1}
    listed = client.get(f"{PEOPLE}/conversations/ada@example.com/list/1").get_json()["data"]
    assert listed == ["session_2", "session_1"]


def test_a_visitor_who_says_more_is_known_by_it(client: FlaskClient) -> None:
    visit = {"session_id": "session_1", "email": "ada@example.com", "nickname": "Ada", "phone": "+33123456789"}
    client.post("/_sandbox/conversations", json=visit)
    [card] = client.get("/_sandbox/people").get_json()
    assert card["person"] == {"nickname": "Ada", "phone": "+33123456789"}
    meta = client.get(f"{CONVERSATION}/session_1/meta").get_json()["data"]
    assert (meta["email"], meta["nickname"], meta["phone"]) == ("ada@example.com", "Ada", "+33123456789")


def test_an_empty_change_shows_the_switches(client: FlaskClient) -> None:
    answer = client.post("/_sandbox/", json={})
    assert (answer.status_code, answer.get_json()["website_id"]) == (200, "W")


@pytest.mark.parametrize(
    ("switches", "name"),
    [
        ({"latency": 5}, "latency"),
        ({"latency-ms": 5}, "latency-ms"),
        ({"port": 80}, "port"),
        ({"latency_ms": "fast"}, "latency_ms"),
        ({"latency_ms": 1.5}, "latency_ms"),
        ({"latency_ms": True}, "latency_ms"),
        ({"latency_ms": None}, "latency_ms"),
        ({"daily_quota": -1}, "daily_quota"),
        ({"error_rate": 1.1}, "error_rate"),
        ({"error_rate": "nan"}, "error_rate"),
        ({"error_rate": 0.6, "timeout_rate": 0.6}, "error_rate"),
        ({"timeout_s": "inf"}, "timeout_s"),
        ({"segments": "merge"}, "segments"),
        ({"batch": True}, "batch"),
        ({"limit_status": 423}, "limit_status"),
        ({"tier": "user"}, "tier"),
        ({"key": ""}, "key"),
        ({"key": 5}, "key"),
        ({"hook_url": "127.0.0.1"}, "hook_url"),
        ({"hook_url": 5}, "hook_url"),
        ({"hook_secret": ""}, "hook_secret"),
        ({"hook_retries": -1}, "hook_retries"),
        ({"website_hook_url": "file:///etc/hosts"}, "website_hook_url"),
        ({"rtm": True}, "rtm"),
    ],
)
def test_a_bad_switch_is_named_and_changes_nothing(client: FlaskClient, switches: dict[str, Any], name: str) -> None:
    before = client.post("/_sandbox", json={}).get_json()
    answer = client.post("/_sandbox", json={"segments": "append", **switches})
    assert answer.status_code == 400
    assert answer.get_json()["data"]["message"].startswith(f"{name}: ")
    assert client.post("/_sandbox", json={}).get_json() == before


def test_reset_empties_everything_but_the_switches(client: FlaskClient, add: Add) -> None:
    client.post("/_sandbox", json={"daily_quota": 2, "segments": "append"})
    add()
    client.post("/_sandbox/conversations", json={"session_id": "session_1"})
    client.get(f"{PEOPLE}/stats")
    assert client.get(f"{PEOPLE}/stats").status_code == 429
    assert client.post("/_sandbox/reset").status_code == 200
    assert stats(client)["calls"]["total"] == stats(client)["people"] == 0
    assert stats(client)["creations"] == {}
    assert client.get(f"{CONVERSATION}/session_1").status_code == 404
    assert client.get(f"{PEOPLE}/stats").status_code == 200
    assert client.post("/_sandbox", json={}).get_json()["segments"] == "append"


def test_a_visitor_opens_a_conversation_and_goes_on(client: FlaskClient) -> None:
    visit = {"session_id": "session_1", "email": "ada@example.com", "data": {"page": "home"}, "segments": ["chat"]}
    assert client.post("/_sandbox/conversations", json=visit).status_code == 201
    again = client.post("/_sandbox/conversations", json={"session_id": "session_1", "data": {"cart": 2}})
    assert again.status_code == 200
    assert again.get_json()["session_id"] == "session_1"
    meta = client.get(f"{CONVERSATION}/session_1/meta").get_json()["data"]
    assert meta["data"] == {"page": "home", "cart": 2}
    assert (meta["email"], meta["segments"], meta["phone"]) == ("ada@example.com", ["chat"], "")


@pytest.mark.parametrize(
    ("visit", "field"),
    [
        ({"email": "ada@example.com"}, "session_id"),
        ({"session_id": ""}, "session_id"),
        ({"session_id": "s", "email": "ada"}, "email"),
        ({"session_id": "s", "data": {"a b": 1}}, "data.a b"),
        ({"session_id": "s", "segments": "vip"}, "segments"),
        ({"session_id": "s", "nickname": ""}, "nickname"),
        ({"session_id": "s", "phone": 3}, "phone"),
        ({"session_id": "s", "avatar": "https://a.example/a.png"}, "avatar"),
    ],
)
def test_a_bad_visit_names_the_field(client: FlaskClient, visit: dict[str, Any], field: str) -> None:
    answer = client.post("/_sandbox/conversations", json=visit)
    assert answer.status_code == 400
    assert f"{field}: " in answer.get_json()["data"]["message"]
