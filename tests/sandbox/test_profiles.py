"""People profiles: one is added, read, changed, removed, and listed as Crisp does it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from flask.testing import FlaskClient

PROFILE = "/v1/website/W/people/profile"
ADA = {"email": "ada@example.com", "person": {"nickname": "Ada"}}
Add = Callable[..., str]


def card(client: FlaskClient, who: str = "ada@example.com") -> dict[str, Any]:
    data: dict[str, Any] = client.get(f"{PROFILE}/{quote(who, safe='')}").get_json()["data"]
    return data


def test_add_answers_201_with_a_uuid(client: FlaskClient) -> None:
    answer = client.post(PROFILE, json=ADA)
    assert answer.status_code == 201
    assert answer.get_json().keys() == {"error", "reason", "data"}
    assert (answer.get_json()["error"], answer.get_json()["reason"]) == (False, "added")
    assert UUID(answer.get_json()["data"]["people_id"]).version == 4


@pytest.mark.parametrize("email", ["ada@example.com", "ADA@Example.COM"])
def test_the_same_email_again_is_409_in_any_case(client: FlaskClient, add: Add, email: str) -> None:
    add()
    answer = client.post(PROFILE, json={**ADA, "email": email})
    assert (answer.status_code, answer.get_json()["error"]) == (409, True)


@pytest.mark.parametrize(
    "email",
    ["ada@example.com", "Ada@Example.com", "ada+news@example.com", "zoë@bücher.example", "a/b@example.com", "a%b@x.io"],
)
def test_a_profile_is_found_by_people_id_and_by_email(client: FlaskClient, add: Add, email: str) -> None:
    people_id = add(email)
    assert card(client, people_id) == card(client, email) == card(client, email.upper())
    assert card(client, email)["email"] == email


def test_a_new_card_has_what_crisp_adds(client: FlaskClient, add: Add) -> None:
    people_id = add(active=1_694_070_416_000)
    assert card(client) == {
        "people_id": people_id,
        "email": "ada@example.com",
        "person": {"nickname": "Ada"},
        "company": {},
        "segments": [],
        "notepad": "",
        "created_at": 1_728_043_200_000,
        "updated_at": 1_728_043_200_000,
        "active": {"now": False, "last": 1_694_070_416_000},
        "score": 0,
    }


def test_head_answers_without_a_body(client: FlaskClient, add: Add) -> None:
    add()
    found, missing = client.head(f"{PROFILE}/ada@example.com"), client.head(f"{PROFILE}/bob@example.com")
    assert (found.status_code, found.data, missing.status_code, missing.data) == (200, b"", 404, b"")


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_an_unknown_person_is_404_as_recorded(client: FlaskClient, method: str) -> None:
    answer = getattr(client, method)(f"{PROFILE}/999", json=ADA)
    assert answer.status_code == 404
    assert answer.get_json() == {"error": True, "reason": "people_not_found", "data": {}}


def test_patch_changes_only_what_is_sent(client: FlaskClient, add: Add) -> None:
    add(person={"phone": "+33123456789"}, company={"name": "Lovelace"}, notepad="met in Paris", segments=["vip"])
    answer = client.patch(f"{PROFILE}/ada@example.com", json={"person": {"nickname": "Ada L."}})
    assert (answer.status_code, answer.get_json()) == (200, {"error": False, "reason": "updated", "data": {}})
    after = card(client)
    assert after["person"] == {"nickname": "Ada L.", "phone": "+33123456789"}
    assert (after["company"], after["notepad"], after["segments"]) == ({"name": "Lovelace"}, "met in Paris", ["vip"])


def test_patch_moves_updated_at_and_not_created_at(client: FlaskClient, add: Add, clock: Any) -> None:
    add()
    clock.now += 5
    client.patch(f"{PROFILE}/ada@example.com", json={"notepad": "x"})
    assert card(client)["updated_at"] - card(client)["created_at"] == 5000


def test_patch_to_the_email_of_another_is_409_and_changes_nothing(client: FlaskClient, add: Add) -> None:
    add()
    add("bob@example.com")
    answer = client.patch(f"{PROFILE}/ada@example.com", json={"email": "BOB@example.com", "notepad": "x"})
    assert answer.status_code == 409
    assert card(client)["notepad"] == ""


def test_patch_to_a_free_email_moves_the_person(client: FlaskClient, add: Add) -> None:
    people_id = add()
    client.patch(f"{PROFILE}/ada@example.com", json={"email": "countess@example.com"})
    assert card(client, "countess@example.com")["people_id"] == people_id
    assert client.get(f"{PROFILE}/ada@example.com").status_code == 404
    add("ada@example.com")


def test_empty_objects_never_come_back(client: FlaskClient, add: Add) -> None:
    """As recorded: `"geolocation": {}` is accepted and left out of every card."""
    add(person={"geolocation": {}, "employment": {"name": "Analytical"}})
    assert card(client)["person"] == {"nickname": "Ada", "employment": {"name": "Analytical"}}


def test_put_replaces_the_card_and_keeps_custom_data(client: FlaskClient, add: Add) -> None:
    people_id = add(person={"phone": "+33123456789"}, segments=["vip"], company={"name": "Lovelace"})
    client.patch("/v1/website/W/people/data/ada@example.com", json={"data": {"plan": "pro"}})
    answer = client.put(f"{PROFILE}/ada@example.com", json={**ADA, "notepad": "new"})
    assert (answer.status_code, answer.get_json()["reason"]) == (200, "updated")
    after = card(client)
    assert after["people_id"] == people_id
    assert (after["person"], after["company"], after["segments"]) == ({"nickname": "Ada"}, {}, [])
    assert client.get(f"/v1/website/W/people/data/{people_id}").get_json()["data"] == {"data": {"plan": "pro"}}


def test_delete_removes_and_frees_the_email(client: FlaskClient, add: Add) -> None:
    first = add()
    answer = client.delete(f"{PROFILE}/{first}")
    assert (answer.status_code, answer.get_json()["reason"]) == (200, "deleted")
    assert client.get(f"{PROFILE}/ada@example.com").status_code == 404
    assert add() != first


def test_segments_are_kept_once_each(client: FlaskClient, add: Add) -> None:
    add(segments=["vip", "beta", "vip"])
    assert card(client)["segments"] == ["vip", "beta"]


def test_a_listed_card_has_the_recorded_shape(client: FlaskClient, add: Add) -> None:
    people_id = add(person={"geolocation": {}}, company={"name": "Superface AI"}, active=1)
    client.patch(f"/v1/website/W/people/data/{people_id}", json={"data": {"plan": "pro"}})
    answer = client.get("/v1/website/W/people/profiles").get_json()
    assert answer["reason"] == "listed"
    assert answer["data"] == [
        {
            "email": "ada@example.com",
            "company": {"name": "Superface AI"},
            "created_at": 1_728_043_200_000,
            "notepad": "",
            "people_id": people_id,
            "person": {"nickname": "Ada"},
            "segments": [],
            "updated_at": 1_728_043_200_000,
            "active": {"now": False},
        }
    ]
