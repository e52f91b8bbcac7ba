"""The batch routes: one change on many contacts, or on many conversations, in one call."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

BATCH = "/v1/website/W/batch"


@pytest.fixture
def ids(add: Callable[..., str]) -> list[str]:
    """Three contacts; the first is called Ada."""
    return [add(f"p{number}@example.com", "Bob" if number else "Ada", segments=["old"]) for number in range(3)]


def people(client: FlaskClient) -> list[dict[str, Any]]:
    cards: list[dict[str, Any]] = client.get("/_sandbox/people").get_json()
    return cards


def test_data_is_merged_on_all_of_them(client: FlaskClient, ids: list[str]) -> None:
    client.patch(f"/v1/website/W/people/data/{ids[0]}", json={"data": {"seats": 3}})
    answer = client.patch(f"{BATCH}/data", json={"people": {"profiles": ids[:2]}, "data": {"plan": "pro"}})
    assert (answer.status_code, answer.get_json()["reason"]) == (200, "updated")
    assert [card["data"] for card in people(client)] == [{"seats": 3, "plan": "pro"}, {"plan": "pro"}, {}]


@pytest.mark.parametrize(("switch", "after"), [("replace", ["new"]), ("append", ["old", "new"])])
def test_segments_follow_the_switch(client: FlaskClient, ids: list[str], switch: str, after: list[str]) -> None:
    client.post("/_sandbox", json={"segments": switch})
    client.patch(f"{BATCH}/segments", json={"people": {"profiles": ids[1:]}, "segments": ["new"]})
    assert [card["segments"] for card in people(client)] == [["old"], after, after]


def test_remove(client: FlaskClient, ids: list[str]) -> None:
    answer = client.patch(f"{BATCH}/remove", json={"people": {"profiles": ids[:2]}})
    assert (answer.status_code, answer.get_json()["reason"]) == (200, "deleted")
    assert [card["people_id"] for card in people(client)] == ids[2:]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (json.dumps([{"model": "people", "criterion": "person.nickname", "operator": "eq", "query": ["Bob"]}]), 2),
        ("ada", 1),
        ("example.com", 3),
        ("nobody", 0),
    ],
)
def test_people_are_found_by_search(client: FlaskClient, ids: list[str], search: str, found: int) -> None:
    client.patch(f"{BATCH}/data", json={"people": {"search": search}, "data": {"plan": "pro"}})
    assert sum(card["data"] == {"plan": "pro"} for card in people(client)) == found


def test_only_a_people_id_names_a_contact(client: FlaskClient, ids: list[str]) -> None:
    """Unknown ids are passed over; an email is one."""
    profiles = ["p0@example.com", "unknown", ids[2], ids[2]]
    assert client.patch(f"{BATCH}/remove", json={"people": {"profiles": profiles}}).status_code == 200
    assert [card["people_id"] for card in people(client)] == ids[:2]


def test_at_most_500_in_one_call(client: FlaskClient, ids: list[str]) -> None:
    many = [*ids, *(str(number) for number in range(498))]
    body = {"people": {"profiles": many}, "data": {"plan": "pro"}}
    assert client.patch(f"{BATCH}/data", json=body).status_code == 400
    body["people"] = {"profiles": many[:500]}
    assert client.patch(f"{BATCH}/data", json=body).status_code == 200


@pytest.mark.parametrize(
    ("route", "body", "field"),
    [
        ("data", {"data": {"plan": "pro"}}, "people"),
        ("data", {"people": {"profiles": ["x"]}}, "data"),
        ("data", {"people": {"profiles": ["x"]}, "data": {"a b": 1}}, "data.a b"),
        ("data", {"people": {"profiles": "x"}, "data": {}}, "people.profiles"),
        ("data", {"people": {"ids": ["x"]}, "data": {}}, "people.ids"),
        ("data", {"sessions": "x", "data": {}}, "sessions"),
        ("segments", {"people": {"profiles": ["x"]}, "segments": "vip"}, "segments"),
        ("segments", {"people": {"profiles": ["x"]}}, "segments"),
        ("remove", {"people": {}}, "people"),
        ("remove", {"people": {"profiles": ["x"], "search": "x"}}, "people"),
        ("remove", {"profiles": ["x"]}, "people"),
    ],
)
def test_a_bad_body_names_the_field(client: FlaskClient, route: str, body: dict[str, Any], field: str) -> None:
    answer = client.patch(f"{BATCH}/{route}", json=body)
    assert (answer.status_code, answer.get_json()["reason"]) == (400, "invalid_data")
    assert f"{field}: " in answer.get_json()["data"]["message"]


def test_data_of_conversations(client: FlaskClient) -> None:
    for name in ("session_1", "session_2", "session_3"):
        client.post("/_sandbox/conversations", json={"session_id": name, "data": {"page": "home"}})
    body = {"sessions": ["session_1", "session_2", "unknown"], "data": {"plan": "pro"}}
    assert client.patch(f"{BATCH}/data", json=body).status_code == 200
    metas = [
        client.get(f"/v1/website/W/conversation/session_{number}/meta").get_json()["data"]["data"]
        for number in (1, 2, 3)
    ]
    assert metas == [{"page": "home", "plan": "pro"}, {"page": "home", "plan": "pro"}, {"page": "home"}]
