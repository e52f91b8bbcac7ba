"""Meaning: which of our events Crisp's are."""

from typing import Any

import pytest

from connector.crisp.events import Told
from connector.events.meaning import EVENTS, meaning, merge
from connector.manifest import shipped

P, S = "5a7d8e0c-1d2f-4a3b-9c8d-7e6f5a4b3c2d", "session_1"


def told(event: str, **data: Any) -> Told:
    return Told(event, "W", {"website_id": "W", **data}, 1)


@pytest.mark.parametrize(
    ("event", "data", "ours", "subject", "said"),
    [
        ("people:profile:created", {"people_id": P, "email": "Ada@Example.com"}, "contact_created", P,
         {"email": "ada@example.com"}),
        ("people:profile:created", {"email": "Ada@Example.com"}, "contact_created", "ada@example.com",
         {"email": "ada@example.com"}),
        (
            "people:profile:updated",
            {"people_id": P, "update": {"person": {"nickname": "A"}}},
            "contact_updated",
            P,
            {"card": {"person": {"nickname": "A"}}},
        ),
        ("people:profile:removed", {"people_id": P}, "contact_removed", P, {}),
        ("people:profile:removed", {"email": "ada@example.com"}, "contact_removed", "ada@example.com",
         {"email": "ada@example.com"}),
        ("session:set_email", {"session_id": S, "email": "a@b.co"}, "conversation_email_changed", S, {}),
        ("session:set_data", {"session_id": S, "data": {"plan": "pro"}}, "conversation_data_changed", S,
         {"data": {"plan": "pro"}}),
        ("session:set_segments", {"session_id": S, "segments": ["vip", 7]}, "segments_changed", S,
         {"segments": ["vip"]}),
        ("people:sync:profile", {"people_id": P, "session_id": S, "identity": {"segments": ["x"]}}, "contact_updated",
         P, {"card": {"segments": ["x"]}}),
    ],
)  # fmt: skip
def test_what_others_are_told(event: str, data: dict[str, Any], ours: str, subject: str, said: dict[str, Any]) -> None:
    found = meaning(told(event, **data))
    assert found is not None
    [change] = found.changes
    assert (change.event, change.subject, change.said) == (ours, subject, said)
    assert ours in EVENTS


@pytest.mark.parametrize("event", ["message:send", "session:set_state", "people:import:done", "email:subscribe"])
def test_of_the_rest_nobody_is_told(event: str) -> None:
    found = meaning(told(event, session_id=S))
    assert found is not None
    assert found.changes == ()


def test_an_event_that_is_not_known_is_none() -> None:
    assert meaning(told("people:profile:cloned")) is None


@pytest.mark.parametrize("event", ["people:bind:session", "people:sync:profile", "session:set_email"])
def test_a_conversation_is_linked_to_its_person(event: str) -> None:
    found = meaning(told(event, session_id=S, people_id=P, email="a@b.co"))
    assert found is not None
    assert found.session is not None
    assert found.session["session_id"] == S
    assert found.session["email"] == "a@b.co"


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"people_id": 7},
        {"people_id": "../../website"},
        {"email": ["a@b.co"]},
        {"email": "nobody"},
        {"people_id": "", "email": ""},
    ],
)
@pytest.mark.parametrize("event", ["people:profile:created", "people:profile:updated", "people:profile:removed"])
def test_of_nobody_nobody_is_told(event: str, data: dict[str, Any]) -> None:
    found = meaning(told(event, **data))
    assert found is not None
    assert found.changes == ()


@pytest.mark.parametrize("session", [None, "", "a/b", "..", "a" * 129, 7, "é"])
@pytest.mark.parametrize("event", ["session:set_data", "session:set_segments", "session:set_email"])
def test_a_conversation_of_an_odd_name_is_none(event: str, session: Any) -> None:
    found = meaning(told(event, session_id=session, data={"a": 1}, segments=["x"], email="a@b.co"))
    assert found is not None
    assert found.changes == ()


def test_a_burst_says_what_was_said_last_field_by_field() -> None:
    before = {"card": {"person": {"nickname": "A", "phone": "1"}, "segments": ["x"]}}
    after = {"card": {"person": {"nickname": "B"}, "segments": ["y"]}}
    assert merge(before, after) == {"card": {"person": {"nickname": "B", "phone": "1"}, "segments": ["y"]}}


def test_every_event_is_declared() -> None:
    assert sorted(shipped().triggers) == sorted(EVENTS)


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_has_a_sample(event: str) -> None:
    told_ = shipped().triggers[event].sample_of("W")
    assert (told_["event"], told_["connection_id"]) == (event, "W")
    assert set(told_) >= {"id", "event", "occurred_at", "connection_id", "contact", "changed", "previous"}
