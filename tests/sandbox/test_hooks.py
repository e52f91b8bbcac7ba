"""Hooks: what is told of each change, how it is signed, and what happens when nobody listens."""

import hashlib
import hmac
import json
import subprocess
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient

from connector.sandbox.events import EVERYTHING, FOR_WEBSITE_HOOKS
from tests.sandbox.receiver import Hook, Receiver, until

PEOPLE = "/v1/website/W/people"
BATCH = "/v1/website/W/batch"
META = "/v1/website/W/conversation/session_1/meta"
NOON = 1_728_043_200_000
ADA = {"email": "ada@example.com", "person": {"nickname": "Ada"}}
Start = Callable[..., FlaskClient]
Serve = Callable[..., AbstractContextManager[tuple[dict[str, str], "subprocess.Popen[str]"]]]


@pytest.fixture
def client(start: Start, receiver: Receiver) -> FlaskClient:
    """A sandbox that posts plugin hooks to the receiver, without pauses."""
    return start(hook_url=receiver.url, hook_pause_ms=0)


@pytest.fixture
def people_id(client: FlaskClient, receiver: Receiver) -> str:
    """Ada, of whom the receiver has been told."""
    added: str = client.post(f"{PEOPLE}/profile", json=ADA).get_json()["data"]["people_id"]
    receiver.wait_for(1)
    receiver.hooks.clear()
    return added


def visit(client: FlaskClient, **said: Any) -> None:
    assert client.post("/_sandbox/conversations", json={"session_id": "session_1", **said}).status_code < 300


def stats(client: FlaskClient) -> dict[str, int]:
    counts: dict[str, int] = client.get("/_sandbox/stats").get_json()["hooks"]
    return counts


def quiet(client: FlaskClient) -> dict[str, int]:
    """The counts once no event waits."""
    until(lambda: stats(client)["waiting"] == 0)
    return stats(client)


def test_the_body_of_a_hook(client: FlaskClient, receiver: Receiver) -> None:
    people_id = client.post(f"{PEOPLE}/profile", json=ADA).get_json()["data"]["people_id"]
    [hook] = receiver.wait_for(1)
    assert hook.body == {
        "website_id": "W",
        "event": "people:profile:created",
        "data": {"website_id": "W", "people_id": people_id, "email": "ada@example.com"},
        "timestamp": NOON,
    }
    assert quiet(client) == {"sent": 1, "answered": 1, "failed": 0, "waiting": 0}


UPDATES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("PATCH", "/profile", {"person": {"phone": "1"}}, {"person": {"phone": "1"}}),
    ("PATCH", "/profile", {"notepad": "x", "segments": ["vip", "vip"]}, {"notepad": "x", "segments": ["vip"]}),
    ("PUT", "/profile", ADA, {**ADA, "company": {}, "segments": [], "notepad": ""}),
    ("PATCH", "/data", {"data": {"plan": "pro"}}, {}),
    ("PUT", "/data", {"data": {"plan": "pro"}}, {}),
]


@pytest.mark.parametrize(("method", "route", "body", "update"), UPDATES, ids=lambda value: str(value)[:30])
def test_an_update(
    client: FlaskClient,
    receiver: Receiver,
    people_id: str,
    method: str,
    route: str,
    body: dict[str, Any],
    update: dict[str, Any],
) -> None:
    assert client.open(f"{PEOPLE}{route}/{people_id}", method=method, json=body).status_code == 200
    [(event, data)] = receiver.told(1)
    assert event == "people:profile:updated"
    assert data == {
        "website_id": "W",
        "people_id": people_id,
        "email": "ada@example.com",
        "update": {**update, "updated_at": NOON},
    }


def test_a_new_email_is_told(client: FlaskClient, receiver: Receiver, people_id: str) -> None:
    client.patch(f"{PEOPLE}/profile/{people_id}", json={"email": "countess@example.com"})
    [(_, data)] = receiver.told(1)
    assert (data["email"], data["update"]["email"]) == ("countess@example.com", "countess@example.com")


def test_segments_that_are_appended_are_told_whole(start: Start, receiver: Receiver) -> None:
    client = start(hook_url=receiver.url, segments="append")
    client.post(f"{PEOPLE}/profile", json={**ADA, "segments": ["vip"]})
    client.patch(f"{PEOPLE}/profile/ada@example.com", json={"segments": ["beta"]})
    assert receiver.told(2)[1][1]["update"]["segments"] == ["vip", "beta"]


def test_a_removal(client: FlaskClient, receiver: Receiver, people_id: str) -> None:
    client.delete(f"{PEOPLE}/profile/ada@example.com")
    assert receiver.told(1) == [("people:profile:removed", {"website_id": "W", "people_id": people_id})]


def test_a_subscription_is_told_when_it_changes(client: FlaskClient, receiver: Receiver, people_id: str) -> None:
    for subscribed in (True, False, False, True):
        client.patch(f"{PEOPLE}/subscription/{people_id}", json={"email": subscribed})
    data = {"website_id": "W", "email": "ada@example.com"}
    assert receiver.told(2) == [("email:subscribe", {**data, "subscribed": value}) for value in (False, True)]
    assert quiet(client)["sent"] == 3


@pytest.mark.parametrize(
    ("route", "body", "event"),
    [
        ("data", {"data": {"plan": "pro"}}, "people:profile:updated"),
        ("segments", {"segments": ["vip"]}, "people:profile:updated"),
        ("remove", {}, "people:profile:removed"),
    ],
)
def test_a_batch_is_told_for_each(
    client: FlaskClient, receiver: Receiver, route: str, body: dict[str, Any], event: str
) -> None:
    for name in ("ada", "bob"):
        client.post(f"{PEOPLE}/profile", json={"email": f"{name}@example.com", "person": {"nickname": name}})
    ids = [data["people_id"] for _, data in receiver.told(2)]
    client.patch(f"{BATCH}/{route}", json={"people": {"profiles": ids}, **body})
    assert [(name, data["people_id"]) for name, data in receiver.told(4)[2:]] == [(event, each) for each in ids]


def test_what_is_refused_is_not_told(client: FlaskClient, people_id: str) -> None:
    client.post(f"{PEOPLE}/profile", json=ADA)
    client.patch(f"{PEOPLE}/profile/{people_id}", json={"email": "nobody"})
    client.patch(f"{PEOPLE}/data/bob@example.com", json={"data": {"plan": "pro"}})
    client.delete(f"{PEOPLE}/profile/bob@example.com")
    client.get(f"{PEOPLE}/profile/{people_id}")
    assert quiet(client)["sent"] == 1


def test_a_change_whose_answer_is_lost_is_told(start: Start, receiver: Receiver) -> None:
    client = start(hook_url=receiver.url, timeout_rate=1, timeout_s=0)
    client.post(f"{PEOPLE}/profile", json=ADA)
    assert receiver.told(1)[0][0] == "people:profile:created"


def test_a_visitor_nobody_knew(client: FlaskClient, receiver: Receiver) -> None:
    visit(client, email="ada@example.com", nickname="Ada", phone="1", data={"plan": "pro"}, segments=["chat"])
    told = receiver.told(7)
    people_id = client.get("/_sandbox/people").get_json()[0]["people_id"]
    of_session = {"website_id": "W", "session_id": "session_1"}
    assert told == [
        ("session:set_nickname", {**of_session, "nickname": "Ada"}),
        ("session:set_email", {**of_session, "email": "ada@example.com"}),
        ("session:set_phone", {**of_session, "phone": "1"}),
        ("session:set_segments", {**of_session, "segments": ["chat"]}),
        ("session:set_data", {**of_session, "data": {"plan": "pro"}}),
        ("people:profile:created", {"website_id": "W", "people_id": people_id, "email": "ada@example.com"}),
        ("people:bind:session", {**of_session, "people_id": people_id}),
    ]


def test_a_visitor_somebody_knew(client: FlaskClient, receiver: Receiver, people_id: str) -> None:
    visit(client, email="Ada@example.com")
    told = receiver.told(3)
    assert [event for event, _ in told] == ["session:set_email", "people:bind:session", "people:sync:profile"]
    assert told[2][1]["people_id"] == people_id
    assert told[2][1]["identity"]["person"] == {"nickname": "Ada"}


def test_the_metas_are_told_where_they_change(client: FlaskClient, receiver: Receiver) -> None:
    visit(client, data={"plan": "free", "seats": 3})
    client.patch(META, json={"data": {"plan": "pro"}, "subject": "Order", "segments": ["vip"]})
    client.patch(META, json={"data": {"plan": "pro"}, "subject": "Order", "segments": ["vip"], "ip": "::1"})
    client.patch(f"{BATCH}/data", json={"sessions": ["session_1", "session_9"], "data": {"plan": None}})
    of_session = {"website_id": "W", "session_id": "session_1"}
    assert receiver.told(5) == [
        ("session:set_data", {**of_session, "data": {"plan": "free", "seats": 3}}),
        ("session:set_subject", {**of_session, "subject": "Order"}),
        ("session:set_segments", {**of_session, "segments": ["vip"]}),
        ("session:set_data", {**of_session, "data": {"plan": "pro", "seats": 3}}),
        ("session:set_data", {**of_session, "data": {"seats": 3}}),
    ]
    assert quiet(client)["sent"] == 5


def signed(secret: str, hook: Hook) -> str:
    told = f"[{hook.headers['X-Crisp-Request-Timestamp']};{hook.text}]"
    return hmac.new(secret.encode(), told.encode(), hashlib.sha256).hexdigest()


def test_plugin_hooks_are_signed_with_the_secret_of_the_moment(client: FlaskClient, receiver: Receiver) -> None:
    for secret in ("first", "second", None):
        client.post("/_sandbox", json={"hook_secret": secret})
        visit(client, nickname=f"Zoë {secret}")
        quiet(client)
    first, second, unsigned = receiver.wait_for(3)
    assert first.headers["X-Crisp-Signature"] == signed("first", first)
    assert second.headers["X-Crisp-Signature"] == signed("second", second)
    assert "X-Crisp-Signature" not in unsigned.headers
    assert "Zoë" in first.text, "the text is as JSON.stringify writes it"


def test_the_headers_of_a_plugin_hook(client: FlaskClient, receiver: Receiver) -> None:
    visit(client, nickname="Ada")
    [hook] = receiver.wait_for(1)
    assert hook.headers["Content-Type"] == "application/json"
    assert hook.headers["X-Crisp-Hook-Origin"].startswith("plugin/")
    assert hook.headers["X-Crisp-Request-Timestamp"] == str(NOON)
    assert (hook.headers["X-Delivery-Attempt-Count"], hook.headers["X-Delivery-Attempt-Limit"]) == ("1", "4")


@pytest.mark.parametrize("status", [302, 404, 410, 429, 500, 503])
def test_a_plugin_hook_without_a_2xx_is_tried_again(client: FlaskClient, receiver: Receiver, status: int) -> None:
    receiver.answers = [status, status]
    visit(client, nickname="Ada")
    hooks = receiver.wait_for(3)
    assert [hook.headers["X-Delivery-Attempt-Count"] for hook in hooks] == ["1", "2", "3"]
    assert len({hook.text for hook in hooks}) == 1
    assert quiet(client) == {"sent": 3, "answered": 1, "failed": 0, "waiting": 0}


def test_a_plugin_hook_is_given_up_and_the_next_goes_on(start: Start, receiver: Receiver) -> None:
    client = start(hook_url=receiver.url, hook_retries=2, hook_pause_ms=0)
    receiver.answers = [500, 500, 500]
    visit(client, nickname="Ada")
    visit(client, nickname="Bob")
    counts = [hook.headers["X-Delivery-Attempt-Count"] for hook in receiver.wait_for(4)]
    assert counts == ["1", "2", "3", "1"]
    assert quiet(client) == {"sent": 4, "answered": 1, "failed": 1, "waiting": 0}


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/crisp", f"http://{'a' * 70}.invalid/"])
def test_an_address_where_nobody_is(start: Start, url: str) -> None:
    client = start(hook_url=url, hook_retries=1, hook_pause_ms=0)
    visit(client, nickname="Ada")
    assert quiet(client) == {"sent": 2, "answered": 0, "failed": 1, "waiting": 0}


def test_what_waits_goes_to_the_new_address(start: Start, receiver: Receiver) -> None:
    client = start(hook_url="http://127.0.0.1:9/crisp", hook_retries=100, hook_pause_ms=20)
    visit(client, nickname="Ada")
    client.post("/_sandbox", json={"hook_url": receiver.url})
    assert receiver.told(1)[0][0] == "session:set_nickname"


def test_website_hooks_are_neither_signed_nor_tried_again(start: Start, receiver: Receiver) -> None:
    client = start(website_hook_url=f"{receiver.url}?key=s%C3%A9cret&b=+", hook_secret="S", hook_pause_ms=0)
    receiver.answers = [500]
    visit(client, nickname="Ada")
    visit(client, nickname="Bob")
    first, second = receiver.wait_for(2)
    assert first.path == "/crisp?key=s%C3%A9cret&b=+"
    assert [hook.body["data"]["nickname"] for hook in (first, second)] == ["Ada", "Bob"]
    assert "X-Crisp-Signature" not in first.headers
    assert (first.headers["X-Delivery-Attempt-Count"], first.headers["X-Delivery-Attempt-Limit"]) == ("1", "1")
    assert quiet(client) == {"sent": 2, "answered": 1, "failed": 1, "waiting": 0}


def test_website_hooks_are_told_less(start: Start, receiver: Receiver) -> None:
    kept_back = {"people:bind:session", "people:sync:profile", "email:subscribe"}
    assert EVERYTHING - kept_back == FOR_WEBSITE_HOOKS
    client = start(website_hook_url=receiver.url)
    visit(client, email="ada@example.com")
    assert [event for event, _ in receiver.told(2)] == ["session:set_email", "people:profile:created"]
    assert quiet(client)["sent"] == 2


def test_both_kinds_at_once(start: Start, receiver: Receiver) -> None:
    client = start(hook_url=receiver.url, website_hook_url=f"{receiver.url}?key=s")
    visit(client, nickname="Ada")
    assert {hook.path for hook in receiver.wait_for(2)} == {"/crisp", "/crisp?key=s"}


def test_without_an_address_nothing_is_kept(start: Start, receiver: Receiver) -> None:
    client = start()
    visit(client, nickname="Ada")
    client.post("/_sandbox", json={"hook_url": receiver.url})
    visit(client, nickname="Bob")
    assert receiver.told(1)[0][1]["nickname"] == "Bob"
    assert quiet(client)["sent"] == 1


def test_reset_forgets_what_waits(client: FlaskClient, receiver: Receiver) -> None:
    receiver.go_on.clear()
    for number in range(20):
        visit(client, nickname=f"Ada {number}")
    receiver.wait_for(1)
    client.post("/_sandbox/reset")
    receiver.go_on.set()
    quiet(client)
    assert len(receiver.hooks) == 1


def test_500_changes_are_told_in_order(client: FlaskClient, receiver: Receiver) -> None:
    for number in range(500):
        visit(client, data={"number": number})
    quiet_at = receiver.wait_for(500)
    assert [hook.body["data"]["data"]["number"] for hook in quiet_at] == list(range(500))


def test_a_receiver_that_hangs_delays_no_answer(serve: Serve, receiver: Receiver) -> None:
    """The sandbox as a process of its own: 50 calls while the receiver holds the first hook."""
    receiver.go_on.clear()
    with serve("--hook-url", receiver.url, "--hook-secret", "S") as (address, _), requests.Session() as session:
        session.auth = (address["identifier"], address["key"])
        session.headers["X-Crisp-Tier"] = address["tier"]
        people = f"{address['url']}/v1/website/{address['website_id']}/people/profile"
        began = time.monotonic()
        for number in range(50):
            body = {"email": f"ada{number}@example.com", "person": {"nickname": "Ada"}}
            assert session.post(people, json=body, timeout=5).status_code == 201
        counts = session.get(f"{address['url']}/_sandbox/stats", timeout=5).json()["hooks"]
        elapsed = time.monotonic() - began
        receiver.go_on.set()
        hooks = receiver.wait_for(50)
    assert elapsed < 2, elapsed
    assert counts == {"sent": 1, "answered": 0, "failed": 0, "waiting": 50}
    assert [hook.body["data"]["email"] for hook in hooks] == [f"ada{number}@example.com" for number in range(50)]
    assert all(hook.headers["X-Crisp-Signature"] == signed("S", hook) for hook in hooks)
    assert abs(int(hooks[0].headers["X-Crisp-Request-Timestamp"]) / 1000 - time.time()) < 30


def test_it_stops_although_hooks_wait(serve: Serve, receiver: Receiver) -> None:
    receiver.go_on.clear()
    with serve("--hook-url", receiver.url) as (address, process):
        said = json.dumps({"session_id": "session_1", "nickname": "Ada"})
        requests.post(f"{address['url']}/_sandbox/conversations", data=said, timeout=5)
        receiver.wait_for(1)
        process.terminate()
        _, said = process.communicate(timeout=5)
        receiver.go_on.set()
    assert (process.returncode, said.count("\n")) == (0, 1), said
