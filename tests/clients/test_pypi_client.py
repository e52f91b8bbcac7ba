"""Crisp's official Python client (PyPI `crisp-api`), unchanged, against the sandbox."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
import requests
from crisp_api import Crisp  # type: ignore[import-untyped]
from crisp_api.errors.route import RouteError  # type: ignore[import-untyped]

Add = Callable[..., str]


def client_of(sandbox: dict[str, str], **token: str) -> Any:
    given = {**sandbox, **token}
    client = Crisp()
    client.set_rest_host(given["url"])
    client.set_tier(given["tier"])
    client.authenticate(given["identifier"], given["key"])
    return client


@pytest.fixture
def client(sandbox: dict[str, str]) -> Iterator[Any]:
    yield client_of(sandbox)
    requests.post(f"{sandbox['url']}/_sandbox/reset", timeout=5)


@pytest.fixture
def website(client: Any) -> Any:
    return client.website


@pytest.fixture
def w(sandbox: dict[str, str]) -> str:
    return sandbox["website_id"]


@pytest.fixture
def add(website: Any, w: str) -> Add:
    """`add("Ada", segments=["vip"])`: the people_id of ada@pypi.example."""

    def add(name: str = "Ada", **fields: Any) -> str:
        profile = {"email": f"{name.lower()}@pypi.example", "person": {"nickname": name}, **fields}
        people_id: str = website.add_new_people_profile(w, profile)["people_id"]
        return people_id

    return add


@contextmanager
def refused(code: int, message: str) -> Iterator[None]:
    """The client raises RouteError with `{"message": Crisp's reason, "code": status}`."""
    with pytest.raises(RouteError) as raised:
        yield
    assert (raised.value.args[0]["code"], raised.value.args[0]["message"]) == (code, message)


def test_create(add: Add) -> None:
    assert UUID(add()).version == 4


def test_create_again_is_409(add: Add) -> None:
    add()
    with refused(409, "people_exists"):
        add()


def test_invalid_data_is_400(website: Any, w: str) -> None:
    with refused(400, "invalid_data"):
        website.add_new_people_profile(w, {"email": "nobody"})


def test_exists(website: Any, w: str, add: Add) -> None:
    website.check_people_profile_exists(w, add())
    with refused(404, "not_found"):
        website.check_people_profile_exists(w, "nobody@pypi.example")


def test_get_by_email_and_by_people_id(website: Any, w: str, add: Add) -> None:
    people_id = add("Ada+news", segments=["vip"])
    by_id = website.get_people_profile(w, people_id)
    assert website.get_people_profile(w, "ada+news@pypi.example") == by_id
    assert (by_id["people_id"], by_id["segments"]) == (people_id, ["vip"])


def test_update(website: Any, w: str, add: Add) -> None:
    people_id = add(company={"name": "Analytical"})
    website.update_people_profile(w, people_id, {"person": {"phone": "+33123456789"}})
    card = website.get_people_profile(w, people_id)
    assert card["person"] == {"nickname": "Ada", "phone": "+33123456789"}
    assert card["company"] == {"name": "Analytical"}
    with refused(404, "people_not_found"):
        website.update_people_profile(w, "999", {"notepad": "x"})


def test_save(website: Any, w: str, add: Add) -> None:
    people_id = add(company={"name": "Analytical"})
    website.save_people_profile(
        w, people_id, {"email": "ada@pypi.example", "person": {"nickname": "A."}, "notepad": "new"}
    )
    card = website.get_people_profile(w, people_id)
    assert (card["company"], card["notepad"]) == ({}, "new")


def test_data_save_and_update(website: Any, w: str, add: Add) -> None:
    people_id = add()
    website.save_people_data(w, people_id, {"data": {"plan": "free", "seats": 3}})
    website.update_people_data(w, "ada@pypi.example", {"data": {"plan": "pro", "beta": True}})
    assert website.get_people_data(w, people_id) == {"data": {"plan": "pro", "seats": 3, "beta": True}}
    website.save_people_data(w, people_id, {"data": {"plan": "pro"}})
    assert website.get_people_data(w, people_id) == {"data": {"plan": "pro"}}


def test_list_with_search_filter(website: Any, w: str, add: Add) -> None:
    add("Bob")
    people_id = add("Ada+news")
    search = [{"model": "people", "criterion": "email", "operator": "eq", "query": ["ada%2Bnews@pypi.example"]}]
    found = website.search_people_profiles(w, 1, json.dumps(search))
    assert [card["people_id"] for card in found] == [people_id]
    assert found[0]["active"] == {"now": False}


def test_list_in_pages(website: Any, w: str, add: Add) -> None:
    for number in range(21):
        add(f"Page{number}")
    assert [len(website.list_people_profiles(w, page)) for page in (1, 2, 3)] == [20, 1, 0]


def test_suggestions(client: Any, w: str, add: Add) -> None:
    people_id = add(segments=["vip"])
    client.website.update_people_data(w, people_id, {"data": {"plan": "pro"}})
    assert client.website.list_people_segments(w, 1) == [{"segment": "vip", "count": 1}]
    assert client.get(f"/website/{w}/people/suggest/segments/1") == [{"segment": "vip", "count": 1}]
    assert client.get(f"/website/{w}/people/suggest/data/1") == [{"key": "plan", "count": 1}]
    assert client.website.get_people_statistics(w) == {"total": 1}


def test_events(website: Any, w: str, add: Add) -> None:
    people_id = add()
    website.add_people_event(w, people_id, {"text": "order", "data": {"amount": 42}, "color": "red"})
    [event] = website.list_people_events(w, people_id, 1)
    assert (event["text"], event["data"], event["color"]) == ("order", {"amount": 42}, "red")


def test_subscription(website: Any, w: str, add: Add) -> None:
    people_id = add()
    website.update_people_subscription_status(w, people_id, {"email": False})
    assert website.get_people_subscription_status(w, people_id) == {"email": False}


def test_batch(website: Any, w: str, add: Add) -> None:
    people = {"profiles": [add("Ada"), add("Bob")]}
    website.batch_data_items(w, {"people": people, "data": {"plan": "pro"}})
    website.batch_segments_items(w, {"people": people, "segments": ["vip"]})
    for people_id in people["profiles"]:
        assert website.get_people_data(w, people_id) == {"data": {"plan": "pro"}}
        assert website.get_people_profile(w, people_id)["segments"] == ["vip"]
    website.batch_remove_items(w, {"people": people})
    assert website.get_people_statistics(w) == {"total": 0}


def test_conversation_metas(sandbox: dict[str, str], website: Any, w: str, add: Add) -> None:
    add()
    visit = {"session_id": "session_1", "email": "ada@pypi.example", "data": {"page": "home"}}
    requests.post(f"{sandbox['url']}/_sandbox/conversations", json=visit, timeout=5)
    assert website.list_people_conversations(w, "ada@pypi.example", 1) == ["session_1"]
    website.check_conversation_exists(w, "session_1")
    website.update_conversation_metas(w, "session_1", {"data": {"plan": "pro"}})
    meta = website.get_conversation_metas(w, "session_1")
    assert meta["data"] == {"page": "home", "plan": "pro"}
    assert website.get_conversation(w, "session_1")["meta"] == meta


def test_remove(website: Any, w: str, add: Add) -> None:
    people_id = add()
    website.remove_people_profile(w, people_id)
    with refused(404, "people_not_found"):
        website.get_people_profile(w, "ada@pypi.example")


def test_wrong_key_is_401(sandbox: dict[str, str], w: str) -> None:
    with refused(401, "invalid_session"):
        client_of(sandbox, key="wrong").website.get_people_statistics(w)


def test_wrong_website_is_404(website: Any) -> None:
    with refused(404, "website_not_found"):
        website.get_people_statistics("8c842203-7ed8-4e29-a608-7cf78a7d2fcc")
