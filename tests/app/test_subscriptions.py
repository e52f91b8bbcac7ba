"""Subscriptions over HTTP and from the command line."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, update
from standardwebhooks.webhooks import Webhook

from connector import subscribing
from connector.ids import new_id
from connector.ledger import deliveries
from connector.ledger import subscriptions as ledger
from connector.ledger.tables import subscriptions
from tests.app.stack import DATABASES, WEBSITE, Stack, problem
from tests.hooks.receiving import Receiver, receiving

pytestmark = pytest.mark.parametrize("database", DATABASES, indirect=True)
PATH = "/v1/subscriptions"
# An address that everybody can reach, so that no name is looked up.
URL = "https://93.184.215.14/hook"
ONCE = {"Idempotency-Key": "run-1"}


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    return {"egress_allow": "127.0.0.1", "hook_timeout": 1, "public_url": "https://connector.example.com"}


@pytest.fixture(autouse=True)
def _no_subscriptions(stack: Stack) -> None:
    with stack.services.ledger.write() as connection:
        connection.execute(delete(subscriptions))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def add(api: FlaskClient, **more: Any) -> dict[str, Any]:
    made = api.post(PATH, json={"event": "contact_created", "target_url": URL, **more})
    assert made.status_code in (200, 201), made.get_data(as_text=True)
    told: dict[str, Any] = made.get_json()
    return told


def test_a_subscription_is_made_with_its_secret_and_the_way_to_end_it(api: FlaskClient) -> None:
    made = api.post(PATH, json={"event": "contact_created", "target_url": URL})
    told = made.get_json()
    assert made.status_code == 201
    assert {"id", "secret", "event", "target_url", "filter", "include_own", "created_at"} <= set(told)
    assert (told["event"], told["target_url"], told["filter"], told["include_own"]) == (
        "contact_created",
        URL,
        {},
        False,
    )
    assert told["secret"].startswith("whsec_")
    Webhook(told["secret"])
    assert made.headers["Location"].startswith(f"https://connector.example.com{PATH}/{told['id']}?token=")


def test_the_same_again_is_the_one_that_is_there_with_its_secret(api: FlaskClient) -> None:
    first = api.post(PATH, json={"event": "contact_created", "target_url": URL, "filter": {"segment": "vip"}})
    again = api.post(PATH, json={"event": "contact_created", "target_url": URL, "filter": {"segment": ["vip"]}})
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.get_json() == first.get_json()
    assert again.headers["Location"] == first.headers["Location"]
    others: list[dict[str, Any]] = [{"filter": {}}, {"event": "contact_updated"}, {"target_url": f"{URL}2"}]
    for other in others:
        assert add(api, **{"filter": {"segment": "vip"}, **other})["id"] != first.get_json()["id"]
    assert len(api.get(PATH).get_json()) == 4


def test_the_same_again_with_other_manners_changes_them(api: FlaskClient) -> None:
    first = add(api)
    assert add(api, include_own="yes")["include_own"] is True
    assert add(api)["include_own"] is True
    assert add(api, include_own=False) == first


def test_what_is_empty_says_nothing(api: FlaskClient) -> None:
    """Platforms send an empty box as "" or null."""
    first = add(api)
    assert add(api, filter="", include_own="") == first
    assert add(api, filter=None, include_own=None) == first
    assert add(api, filter={"segment": "", "changed": None}) == first


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"event": "contact_made"}, "event"),
        ({"event": None}, "event"),
        ({"target_url": ""}, "target_url"),
        ({"target_url": 3}, "target_url"),
        ({"filter": "vip"}, "filter"),
        ({"filter": {"city": "Paris"}}, "filter.city"),
        ({"filter": {"changed": "cty"}}, "filter.changed"),
        ({"include_own": "perhaps"}, "include_own"),
        ({"secret": "mine"}, "secret"),
    ],
)
def test_what_makes_no_sense_is_told_by_field(api: FlaskClient, body: dict[str, Any], field: str) -> None:
    told = problem(
        api.post(PATH, json={"event": "contact_created", "target_url": URL, **body}), 422, "parameter_invalid"
    )
    assert [each["field"] for each in told["errors"]] == [field]
    assert api.get(PATH).get_json() == []


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://10.0.0.1/hook", "private or reserved network"),
        ("https://169.254.169.254/latest/meta-data", "private or reserved network"),
        ("http://93.184.215.14/hook", "does not begin with https://"),
        ("https://ada:secret@93.184.215.14/hook", "a user name or a password"),
        ("https://93.184.215.14/hook#part", "a fragment"),
        ("https://93.184.215.14/#", "a fragment"),
        ("https://93.184.215.14:22/hook", "not one for the web"),
        ("https://2130706433/hook", "unusual form"),
        ("file:///etc/passwd", "does not begin with https://"),
        ("gopher://example.com", "does not begin with https://"),
        ("hook", "does not begin with https://"),
        ("https://nobody.invalid/hook", "not known"),
    ],
)
def test_an_address_that_must_not_be_told_is_refused_at_once(api: FlaskClient, url: str, reason: str) -> None:
    told = problem(api.post(PATH, json={"event": "contact_created", "target_url": url}), 422, "target_refused")
    assert reason in told["message"]
    assert [(each["field"], each["code"]) for each in told["errors"]] == [("target_url", "target_refused")]
    assert "secret" not in json.dumps(told)
    known = add(api)["id"]
    problem(api.patch(f"{PATH}/{known}", json={"target_url": url}), 422, "target_refused")
    assert api.get(f"{PATH}/{known}").get_json()["target_url"] == URL


def test_ten_thousand_are_enough(api: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscribing, "MOST", 2)
    first = add(api)
    add(api, event="contact_updated")
    body = {"event": "contact_removed", "target_url": URL}
    told = problem(api.post(PATH, json=body), 422, "too_many_subscriptions")
    assert "2 subscriptions" in told["message"]
    assert add(api) == first
    api.delete(f"{PATH}/{first['id']}")
    add(api, event="contact_removed")


def test_they_are_listed_newest_first_page_by_page_without_secrets(api: FlaskClient, stack: Stack) -> None:
    made = [add(api, target_url=f"{URL}/{number}")["id"] for number in range(5)]
    page = api.get(f"{PATH}?limit=2")
    seen = [each["id"] for each in page.get_json()]
    while "Link" in page.headers:
        page = api.get(page.headers["Link"].partition(">")[0].partition("example.com")[2])
        seen += [each["id"] for each in page.get_json()]
        assert all("secret" not in each for each in page.get_json())
    assert seen == made[::-1]
    assert stack.other_client().get(PATH).get_json() == []


def test_one_is_read_changed_and_deleted(api: FlaskClient) -> None:
    made = add(api)
    path = f"{PATH}/{made['id']}"
    shown = {name: value for name, value in made.items() if name != "secret"}
    assert api.get(path).get_json() == shown
    changes = {"target_url": f"{URL}2", "filter": {"changed": "data"}, "include_own": True}
    assert api.patch(path, json=changes).get_json() == {**shown, **changes, "filter": {"changed": ["data"]}}
    assert api.patch(path, json={"filter": {}}).get_json()["filter"] == {}
    gone = api.delete(path)
    assert (gone.status_code, gone.get_json()) == (200, {"deleted": True, "id": made["id"]})
    for answer in (api.delete(path), api.get(path), api.patch(path, json=changes), api.post(f"{path}/test")):
        problem(answer, 404, "subscription_missing")


def test_a_change_that_says_nothing_or_makes_a_twin_is_refused(api: FlaskClient) -> None:
    first, second = add(api), add(api, target_url=f"{URL}2")
    path = f"{PATH}/{second['id']}"
    problem(api.patch(path, json={}), 422, "parameter_invalid")
    problem(api.patch(path, json={"enabled": False}), 422, "parameter_invalid")
    told = problem(api.patch(path, json={"target_url": URL}), 409, "subscription_exists")
    assert first["id"] in told["message"]
    assert api.patch(path, json={"target_url": f"{URL}2"}).status_code == 200


def test_the_location_ends_it_without_a_key_and_does_nothing_else(api: FlaskClient, stack: Stack) -> None:
    made = api.post(PATH, json={"event": "contact_created", "target_url": URL})
    other = add(api, target_url=f"{URL}2")["id"]
    location = made.headers["Location"].removeprefix("https://connector.example.com")
    token = location.partition("?")[2]
    anybody = stack.client(None)
    problem(anybody.get(location), 401, "key_missing")
    problem(anybody.patch(location, json={"include_own": True}), 401, "key_missing")
    problem(anybody.delete(f"{PATH}/{other}?{token}"), 404, "subscription_missing")
    problem(anybody.delete(f"{location}x"), 404, "subscription_missing")
    problem(anybody.delete(location.partition("?")[0]), 401, "key_missing")
    assert anybody.delete(location).get_json() == {"deleted": True, "id": made.get_json()["id"]}
    problem(anybody.delete(location), 404, "subscription_missing")
    assert [each["id"] for each in api.get(PATH).get_json()] == [other]


def test_the_location_also_works_with_a_key(api: FlaskClient) -> None:
    made = api.post(PATH, json={"event": "contact_created", "target_url": URL})
    location = made.headers["Location"].removeprefix("https://connector.example.com")
    assert api.delete(location).status_code == 200
    problem(api.delete(location), 404, "subscription_missing")


def test_reading_is_for_readers_and_the_rest_for_writers(api: FlaskClient, stack: Stack) -> None:
    made = add(api)["id"]
    reader = stack.client(stack.key("read"))
    assert reader.get(PATH).status_code == reader.get(f"{PATH}/{made}").status_code == 200
    for answer in (
        reader.post(PATH, json={"event": "contact_created", "target_url": URL}),
        reader.patch(f"{PATH}/{made}", json={"include_own": True}),
        reader.delete(f"{PATH}/{made}"),
        reader.post(f"{PATH}/{made}/test"),
        reader.post(f"{PATH}/{made}/rotate"),
    ):
        problem(answer, 403, "scope_missing")


def test_nothing_of_another_connection_is_reached(api: FlaskClient, stack: Stack) -> None:
    made, other = add(api)["id"], stack.other_client()
    for answer in (
        other.get(f"{PATH}/{made}"),
        other.patch(f"{PATH}/{made}", json={"include_own": True}),
        other.delete(f"{PATH}/{made}"),
        other.post(f"{PATH}/{made}/test"),
        other.post(f"{PATH}/{made}/rotate"),
    ):
        problem(answer, 404, "subscription_missing")
    assert add(other)["id"] != made


def test_a_test_sends_a_signed_sample_at_once(api: FlaskClient, receiver: Receiver) -> None:
    made = add(api, target_url=f"{receiver.url}/hook")
    told = api.post(f"{PATH}/{made['id']}/test").get_json()
    assert (told["delivered"], told["status"], told["reason"]) == (True, 200, None)
    assert 0 <= told["ms"] < 1_000
    [sent] = receiver.told
    sample = Webhook(made["secret"]).verify(sent.body, dict(sent.headers))
    assert (sample["id"], sample["event"]) == (sent.headers["webhook-id"], "contact_created")
    assert (sample["connection_id"], sample["contact"]["segments_text"]) == (WEBSITE, "vip, beta")
    assert api.get("/v1/deliveries").get_json() == []


def test_a_test_says_what_came_back(api: FlaskClient, receiver: Receiver) -> None:
    made = add(api, target_url=receiver.answer("/hook", 302, Location="/elsewhere"))
    told = api.post(f"{PATH}/{made['id']}/test").get_json()
    assert (told["delivered"], told["status"], told["reason"]) == (False, 302, None)
    nobody = add(api, target_url="http://127.0.0.1:9/hook")
    told = api.post(f"{PATH}/{nobody['id']}/test").get_json()
    assert (told["delivered"], told["status"], told["reason"]) == (False, None, "it cannot be connected to")


def test_after_a_rotation_the_old_secret_signs_as_well(api: FlaskClient, receiver: Receiver) -> None:
    made = add(api, target_url=f"{receiver.url}/hook")
    rotated = api.post(f"{PATH}/{made['id']}/rotate").get_json()
    assert rotated == {**made, "secret": rotated["secret"]}
    assert rotated["secret"] != made["secret"]
    api.post(f"{PATH}/{made['id']}/test")
    [sent] = receiver.told
    for secret in (made["secret"], rotated["secret"]):
        Webhook(secret).verify(sent.body, dict(sent.headers))
    assert add(api, target_url=f"{receiver.url}/hook")["secret"] == rotated["secret"]


def test_a_rotation_that_comes_again_rotates_once(api: FlaskClient) -> None:
    path = f"{PATH}/{add(api)['id']}/rotate"
    first = api.post(path, headers=ONCE).get_json()
    assert api.post(path, headers=ONCE).get_json() == first
    assert api.post(path).get_json() != first


def test_an_idempotency_key_holds_for_one_request(api: FlaskClient, stack: Stack) -> None:
    body = {"event": "contact_created", "target_url": URL}
    first = api.post(PATH, json=body, headers=ONCE)
    again = api.post(PATH, json=body, headers=ONCE)
    assert again.get_json() == first.get_json()
    problem(api.post(PATH, json={**body, "include_own": True}, headers=ONCE), 409, "idempotency_mismatch")
    path = f"{PATH}/{first.get_json()['id']}"
    gone = {"Idempotency-Key": "run-2"}
    assert api.delete(path, headers=gone).get_json() == api.delete(path, headers=gone).get_json()


def test_no_secret_is_stored_in_the_clear(api: FlaskClient, stack: Stack) -> None:
    made = api.post(PATH, json={"event": "contact_created", "target_url": URL}, headers=ONCE)
    rotated = api.post(f"{PATH}/{made.get_json()['id']}/rotate", headers={"Idempotency-Key": "run-2"})
    token = made.headers["Location"].rpartition("=")[2]
    tables = ("subscriptions", "deliveries", "idempotency")
    with stack.services.ledger.read() as connection:
        stored = repr([connection.exec_driver_sql(f"SELECT * FROM {name}").all() for name in tables])
    for secret in (made.get_json()["secret"], rotated.get_json()["secret"], token):
        assert secret not in stored


def disable(stack: Stack, subscription_id: str) -> None:
    with stack.services.ledger.write() as connection:
        values = {"disabled_at": 1, "disabled_reason": "it answered 404", "failing_since": 1}
        connection.execute(update(subscriptions).where(subscriptions.c.id == subscription_id).values(values))


def test_one_that_is_not_told_any_more_is_shown_and_can_go_on(api: FlaskClient, stack: Stack) -> None:
    assert api.get("/v1/me").get_json()["notes"] == []
    made = add(api)["id"]
    disable(stack, made)
    [note] = api.get("/v1/me").get_json()["notes"]
    assert (note["level"], note["code"], note["path"]) == ("error", "subscription_disabled", made)
    assert made in note["message"]
    assert "it answered 404" in note["message"]
    shown = api.get(f"{PATH}/{made}").get_json()
    assert (shown["disabled_reason"], shown["disabled_at"]) == ("it answered 404", "1970-01-01T00:00:00.001Z")
    went_on = api.patch(f"{PATH}/{made}", json={"enabled": True}).get_json()
    assert (went_on["disabled_at"], went_on["disabled_reason"], went_on["failing_since"]) == (None, None, None)
    assert api.get("/v1/me").get_json()["notes"] == []


def test_to_subscribe_again_lets_it_go_on(api: FlaskClient, stack: Stack) -> None:
    made = add(api)
    disable(stack, made["id"])
    assert add(api) == made


def test_ending_it_takes_what_waits_with_it(api: FlaskClient, stack: Stack) -> None:
    made = add(api)["id"]
    with stack.services.ledger.write() as connection:
        told: dict[str, Any] = {"event_id": new_id(), "event": "contact_created", "own": False, "who": "", "now": 1}
        assert deliveries.tell(connection, WEBSITE, payload={}, **told) == 1
    assert len(api.get("/v1/deliveries").get_json()) == 1
    api.delete(f"{PATH}/{made}")
    assert api.get("/v1/deliveries").get_json() == []
    with stack.services.ledger.read() as connection:
        assert ledger.count(connection, WEBSITE) == 0
