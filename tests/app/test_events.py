"""Events: what Crisp tells is gathered, completed and found by who polls, newest first and to the very end."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert

from connector.events.finishing import Finishing
from connector.events.meaning import EVENTS
from connector.ids import new_id
from connector.ledger import tables
from tests.app.stack import DATABASES, Crisp, Stack, problem
from tests.app.telling import SECRET, Event, change, now, page, told, understand

pytestmark = pytest.mark.parametrize("database", DATABASES, indirect=True)


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    return {"crisp_hook_secret": SECRET, "retention_days": 0}  # these tests store events of 1970


def store(stack: Stack, moments: list[int], *, event: str = "contact_updated", own: bool = False) -> list[str]:
    """Events that were told at these times (UNIX milliseconds); their ids."""
    rows = [_row(stack, moment, event, own) for moment in moments]
    with stack.services.ledger.write() as connection:
        connection.execute(insert(tables.events), rows)
    return [row["id"] for row in rows]


def _row(stack: Stack, moment: int, event: str, own: bool) -> dict[str, Any]:
    event_id = new_id()
    payload: Event = {
        "id": event_id,
        "event": event,
        "occurred_at": "2026-01-01T00:00:00Z",
        "connection_id": stack.tenant.id,
    }
    payload |= {"contact": {}, "changed": [], "previous": {}}
    named = {"id": event_id, "connection_id": stack.tenant.id, "event": event, "subject": event_id, "own": own}
    return {**named, "payload": payload, "occurred_at": moment, "attempts": 0, "told_at": moment}


def pages(api: FlaskClient, query: str) -> Iterator[list[Event]]:
    """Every page, by the Link header alone."""
    path: str | None = f"/v1/events/contact_updated?{query}"
    while path:
        answer = api.get(path)
        yield answer.get_json()
        link = answer.headers.get("Link", "")
        path = link.partition("<http://localhost")[2].partition(">")[0] or None


def test_a_poll_is_newest_first_and_its_ids_are_stable(stack: Stack, api: FlaskClient) -> None:
    ids = store(stack, [1_000 + number for number in range(5)])
    assert [each["id"] for each in page(api)] == ids[::-1]
    assert page(api) == page(api)
    assert page(api, event="contact_created") == []


def test_the_cursor_goes_to_the_very_end(stack: Stack, api: FlaskClient) -> None:
    """Many events of one millisecond, on either side of a page's end as well."""
    ids = store(stack, [1_000 + number // 150 for number in range(1_000)])
    found = [each["id"] for listed in pages(api, "limit=37") for each in listed]
    assert len(found) == 1_000
    assert set(found) == set(ids)
    assert [len(listed) for listed in pages(api, "limit=500")] == [500, 500]


def test_what_comes_while_somebody_turns_pages_is_not_mixed_in(stack: Stack, api: FlaskClient) -> None:
    ids = store(stack, [1_000] * 30)
    found = list[str]()
    for listed in pages(api, "limit=7"):
        found += [each["id"] for each in listed]
        store(stack, [2_000])
    assert sorted(found) == sorted(ids)


def test_since_takes_in_the_moment_that_it_names(stack: Stack, api: FlaskClient) -> None:
    ids = store(stack, [1_000, 2_000, 2_000, 3_000])
    moment = datetime.fromtimestamp(2, UTC)
    assert {each["id"] for each in page(api, f"since={_written(moment)}")} == set(ids[1:])
    assert {each["id"] for each in page(api, f"since={_written(moment + timedelta(milliseconds=1))}")} == {ids[3]}
    found = [each["id"] for listed in pages(api, f"since={_written(moment)}&limit=1") for each in listed]
    assert len(found) == len(set(found)) == 3


def _written(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def test_nothing_is_lost_between_two_polls(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    """Somebody asks for what came since the newest that he has, while events are told, several at once."""
    people = [crisp.add(f"p{number}@example.com") for number in range(80)]
    for people_id in people:
        told(stack, "people:profile:created", people_id=people_id)
    telling = threading.Thread(target=understand, args=(stack,))
    telling.start()
    seen, since, polls = set[str](), "", 0
    while telling.is_alive():
        listed = page(api, f"limit=500{since}", "contact_created")
        seen |= {each["contact"]["people_id"] for each in listed}
        since, polls = f"&since={listed[0]['occurred_at']}" if listed else since, polls + 1
    seen |= {each["contact"]["people_id"] for each in page(api, f"limit=500{since}", "contact_created")}
    assert seen == set(people)
    assert polls > 5


def test_events_are_told_in_the_order_in_which_they_are_found(
    stack: Stack, crisp: Crisp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though a clock goes back: who polled a moment ago finds the next event where it looks."""
    api, clock = stack.client(), stack.services.courier.clock
    told(stack, "people:profile:created", people_id=crisp.add("first@example.com"))
    understand(stack)
    tools = stack.services.events._finishing.tools
    handing = replace(tools.handing, clock=lambda: clock() - 3_600_000)
    monkeypatch.setattr(stack.services.events, "_finishing", Finishing(replace(tools, handing=handing)))
    told(stack, "people:profile:created", people_id=crisp.add("second@example.com"))
    understand(stack)
    first, second = (page(api, event="contact_created")[place] for place in (-1, 0))
    found = page(api, f"since={first['occurred_at']}", "contact_created")
    assert {each["id"] for each in found} == {first["id"], second["id"]}


def test_our_own_writes_are_there_for_who_wants_them(stack: Stack, api: FlaskClient) -> None:
    ours, theirs = store(stack, [1_000, 3_000], own=True), store(stack, [2_000])
    assert [each["id"] for each in page(api)] == theirs
    assert [each["id"] for each in page(api, "include_own=1")] == [ours[1], *theirs, ours[0]]


@pytest.mark.parametrize("event", EVENTS)
def test_a_sample_is_an_example_until_there_is_an_event(stack: Stack, api: FlaskClient, event: str) -> None:
    [example] = api.get(f"/v1/events/{event}/sample").get_json()
    assert (example["event"], example["connection_id"]) == (event, stack.tenant.id)
    assert set(example) >= {"id", "occurred_at", "contact", "changed", "previous"}
    older, newer = store(stack, [1_000, 2_000], event=event)
    assert [each["id"] for each in api.get(f"/v1/events/{event}/sample").get_json()] == [newer]
    assert older != newer


@pytest.mark.parametrize("path", ["/v1/events/contact_married", "/v1/events/contact_married/sample"])
def test_an_event_that_is_none(stack: Stack, api: FlaskClient, path: str) -> None:
    assert "contact_created" in problem(api.get(path), 404, "event_unknown")["message"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=501",
        "limit=x",
        "since=yesterday",
        "since=2026-01-01T00:00:00",
        "cursor=x",
        "cursor=1-2",
        "own=1",
    ],
)
def test_parameters_that_make_no_sense(stack: Stack, api: FlaskClient, query: str) -> None:
    problem(api.get(f"/v1/events/contact_created?{query}"), 422, "parameter_invalid")


def test_who_may_ask(stack: Stack, api: FlaskClient) -> None:
    store(stack, [1_000])
    problem(stack.client(key=None).get("/v1/events/contact_updated"), 401, "key_missing")
    assert stack.other_client().get("/v1/events/contact_updated").get_json() == []
    assert len(page(stack.client(key=stack.key("read")))) == 1


def test_a_contact_is_told_whole(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    people_id = crisp.add("ada@example.com", "Ada", segments=["vip"])
    told(stack, "people:profile:created", people_id=people_id, email="ada@example.com")
    understand(stack)
    [event] = page(api, event="contact_created")
    wanted = {"people_id": people_id, "email": "ada@example.com", "nickname": "Ada", "segments": ["vip"]}
    assert event["contact"] == {**wanted, "segments_text": "vip", "data": {}}
    assert (event["changed"], event["previous"]) == (["nickname", "segments"], {})


def test_a_contact_that_is_gone_is_told_in_part(stack: Stack, api: FlaskClient) -> None:
    people_id = "5a7d8e0c-1d2f-4a3b-9c8d-7e6f5a4b3c2d"
    told(stack, "people:profile:updated", people_id=people_id, email="gone@example.com", update={"notepad": "x"})
    understand(stack)
    [event] = page(api)
    assert event["partial"] is True
    assert event["contact"]["email"] == "gone@example.com"
    assert event["contact"]["people_id"] == people_id


def burst(stack: Stack, crisp: Crisp) -> str:
    """Five changes of one person, each of another field or of one anew."""
    people_id = crisp.add("ada@example.com", "Ada")
    told(stack, "people:profile:created", people_id=people_id)
    understand(stack)
    cards: list[Mapping[str, Any]] = [
        {"person": {"geolocation": {"city": "Rome"}}},
        {"person": {"geolocation": {"city": "Paris"}}},
        {"person": {"employment": {"title": "Engineer"}}},
        {"notepad": "met at a fair"},
        {"person": {"nickname": "Ada L"}},
    ]
    for card in cards:
        change(crisp, people_id, **card)
        told(stack, "people:profile:updated", people_id=people_id, update=card)
    return people_id


def test_a_burst_is_one_event(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    burst(stack, crisp)
    understand(stack, window=400)
    [event] = page(api)
    assert event["changed"] == ["city", "job_title", "nickname", "notepad"]
    assert event["previous"] == {"city": None, "job_title": None, "nickname": "Ada", "notepad": None}
    contact = event["contact"]
    assert (contact["city"], contact["job_title"], contact["nickname"]) == ("Paris", "Engineer", "Ada L")


def test_without_a_window_each_is_told(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    burst(stack, crisp)
    understand(stack)
    listed = page(api)
    assert len(listed) == 5
    assert {key for each in listed for key in each["changed"]} == {"city", "job_title", "nickname", "notepad"}


def test_two_people_are_two_events(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    for email in ("ada@example.com", "bob@example.com"):
        told(stack, "people:profile:created", people_id=crisp.add(email))
    understand(stack, window=300)
    assert {each["contact"]["email"] for each in page(api, event="contact_created")} == {
        "ada@example.com",
        "bob@example.com",
    }


def test_a_late_echo_of_an_earlier_write_is_our_own(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    """It comes when more was written, says what is known no more, and does not undo what is known."""
    for title in ("Engineer", "Director"):
        sent = api.post("/v1/contacts", json={"email": "ada@example.com", "job_title": title})
        assert sent.get_json()["status"] in ("created", "updated")
    people_id = sent.get_json()["people_id"]
    told(stack, "people:profile:updated", people_id=people_id, update={"person": {"employment": {"title": "Engineer"}}})
    understand(stack)
    assert page(api) == []
    [own] = page(api, "include_own=1")
    assert own["contact"]["job_title"] == "Director"
    again = api.post("/v1/contacts", json={"email": "ada@example.com", "job_title": "Director"})
    assert again.get_json()["status"] == "unchanged"


def test_so_is_that_of_one_which_named_the_person_by_its_id(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    people_id = api.post("/v1/contacts", json={"email": "ada@example.com"}).get_json()["people_id"]
    for title in ("Engineer", "Director"):
        assert api.patch(f"/v1/contacts/{people_id}", json={"job_title": title}).get_json()["status"] == "updated"
    told(stack, "people:profile:updated", people_id=people_id, update={"person": {"employment": {"title": "Engineer"}}})
    understand(stack)
    assert page(api) == []


def test_what_somebody_changes_back_is_told(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    """Long after we wrote the same."""
    sent = api.post("/v1/contacts", json={"email": "ada@example.com", "job_title": "Engineer"}).get_json()
    with stack.services.ledger.write() as connection:
        connection.execute(tables.records.update().values(finished_at=now() - 60_000))
    for title in ("Director", "Engineer"):
        told(
            stack,
            "people:profile:updated",
            people_id=sent["people_id"],
            update={"person": {"employment": {"title": title}}},
        )
        understand(stack)
    assert [each["contact"]["job_title"] for each in page(api)] == ["Engineer", "Director"]
    assert page(api)[0]["previous"] == {"job_title": "Director"}
