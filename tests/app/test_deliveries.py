"""Deliveries over HTTP: seen with every attempt, and told once more."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, update
from standardwebhooks.webhooks import Webhook

from connector import subscribing
from connector.hooks.telling import Telling
from connector.ids import new_id
from connector.ledger import deliveries
from connector.ledger.tables import deliveries as rows
from connector.ledger.tables import subscriptions
from tests.app.stack import DATABASES, WEBSITE, Stack, problem, until
from tests.hooks.receiving import Receiver, receiving

pytestmark = pytest.mark.parametrize("database", DATABASES, indirect=True)
PATH = "/v1/deliveries"
ADA = {"email": "ada@example.com", "nickname": "Ada Łovelace", "segments": ["vip"], "data": {"plan": "pro"}}


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    return {"egress_allow": "127.0.0.1", "hook_timeout": 1, "hook_schedule": "0,0"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture(autouse=True)
def telling(stack: Stack) -> Iterator[Telling]:
    """Somebody who delivers."""
    services = stack.services
    with services.ledger.write() as connection:
        connection.execute(delete(subscriptions))
    found = Telling(services.ledger, services.vault, subscribing.egress(services), services.settings)
    found.start()
    yield found
    found.stop()


@pytest.fixture
def subscription(api: FlaskClient, receiver: Receiver) -> dict[str, Any]:
    """Somebody who wants to know of new contacts."""
    return subscribe(api, f"{receiver.url}/hook")


def subscribe(api: FlaskClient, url: str, event: str = "contact_created") -> dict[str, Any]:
    made: dict[str, Any] = api.post("/v1/subscriptions", json={"event": event, "target_url": url}).get_json()
    return made


def tell(stack: Stack, event: str = "contact_created", **more: Any) -> str:
    """An event; its id."""
    event_id, now = new_id(), stack.services.courier.clock()
    payload = {"id": event_id, "event": event, "connection_id": WEBSITE, "contact": ADA}
    told: dict[str, Any] = {"event_id": event_id, "event": event, "own": False, "who": "", "payload": payload}
    with stack.services.ledger.write(durable=True) as connection:
        deliveries.tell(connection, WEBSITE, now=now, **{**told, **more})
    return event_id


def ended(api: FlaskClient, count: int = 1, **query: str) -> list[dict[str, Any]]:
    """All deliveries once nothing waits."""

    def look() -> Any:
        found = api.get(PATH, query_string=query).get_json()
        return found if len(found) == count and all(each["status"] != "waiting" for each in found) else None

    told: Any = until(look)
    assert told is not None, api.get(PATH).get_json()
    return list(told)


def test_a_delivery_is_shown_with_what_it_says_and_how_it_went(
    api: FlaskClient, stack: Stack, receiver: Receiver, subscription: dict[str, Any]
) -> None:
    event_id = tell(stack)
    [told] = ended(api)
    assert (told["event_id"], told["event"], told["status"]) == (event_id, "contact_created", "delivered")
    assert (told["subscription_id"], told["sink_id"], told["attempts"]) == (subscription["id"], None, 1)
    [entry] = told["trail"]
    assert (entry["status"], "reason" in entry) == (200, False)
    assert told["retry_at"] is None
    assert datetime.fromisoformat(told["finished_at"]) >= datetime.fromisoformat(told["created_at"])
    assert "payload" not in told
    whole = api.get(f"{PATH}/{told['id']}").get_json()
    [sent] = receiver.told
    assert whole == {**told, "payload": json.loads(sent.body)}
    assert Webhook(subscription["secret"]).verify(sent.body, dict(sent.headers))["contact"] == ADA


def test_a_failure_is_shown_with_its_reason(api: FlaskClient, stack: Stack) -> None:
    subscribe(api, "http://127.0.0.1:9/hook")
    tell(stack)
    [told] = ended(api)
    assert (told["status"], told["attempts"]) == ("dead", 2)
    assert [each["reason"] for each in told["trail"]] == ["it cannot be connected to"] * 2


def test_they_are_listed_newest_first_page_by_page(
    api: FlaskClient, stack: Stack, subscription: dict[str, Any]
) -> None:
    events = [tell(stack) for _ in range(5)]
    ended(api, 5)
    page = api.get(f"{PATH}?limit=2")
    seen = [each["event_id"] for each in page.get_json()]
    while "Link" in page.headers:
        page = api.get(page.headers["Link"].partition(">")[0].partition("localhost")[2])
        seen += [each["event_id"] for each in page.get_json()]
    assert seen == events[::-1]


def test_only_those_that_are_asked_for_are_listed(api: FlaskClient, stack: Stack, receiver: Receiver) -> None:
    first = subscribe(api, f"{receiver.url}/a")["id"]
    subscribe(api, receiver.answer("/b", 500))
    subscribe(api, f"{receiver.url}/c", "contact_updated")
    tell(stack)
    tell(stack, "contact_updated")
    ended(api, 3)
    assert [each["subscription_id"] for each in ended(api, 1, subscription_id=first)] == [first]
    assert len(ended(api, 2, event="contact_created")) == 2
    assert len(ended(api, 2, status="delivered")) == 2
    assert ended(api, 1, status="dead", event="contact_created")
    for wrong in ({"status": "lost"}, {"event": "contact_made"}, {"cursor": "x"}, {"sink": "x"}):
        problem(api.get(PATH, query_string=wrong), 422, "parameter_invalid")


def test_one_is_told_once_more_byte_for_byte(
    api: FlaskClient, stack: Stack, receiver: Receiver, subscription: dict[str, Any]
) -> None:
    tell(stack)
    [told] = ended(api)
    again = api.post(f"{PATH}/{told['id']}/replay")
    assert (again.status_code, again.get_json()["status"]) == (202, "waiting")
    assert until(lambda: len(receiver.told) == 2)
    first, second = receiver.told
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    [after] = ended(api)
    assert (after["status"], after["attempts"], len(after["trail"])) == ("delivered", 1, 2)


def test_a_replay_that_comes_again_replays_once(
    api: FlaskClient, stack: Stack, receiver: Receiver, subscription: dict[str, Any]
) -> None:
    tell(stack)
    [told] = ended(api)
    once = {"Idempotency-Key": "run-1"}
    answers = [api.post(f"{PATH}/{told['id']}/replay", headers=once) for _ in range(2)]
    assert answers[0].get_json() == answers[1].get_json()
    ended(api)
    assert until(lambda: len(receiver.told) == 2)


def test_many_are_told_once_more_by_id_subscription_or_time(api: FlaskClient, stack: Stack, receiver: Receiver) -> None:
    first = subscribe(api, f"{receiver.url}/a")["id"]
    subscribe(api, f"{receiver.url}/b")
    tell(stack)
    later = datetime.fromtimestamp(stack.services.courier.clock() / 1000 + 0.5, UTC).isoformat()
    told = ended(api, 2)

    def replayed(**wanted: Any) -> int:
        answer = api.post(f"{PATH}/replay", json=wanted)
        assert answer.status_code == 202, answer.get_data(as_text=True)
        ended(api, 2)
        return int(answer.get_json()["replayed"])

    assert replayed(ids=[each["id"] for each in told]) == 2
    assert replayed(subscription_id=first) == 1
    assert replayed(until=later) == 2
    assert replayed(since=later) == 0
    assert replayed(since="2026-01-01T00:00:00Z", subscription_id=first, ids=[told[0]["id"], told[1]["id"]]) == 1
    assert until(lambda: len(receiver.told) == 8)


def test_what_is_not_there_is_told(api: FlaskClient, stack: Stack, subscription: dict[str, Any]) -> None:
    tell(stack)
    [told] = ended(api)
    missing = new_id()
    problem(api.get(f"{PATH}/{missing}"), 404, "delivery_missing")
    problem(api.post(f"{PATH}/{missing}/replay"), 404, "delivery_missing")
    answer = problem(api.post(f"{PATH}/replay", json={"ids": [told["id"], missing]}), 404, "delivery_missing")
    assert [each["field"] for each in answer["errors"]] == ["ids.1"]
    assert missing not in json.dumps(answer)
    problem(api.post(f"{PATH}/replay", json={"subscription_id": missing}), 404, "subscription_missing")
    problem(api.post(f"{PATH}/replay", json={}), 422, "parameter_invalid")
    problem(api.post(f"{PATH}/replay", json={"ids": ["x"] * 1_001}), 422, "parameter_invalid")
    other = stack.other_client()
    assert other.get(PATH).get_json() == []
    problem(other.get(f"{PATH}/{told['id']}"), 404, "delivery_missing")
    problem(other.post(f"{PATH}/{told['id']}/replay"), 404, "delivery_missing")
    problem(other.post(f"{PATH}/replay", json={"subscription_id": subscription["id"]}), 404, "subscription_missing")
    assert ended(api) == [told]


def test_what_cannot_be_told_again_is_told(api: FlaskClient, stack: Stack, subscription: dict[str, Any]) -> None:
    event_id = tell(stack)
    [told] = ended(api)
    with stack.services.ledger.write() as connection:
        deliveries.forget(connection, WEBSITE, [event_id], 1)
    assert api.get(f"{PATH}/{told['id']}").get_json()["payload"] is None
    problem(api.post(f"{PATH}/{told['id']}/replay"), 409, "delivery_forgotten")
    with stack.services.ledger.write() as connection:
        connection.execute(update(rows).values(body="{}"))
        connection.execute(update(subscriptions).values(disabled_at=1, disabled_reason="it answered 404"))
    answer = problem(api.post(f"{PATH}/{told['id']}/replay"), 409, "subscription_disabled")
    assert "it answered 404" in answer["message"]
    assert api.post(f"{PATH}/replay", json={"ids": [told["id"]]}).get_json() == {"replayed": 0}


def test_readers_see_them_and_writers_tell_them_again(
    api: FlaskClient, stack: Stack, subscription: dict[str, Any]
) -> None:
    tell(stack)
    [told] = ended(api)
    reader = stack.client(stack.key("read"))
    assert reader.get(PATH).get_json() == [told]
    assert reader.get(f"{PATH}/{told['id']}").status_code == 200
    problem(reader.post(f"{PATH}/{told['id']}/replay"), 403, "scope_missing")
    problem(reader.post(f"{PATH}/replay", json={"ids": [told["id"]]}), 403, "scope_missing")


def test_who_takes_the_new_address_gets_what_waited(
    api: FlaskClient, stack: Stack, receiver: Receiver, telling: Telling
) -> None:
    telling.stop()
    made = subscribe(api, "http://127.0.0.1:9/hook")["id"]
    tell(stack)
    assert api.patch(f"/v1/subscriptions/{made}", json={"target_url": f"{receiver.url}/new"}).status_code == 200
    again = Telling(stack.services.ledger, stack.services.vault, subscribing.egress(stack.services), telling._settings)
    again.start()
    ended(api)
    again.stop()
    assert len(receiver.of("/new")) == 1
