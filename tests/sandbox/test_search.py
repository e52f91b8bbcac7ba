"""List People Profiles: filters, quick search, dates, order and pages."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

PROFILES = "/v1/website/W/people/profiles"


def names(client: FlaskClient, **query: str) -> list[str]:
    answer = client.get(PROFILES, query_string=query)
    assert answer.status_code == 200, answer.get_json()
    return [card["person"]["nickname"] for card in answer.get_json()["data"]]


def condition(criterion: str, operator: str, *query: Any) -> dict[str, Any]:
    return {"model": "people", "criterion": criterion, "operator": operator, "query": list(query)}


@pytest.fixture(autouse=True)
def _three(client: FlaskClient, add: Callable[..., str], clock: Any) -> None:
    """Ada, Bob and Cleo, created a day apart."""
    people: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("Ada", {"segments": ["vip", "customer"], "company": {"name": "Analytical"}}, {"plan": "pro", "seats": 3}),
        ("Bob", {"person": {"geolocation": {"country": "FR", "city": "Nantes"}}}, {"plan": "free", "seats": 12}),
        ("Cleo", {"segments": ["customer"], "active": 1_700_000_000_000}, {"beta": True}),
    ]
    for name, card, data in people:
        add(f"{name.lower()}@example.com", name, **card)
        client.patch(f"/v1/website/W/people/data/{name}@example.com", json={"data": data})
        clock.now += 86_400


@pytest.mark.parametrize(
    ("criterion", "operator", "query", "found"),
    [
        ("email", "eq", ["ADA@example.com"], "Ada"),
        ("email", "eq", ["ada@example.com", "bob@example.com"], "Ada Bob"),
        ("email", "neq", ["ada@example.com"], "Bob Cleo"),
        ("email", "has", ["O"], "Ada Bob Cleo"),
        ("person.nickname", "has", ["o"], "Bob Cleo"),
        ("person.nickname", "nhas", ["o"], "Ada"),
        ("segments", "eq", ["customer"], "Ada Cleo"),
        ("segments", "neq", ["vip"], "Bob Cleo"),
        ("segments", "has", ["vi"], "Ada"),
        ("company.name", "eq", ["analytical"], "Ada"),
        ("company.name", "neq", ["analytical"], "Bob Cleo"),
        ("person.geolocation.country", "eq", ["FR"], "Bob"),
        ("data.plan", "eq", ["pro", "free"], "Ada Bob"),
        ("data.seats", "eq", [3.0], "Ada"),
        ("data.seats", "gt", [3], "Bob"),
        ("data.seats", "gte", ["3"], "Ada Bob"),
        ("data.seats", "lt", [12], "Ada"),
        ("data.seats", "lte", [12.0], "Ada Bob"),
        ("data.beta", "eq", [True], "Cleo"),
        ("data.beta", "eq", ["true"], "Cleo"),
        ("created_at", "gte", ["2024-10-06T00:00:00Z"], "Cleo"),
        ("active", "gt", [0], "Cleo"),
        ("data.none", "eq", ["x"], ""),
    ],
)
def test_operators(client: FlaskClient, criterion: str, operator: str, query: list[Any], found: str) -> None:
    assert names(client, search_filter=json.dumps([condition(criterion, operator, *query)])) == found.split()


@pytest.mark.parametrize(("operator", "found"), [("or", ["Ada", "Bob", "Cleo"]), ("and", ["Ada"]), (None, ["Ada"])])
def test_conditions_are_joined(client: FlaskClient, operator: str | None, found: list[str]) -> None:
    conditions = [condition("person.nickname", "eq", "Ada", "Bob"), condition("segments", "eq", "customer")]
    query = {"search_filter": json.dumps(conditions)} | ({"search_operator": operator} if operator else {})
    assert names(client, **query) == found


@pytest.mark.parametrize(
    ("text", "found"), [("nantes", "Bob"), ("ANALYT", "Ada"), ("customer", "Ada Cleo"), ("cleo@", "Cleo"), ("zzz", "")]
)
def test_quick_search(client: FlaskClient, text: str, found: str) -> None:
    assert names(client, search_text=text) == found.split()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"filter_date_start": "2024-10-05"}, "Bob Cleo"),
        ({"filter_date_end": "2024-10-05T12:00:00+00:00"}, "Ada Bob"),
        ({"filter_date_start": "2024-10-05T00:00:00Z", "filter_date_end": "2024-10-06T00:00:00Z"}, "Bob"),
    ],
)
def test_dates_of_creation(client: FlaskClient, query: dict[str, str], found: str) -> None:
    assert names(client, **query) == found.split()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, "Ada Bob Cleo"),
        ({"sort_order": "descending"}, "Cleo Bob Ada"),
        ({"sort_field": "nickname", "sort_order": "descending"}, "Cleo Bob Ada"),
        ({"sort_field": "data.seats"}, "Cleo Ada Bob"),
        ({"sort_field": "active", "sort_order": "descending"}, "Cleo Ada Bob"),
        ({"sort_field": "segments", "sort_order": "descending"}, "Ada Cleo Bob"),
    ],
)
def test_order(client: FlaskClient, query: dict[str, str], found: str) -> None:
    assert names(client, **query) == found.split()


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"search_filter": "email"}, "search_filter"),
        ({"search_filter": "[" * 100_000}, "search_filter"),
        ({"search_filter": "{}"}, "search_filter"),
        ({"search_filter": "[1]"}, "search_filter[0]"),
        ({"search_filter": json.dumps([condition("emial", "eq", "x")])}, "search_filter[0].criterion"),
        ({"search_filter": json.dumps([condition("email", "is", "x")])}, "search_filter[0].operator"),
        ({"search_filter": json.dumps([condition("email", "eq")])}, "search_filter[0].query"),
        ({"search_filter": '[{"model": "visitors"}]'}, "search_filter[0].model"),
        ({"search_filter": "[]", "search_operator": "xor"}, "search_operator"),
        ({"sort_order": "up"}, "sort_order"),
        ({"sort_field": "shoe size"}, "sort_field"),
        ({"per_page": "19"}, "per_page"),
        ({"per_page": "51"}, "per_page"),
        ({"per_page": "many"}, "per_page"),
        ({"filter_date_start": "yesterday"}, "filter_date_start"),
    ],
)
def test_a_bad_query_names_the_field(client: FlaskClient, query: dict[str, str], field: str) -> None:
    answer = client.get(PROFILES, query_string=query)
    assert (answer.status_code, answer.get_json()["reason"]) == (400, "invalid_data")
    assert field in answer.get_json()["data"]["message"]


def test_pages(client: FlaskClient, add: Callable[..., str]) -> None:
    for number in range(58):
        add(f"p{number}@example.com")
    sizes = {
        (page, per_page): len(client.get(f"{PROFILES}/{page}?per_page={per_page}").get_json()["data"])
        for page in (1, 2, 3, 4, 5)
        for per_page in ("", 25, 50)
    }
    assert [sizes[page, ""] for page in (1, 2, 3, 4, 5)] == [20, 20, 20, 1, 0]
    assert [sizes[page, 25] for page in (1, 2, 3, 4)] == [25, 25, 11, 0]
    assert [sizes[page, 50] for page in (1, 2, 3)] == [50, 11, 0]


def test_pages_of_a_search_hold_everyone_once(client: FlaskClient, add: Callable[..., str]) -> None:
    for number in range(40):
        add(f"p{number}@example.com", segments=["many"])
    query = {"search_filter": json.dumps([condition("segments", "eq", "many")]), "sort_field": "email"}
    found = [
        card["email"]
        for page in (1, 2, 3)
        for card in client.get(f"{PROFILES}/{page}", query_string=query).get_json()["data"]
    ]
    assert found == sorted(f"p{number}@example.com" for number in range(40))


@pytest.mark.parametrize("page", ["0", "9" * 30])
def test_a_page_out_of_range_is_refused(client: FlaskClient, page: str) -> None:
    assert client.get(f"{PROFILES}/{page}").status_code == 400
