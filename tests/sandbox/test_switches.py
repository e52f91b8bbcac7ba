"""The behaviours that Crisp does not document, each way round."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

PEOPLE = "/v1/website/W/people"
Start = Callable[..., FlaskClient]

BEFORE: dict[str, Any] = {
    "email": "ada@example.com",
    "person": {
        "nickname": "Ada",
        "phone": "1",
        "employment": {"name": "Analytical", "title": "CTO"},
        "geolocation": {"country": "FR", "coordinates": {"latitude": 1, "longitude": 2}},
    },
    "company": {"name": "Analytical", "url": "https://a.example", "geolocation": {"country": "FR", "city": "Nantes"}},
    "segments": ["vip"],
}


def with_ada(client: FlaskClient) -> FlaskClient:
    assert client.post(f"{PEOPLE}/profile", json=BEFORE).status_code == 201
    return client


def patched(client: FlaskClient, body: dict[str, Any]) -> dict[str, Any]:
    assert client.patch(f"{PEOPLE}/profile/ada@example.com", json=body).status_code == 200
    after: dict[str, Any] = client.get(f"{PEOPLE}/profile/ada@example.com").get_json()["data"]
    return after


@pytest.mark.parametrize(("switch", "after"), [("replace", ["beta"]), ("append", ["vip", "beta"])])
def test_segments(start: Start, switch: str, after: list[str]) -> None:
    client = with_ada(start(segments=switch))
    assert patched(client, {"segments": ["beta"]})["segments"] == after


def test_appending_keeps_each_segment_once(start: Start) -> None:
    client = with_ada(start(segments="append"))
    assert patched(client, {"segments": ["beta", "vip"]})["segments"] == ["vip", "beta"]


NESTED: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    (
        "merge",
        {"employment": {"title": "CEO"}, "geolocation": {"city": "Nantes"}},
        {"employment": {"name": "Analytical", "title": "CEO"}},
        {"geolocation": {"country": "FR", "coordinates": {"latitude": 1, "longitude": 2}, "city": "Nantes"}},
    ),
    (
        "replace",
        {"employment": {"title": "CEO"}, "geolocation": {"city": "Nantes"}},
        {"employment": {"title": "CEO"}},
        {"geolocation": {"city": "Nantes"}},
    ),
]


@pytest.mark.parametrize(("switch", "body", "employment", "geolocation"), NESTED, ids=["merge", "replace"])
def test_nested_of_person(
    start: Start, switch: str, body: dict[str, Any], employment: dict[str, Any], geolocation: dict[str, Any]
) -> None:
    after = patched(with_ada(start(nested=switch)), {"person": body})["person"]
    assert after == {"nickname": "Ada", "phone": "1", **employment, **geolocation}


@pytest.mark.parametrize(
    ("switch", "after"),
    [
        ("merge", {**BEFORE["company"], "geolocation": {"country": "FR", "city": "Paris"}}),
        ("replace", {"geolocation": {"city": "Paris"}}),
    ],
)
def test_nested_of_company(start: Start, switch: str, after: dict[str, Any]) -> None:
    client = with_ada(start(nested=switch))
    assert patched(client, {"company": {"geolocation": {"city": "Paris"}}})["company"] == after


@pytest.mark.parametrize("switch", ["merge", "replace"])
def test_nested_leaves_alone_what_is_not_sent(start: Start, switch: str) -> None:
    after = patched(with_ada(start(nested=switch)), {"person": {"nickname": "A."}})
    assert after["person"] == {**BEFORE["person"], "nickname": "A."}
    assert after["company"] == BEFORE["company"]


GONE, REFUSED = object(), object()


@pytest.mark.parametrize(
    ("switch", "value", "after"),
    [
        ("null", None, GONE),
        ("null", "", ""),
        ("empty", None, REFUSED),
        ("empty", "", GONE),
        ("put", None, REFUSED),
        ("put", "", ""),
    ],
)
@pytest.mark.parametrize("route", ["data", "batch"])
def test_data_removal(start: Start, route: str, switch: str, value: object, after: object) -> None:
    client = start(data_removal=switch)
    people_id = client.post(f"{PEOPLE}/profile", json=BEFORE).get_json()["data"]["people_id"]
    client.put(f"{PEOPLE}/data/{people_id}", json={"data": {"plan": "pro", "seats": 3}})
    if route == "data":
        answer = client.patch(f"{PEOPLE}/data/{people_id}", json={"data": {"plan": value}})
    else:
        body = {"people": {"profiles": [people_id]}, "data": {"plan": value}}
        answer = client.patch("/v1/website/W/batch/data", json=body)
    assert answer.status_code == (400 if after is REFUSED else 200)
    plan = "pro" if after is REFUSED else after
    expected = {"seats": 3} if after is GONE else {"plan": plan, "seats": 3}
    assert client.get(f"{PEOPLE}/data/{people_id}").get_json()["data"]["data"] == expected


@pytest.mark.parametrize("switch", ["null", "empty", "put"])
def test_a_put_of_the_rest_always_removes(start: Start, switch: str) -> None:
    client = with_ada(start(data_removal=switch))
    client.put(f"{PEOPLE}/data/ada@example.com", json={"data": {"plan": "pro", "seats": 3}})
    client.put(f"{PEOPLE}/data/ada@example.com", json={"data": {"seats": 3}})
    assert client.get(f"{PEOPLE}/data/ada@example.com").get_json()["data"]["data"] == {"seats": 3}
    assert client.put(f"{PEOPLE}/data/ada@example.com", json={"data": {"plan": None}}).status_code == 400


@pytest.mark.parametrize("route", ["data", "segments", "remove"])
def test_without_batch_there_is_no_such_route(start: Start, route: str) -> None:
    answer = start(batch="off").patch(f"/v1/website/W/batch/{route}", json={"people": {"profiles": ["x"]}})
    assert (answer.status_code, answer.get_json()["reason"]) == (404, "route_not_found")
