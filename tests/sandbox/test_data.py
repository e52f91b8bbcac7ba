"""Custom data, events, conversations, subscription and suggestions of contacts."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

PEOPLE = "/v1/website/W/people"
Add = Callable[..., str]


def data(client: FlaskClient, who: str = "ada@example.com") -> Any:
    return client.get(f"{PEOPLE}/data/{who}").get_json()["data"]["data"]


def test_data_is_nested_twice(client: FlaskClient, add: Add) -> None:
    add()
    answer = client.get(f"{PEOPLE}/data/ada@example.com").get_json()
    assert answer == {"error": False, "reason": "resolved", "data": {"data": {}}}


def test_patch_merges_keys_and_put_replaces_them(client: FlaskClient, add: Add) -> None:
    people_id = add()
    client.patch(f"{PEOPLE}/data/{people_id}", json={"data": {"plan": "pro", "seats": 3, "beta": True}})
    client.patch(f"{PEOPLE}/data/ada@example.com", json={"data": {"plan": "free", "ltv": 1.5}})
    assert data(client) == {"plan": "free", "seats": 3, "beta": True, "ltv": 1.5}
    client.put(f"{PEOPLE}/data/{people_id}", json={"data": {"plan": "free"}})
    assert data(client) == {"plan": "free"}
    client.put(f"{PEOPLE}/data/{people_id}", json={"data": {}})
    assert data(client) == {}


@pytest.mark.parametrize("path", ["data", "subscription"])
def test_an_unknown_person_is_404(client: FlaskClient, path: str) -> None:
    for method, body in (("get", None), ("patch", {"data": {"a": 1}} if path == "data" else {"email": True})):
        answer = getattr(client, method)(f"{PEOPLE}/{path}/bob@example.com", json=body)
        assert (answer.status_code, answer.get_json()["reason"]) == (404, "people_not_found")


def test_events_are_listed_newest_first(client: FlaskClient, add: Add) -> None:
    add()
    for number in range(25):
        event = {"text": f"order {number}", "data": {"amount": number}, "color": "red"}
        answer = client.post(f"{PEOPLE}/events/ada@example.com", json=event)
        assert (answer.status_code, answer.get_json()) == (201, {"error": False, "reason": "added", "data": {}})
    first = client.get(f"{PEOPLE}/events/ada@example.com/list/1").get_json()["data"]
    rest = client.get(f"{PEOPLE}/events/ada@example.com/list/2").get_json()["data"]
    assert (len(first), len(rest)) == (20, 5)
    assert first[0] == {
        "text": "order 24",
        "data": {"amount": 24},
        "color": "red",
        "timestamp": 1_728_043_200_000,
    }


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"data": {}}, "text"),
        ({"text": "x", "color": "mauve"}, "color"),
        ({"text": "x", "data": {"a b": 1}}, "data.a b"),
        ({"text": "x", "data": {"list": []}}, "data.list"),
    ],
)
def test_a_bad_event_is_refused(client: FlaskClient, add: Add, event: dict[str, Any], field: str) -> None:
    add()
    answer = client.post(f"{PEOPLE}/events/ada@example.com", json=event)
    assert answer.status_code == 400
    assert answer.get_json()["data"]["message"].startswith(f"{field}: ")


def test_subscription(client: FlaskClient, add: Add) -> None:
    add()
    path = f"{PEOPLE}/subscription/ada@example.com"
    assert client.get(path).get_json()["data"] == {"email": True}
    assert client.patch(path, json={"email": False}).status_code == 200
    assert client.get(path).get_json()["data"] == {"email": False}
    assert client.patch(path, json={"email": "no"}).status_code == 400


def test_conversations_of_a_person(client: FlaskClient, add: Add) -> None:
    add()
    for number in range(3):
        visit = {"session_id": f"session_{number}", "email": "Ada@example.com" if number else "bob@example.com"}
        client.post("/_sandbox/conversations", json=visit)
    listed = client.get(f"{PEOPLE}/conversations/ada@example.com/list/1").get_json()["data"]
    assert listed == ["session_2", "session_1"]


def test_suggestions_count_what_is_in_use(client: FlaskClient, add: Add) -> None:
    for number in range(3):
        people_id = add(f"p{number}@example.com", segments=["customer", "vip"] if number else ["customer"])
        client.patch(f"{PEOPLE}/data/{people_id}", json={"data": {"plan": "pro"} if number else {"seats": 1}})
    segments = [{"segment": "customer", "count": 3}, {"segment": "vip", "count": 2}]
    assert client.get(f"{PEOPLE}/suggest/segments/1").get_json()["data"] == segments
    keys = [{"key": "plan", "count": 2}, {"key": "seats", "count": 1}]
    assert client.get(f"{PEOPLE}/suggest/data/1").get_json()["data"] == keys
    assert client.get(f"{PEOPLE}/stats").get_json()["data"] == {"total": 3}


def test_suggestions_have_pages(client: FlaskClient, add: Add) -> None:
    add(segments=[f"s{number:02}" for number in range(25)])
    pages = [client.get(f"{PEOPLE}/suggest/segments/{page}").get_json()["data"] for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [20, 5, 0]
    assert pages[1][0] == {"segment": "s20", "count": 1}
