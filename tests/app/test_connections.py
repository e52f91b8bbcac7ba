"""Connections over HTTP: added, changed and deleted, each seen by those alone whose key added it."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from connector.courier.courier import UNREADABLE
from connector.ledger import connections as tenants
from connector.ledger import quotas
from connector.ledger.tables import metadata
from tests.app.stack import API_KEY, CRISP_KEY, DATABASES, IDENTIFIER, WEBSITE, Stack, ended, problem, until

pytestmark = pytest.mark.parametrize("database", DATABASES, indirect=True)

SECOND = "second-website"
TOKEN = {"identifier": IDENTIFIER, "key": CRISP_KEY}
NEW = {"website_id": SECOND, **TOKEN}
PATH = f"/v1/connections/{SECOND}"
OWN = f"/v1/connections/{WEBSITE}"
ADA = {"email": "ada@example.com"}


@pytest.fixture
def second(stack: Stack) -> Iterator[FlaskClient]:
    """An admin of a second website, which is the one that Crisp has now."""
    stack.crisp.switch(website_id=SECOND)
    made = stack.client().post("/v1/connections", json=NEW)
    assert made.status_code == 201, made.get_json()
    yield stack.client(made.get_json()["key"])
    stack.crisp.switch(website_id=WEBSITE)


def ids(client: FlaskClient) -> list[str]:
    return [each["id"] for each in client.get("/v1/connections").get_json()]


def everything(stack: Stack) -> str:
    with stack.services.ledger.read() as connection:
        return repr([list(connection.execute(select(table))) for table in metadata.sorted_tables])


class TestAdding:
    """POST /v1/connections."""

    def test_it_is_checked_stored_and_gets_a_key(self, api: FlaskClient, stack: Stack) -> None:
        stack.crisp.switch(website_id=SECOND)
        told = {"label": "Second", "daily_quota": 77, "rate": 5, "tier": "website"}
        answer = api.post("/v1/connections", json={**NEW, **told})
        made = answer.get_json()
        assert (answer.status_code, stack.crisp.calls) == (201, 1)
        assert {name: made[name] for name in told} == told
        assert (made["id"], made["website_id"], made["halted"], made["probed_at"]) == (SECOND, SECOND, None, None)
        assert (made["from_environment"], made["created_at"][-1]) == (False, "Z")
        own = stack.client(made["key"])
        assert own.get("/v1/me").get_json()["quota"]["used"] == 1, "the check is a call like any other"
        assert "crisp_connector_calls_total{" in own.get("/metrics").get_data(as_text=True)
        assert own.post("/v1/contacts", json=ADA).get_json()["status"] == "created"
        shown = {name: value for name, value in made.items() if name != "key"}
        assert api.get(PATH).get_json() == own.get(PATH).get_json() == shown

    def test_the_quota_is_the_tiers_and_the_label_the_website(self, api: FlaskClient) -> None:
        made = api.post("/v1/connections", json={**NEW, "tier": "plugin", "check": False}).get_json()
        assert (made["label"], made["daily_quota"], made["rate"]) == (SECOND, 5_000, None)

    def test_what_crisp_refuses_is_not_stored(self, api: FlaskClient, stack: Stack) -> None:
        for wrong in ({"key": "wrong"}, {"website_id": "nowhere"}, {"tier": "plugin"}):
            told = problem(api.post("/v1/connections", json={**NEW, **wrong}), 422, "credential_refused")
            assert "Nothing was stored" in told["message"]
        assert "website_not_found" in told["message"] or "invalid_session" in told["message"], "Crisp's own reason"
        assert ids(api) == [WEBSITE]

    def test_what_cannot_be_checked_is_not_stored_unless_asked_for(self, api: FlaskClient, stack: Stack) -> None:
        stack.crisp.switch(error_rate=1.0, website_id=SECOND)
        problem(api.post("/v1/connections", json=NEW), 502, "crisp_unreachable")
        assert ids(api) == [WEBSITE]
        assert api.post("/v1/connections", json={**NEW, "check": False}).status_code == 201
        assert ids(api) == [WEBSITE, SECOND]

    def test_a_pause_that_crisp_asks_for_is_handed_on(self, api: FlaskClient, stack: Stack) -> None:
        stack.crisp.switch(daily_quota=0, retry_after=40, website_id=SECOND)
        answer = api.post("/v1/connections", json=NEW)
        problem(answer, 502, "crisp_unreachable")
        assert answer.headers["Retry-After"] == "40"

    def test_one_that_is_there_is_refused_without_a_call(self, api: FlaskClient, stack: Stack) -> None:
        assert stack.other_client().get("/v1/me").status_code == 200
        for website_id in (WEBSITE, "another"):
            told = problem(
                api.post("/v1/connections", json={**NEW, "website_id": website_id}), 409, "connection_exists"
            )
            assert website_id not in told["message"]
        assert stack.crisp.calls == 0
        with stack.services.ledger.read() as connection:
            assert tenants.get(connection, WEBSITE) == stack.tenant

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"website_id": "a b"}, "website_id"),
            ({"website_id": "a/b"}, "website_id"),
            ({"website_id": "w" * 65}, "website_id"),
            ({"website_id": "w\n"}, "website_id"),
            ({"website_id": None}, "website_id"),
            ({"identifier": "a:b"}, "identifier"),
            ({"identifier": "é"}, "identifier"),
            ({"key": "super-secret\nline"}, "key"),
            ({"key": ""}, "key"),
            ({"key": ["super-secret"]}, "key"),
            ({"tier": "gold"}, "tier"),
            ({"label": ""}, "label"),
            ({"label": "a\0"}, "label"),
            ({"label": "a\nb"}, "label"),
            ({"label": "a\n"}, "label"),
            ({"label": "a\u202eb"}, "label"),
            ({"label": "a\u2028b"}, "label"),
            ({"label": "a\u2066b"}, "label"),
            ({"label": "a\x1b[31m"}, "label"),
            ({"label": "a" * 201}, "label"),
            ({"daily_quota": 0}, "daily_quota"),
            ({"daily_quota": 1.5}, "daily_quota"),
            ({"daily_quota": 10**12}, "daily_quota"),
            ({"rate": -1}, "rate"),
            ({"check": "perhaps"}, "check"),
            ({"colour": "red"}, "colour"),
        ],
    )
    def test_what_makes_no_sense_is_named(self, api: FlaskClient, wrong: dict[str, Any], field: str) -> None:
        answer = api.post("/v1/connections", json={**NEW, "check": False, **wrong})
        told = problem(answer, 422, "parameter_invalid")
        assert [each["field"].partition(".")[0] for each in told["errors"]] == [field]
        assert "super-secret" not in answer.get_data(as_text=True)
        assert ids(api) == [WEBSITE]

    @pytest.mark.parametrize(
        ("sent", "status", "code"),
        [
            ({"data": b""}, 400, "body_not_json"),
            ({"data": b"", "content_type": "application/json"}, 400, "body_not_json"),
            ({"data": b'{"a": 1', "content_type": "application/json"}, 400, "body_not_json"),
            ({"data": b'{"a": 1}\n{"a": 2}', "content_type": "application/json"}, 400, "body_not_json"),
            ({"data": b"{}", "content_type": "text/plain"}, 415, "content_type_unknown"),
            ({"data": b"{}", "content_type": "application/x-ndjson"}, 415, "content_type_unknown"),
            ({"json": []}, 400, "body_not_records"),
        ],
    )
    def test_what_is_no_object_is_told_to_be_one(
        self, api: FlaskClient, sent: dict[str, Any], status: int, code: str
    ) -> None:
        for answer in (api.post("/v1/connections", **sent), api.patch(OWN, **sent)):
            told = problem(answer, status, code)["message"]
            assert told.endswith(("Send a JSON object as application/json.", "The body must be a JSON object.")), told

    def test_promise_19_the_credential_is_in_no_answer_and_in_no_row(self, api: FlaskClient, stack: Stack) -> None:
        key = "zebra-credential-0815"
        once = {"Idempotency-Key": "add-1"}
        answers = [api.post("/v1/connections", json={**NEW, "key": key, "check": False}, headers=once)]
        answers.append(api.post("/v1/connections", json={**NEW, "key": key}, headers=once))
        problem(answers[1], 409, "connection_exists")
        made = answers[0].get_json()["key"]
        changed = {"identifier": IDENTIFIER, "key": f"{key}-2", "check": False}
        answers.extend((api.patch(PATH, json=changed, headers=once), api.get(PATH), api.get("/v1/connections")))
        assert [answer.status_code for answer in answers] == [201, 409, 200, 200, 200]
        assert not [answer for answer in answers if key in answer.get_data(as_text=True)]
        assert key not in everything(stack)
        assert made not in everything(stack), "nor is the API key in an answer that is kept"


class TestReaching:
    """Who sees and changes what."""

    def test_only_with_an_admin_key(self, stack: Stack) -> None:
        client = stack.client(stack.key("write"))
        for answer in (
            client.get("/v1/connections"),
            client.post("/v1/connections", json=NEW),
            client.get(OWN),
            client.patch(OWN, json={"label": "x"}),
            client.delete(OWN),
        ):
            problem(answer, 403, "scope_missing")

    def test_its_own_and_those_that_it_added(self, api: FlaskClient, stack: Stack, second: FlaskClient) -> None:
        other = stack.other_client()
        assert (ids(api), ids(second), ids(other)) == ([WEBSITE, SECOND], [SECOND], ["another"])
        for client in (second, other):
            for answer in (client.get(OWN), client.patch(OWN, json={"label": "x"}), client.delete(OWN)):
                problem(answer, 404, "connection_missing")
        problem(api.get("/v1/connections/another"), 404, "connection_missing")
        problem(api.delete("/v1/connections/another?confirm=another"), 404, "connection_missing")
        assert api.get(OWN).get_json()["label"] == stack.tenant.label

    def test_an_heir_of_the_name_reaches_nothing(self, api: FlaskClient, stack: Stack, second: FlaskClient) -> None:
        """Who is gone has no more say in what it added, even when the same website is connected again."""
        third = second.post("/v1/connections", json={**NEW, "website_id": "third", "check": False}).get_json()
        assert api.delete(PATH).status_code == 200
        again = api.post("/v1/connections", json=NEW).get_json()
        assert ids(stack.client(again["key"])) == [SECOND]
        assert ids(stack.client(third["key"])) == ["third"]


class TestChanging:
    """PATCH /v1/connections/{id}."""

    def test_what_is_said_of_it(self, api: FlaskClient, second: FlaskClient) -> None:
        before = api.get(PATH).get_json()
        changes = {"label": "Été · 東京 👩‍🚀 فارسی", "daily_quota": 123, "rate": 7}
        assert api.patch(PATH, json=changes).get_json() == {**before, **changes}
        assert second.patch(PATH, json={"rate": None}).get_json() == {**before, **changes, "rate": None}
        assert api.patch(PATH, json={}).get_json() == api.get(PATH).get_json()

    def test_another_credential_ends_a_halt_and_what_waits_goes_out(self, stack: Stack, second: FlaskClient) -> None:
        stack.crisp.switch(key="rotated")
        waiting = second.post("/v1/contacts", json=ADA)
        assert (waiting.status_code, waiting.get_json()["reason"]) == (202, "connection_halted")
        assert second.get(PATH).get_json()["halted"] == "crisp_credential_refused"
        problem(second.patch(PATH, json=TOKEN), 422, "credential_refused")
        assert second.get(PATH).get_json()["halted"] == "crisp_credential_refused"
        changed = second.patch(PATH, json={**TOKEN, "key": "rotated"})
        assert (changed.status_code, changed.get_json()["halted"]) == (200, None)
        assert ended(second, waiting.get_json()["outcome_id"])["status"] == "created"

    def test_the_same_credential_ends_none(self, stack: Stack, api: FlaskClient) -> None:
        stack.save(halted="crisp_plan_too_small")
        assert api.patch(OWN, json=TOKEN).get_json()["halted"] == "crisp_plan_too_small"

    def test_a_raised_quota_lets_waiting_records_go_out(self, stack: Stack, api: FlaskClient) -> None:
        stack.use(10_000)
        waiting = api.post("/v1/contacts", json=ADA)
        assert (waiting.status_code, waiting.get_json()["reason"]) == (202, "quota_used_up")
        assert api.patch(OWN, json={"daily_quota": 20_000}).status_code == 200
        assert ended(api, waiting.get_json()["outcome_id"])["status"] == "created"

    def test_without_a_call_left_nothing_can_be_checked(self, stack: Stack, api: FlaskClient) -> None:
        stack.use(10_000)
        answer = api.patch(OWN, json={**TOKEN, "key": "other"})
        problem(answer, 503, "quota_used_up")
        assert int(answer.headers["Retry-After"]) > 0
        assert stack.crisp.calls == 0
        with stack.services.ledger.read() as connection:
            assert tenants.get(connection, WEBSITE) == stack.tenant

    @pytest.mark.parametrize(
        ("paused", "code"),
        [
            pytest.param({"strikes": 1}, "crisp_rate_limited", id="a-limit"),
            pytest.param({"strikes": 8, "believed": 0}, "quota_used_up", id="a-quota"),
        ],
    )
    def test_why_nothing_can_be_checked_now_is_told(
        self, stack: Stack, api: FlaskClient, paused: dict[str, int], code: str
    ) -> None:
        stack.use(0)
        now = stack.services.courier.clock()
        with stack.services.ledger.write() as connection:
            budget = replace(quotas.locked(connection, WEBSITE), blocked_until=now + 30_000, **paused)
            quotas.save(connection, WEBSITE, budget)
        problem(api.patch(OWN, json={**TOKEN, "key": "other"}), 503, code)
        assert stack.crisp.calls == 0

    def test_an_outage_does_not_hold_back_who_brings_another_credential(self, stack: Stack, api: FlaskClient) -> None:
        stack.use(0)
        now = stack.services.courier.clock()
        with stack.services.ledger.write() as connection:
            budget = replace(quotas.locked(connection, WEBSITE), blocked_until=now + 30_000, strikes=-5)
            quotas.save(connection, WEBSITE, budget)
        assert api.patch(OWN, json=TOKEN).status_code == 200
        assert stack.crisp.calls == 1

    def test_the_check_is_counted(self, stack: Stack, api: FlaskClient) -> None:
        assert api.patch(OWN, json=TOKEN).status_code == 200
        with stack.services.ledger.read() as connection:
            assert quotas.get(connection, WEBSITE).used == stack.crisp.calls == 1

    @pytest.mark.parametrize(
        "part", [{"key": "k"}, {"identifier": "i"}, {"tier": "plugin"}, {"key": "k", "tier": "plugin"}]
    )
    def test_half_a_credential_is_none(self, api: FlaskClient, part: dict[str, str]) -> None:
        told = problem(api.patch(OWN, json=part), 422, "parameter_invalid")
        missing = {"identifier", "key"} - set(part)
        assert {each["field"] for each in told["errors"]} <= missing
        assert "together" in told["message"]

    def test_the_website_stays(self, api: FlaskClient) -> None:
        problem(api.patch(OWN, json={"website_id": "x"}), 422, "parameter_invalid")


class TestDeleting:
    """DELETE /v1/connections/{id}."""

    def test_everything_of_it_goes_and_crisp_keeps_its_contacts(
        self, api: FlaskClient, stack: Stack, second: FlaskClient
    ) -> None:
        assert second.post("/v1/contacts", json={"email": "zebra@example.com"}).get_json()["status"] == "created"
        assert "zebra" in everything(stack)
        once = {"Idempotency-Key": "gone-1"}
        for _ in range(2):
            assert api.delete(PATH, headers=once).get_json() == {"deleted": True}
        assert "zebra" not in everything(stack)
        problem(second.get("/v1/me"), 401, "key_invalid")
        problem(api.delete(PATH), 404, "connection_missing")
        assert set(stack.crisp.people()) == {"zebra@example.com"}

    @pytest.mark.parametrize("query", ["", "?confirm=", "?confirm=x"])
    def test_its_own_must_be_confirmed(self, second: FlaskClient, query: str) -> None:
        told = problem(second.delete(PATH + query), 409, "confirmation_missing")
        assert SECOND in told["message"]
        assert "crisp-connector connect remove" in told["message"]
        assert ids(second) == [SECOND]

    def test_its_own_when_confirmed(self, second: FlaskClient, api: FlaskClient) -> None:
        headers = {"Idempotency-Key": "gone-2"}
        assert second.delete(f"{PATH}?confirm={SECOND}", headers=headers).get_json() == {"deleted": True}
        problem(second.get(PATH), 401, "key_invalid")
        assert ids(api) == [WEBSITE]

    def test_while_it_delivers(self, api: FlaskClient, stack: Stack, second: FlaskClient) -> None:
        stack.crisp.switch(latency_ms=200)
        batch = [{"email": f"p{number}@example.com"} for number in range(30)]
        assert second.post("/v1/contacts/batch", json=batch).status_code == 202
        assert until(lambda: stack.crisp.calls > 3)
        assert api.delete(PATH).status_code == 200
        time.sleep(0.5)
        assert "p1@example.com" not in everything(stack)
        stack.crisp.switch(latency_ms=0, website_id=WEBSITE)
        assert api.post("/v1/contacts", json=ADA).get_json()["status"] == "created", "others go on"


@pytest.mark.parametrize("halted", [None, UNREADABLE])
def test_a_credential_that_no_key_opens_is_mended_by_a_new_one(
    stack: Stack, api: FlaskClient, halted: str | None
) -> None:
    stack.save(key_sealed=b"sealed with a key that is lost", halted=halted)
    waiting = api.post("/v1/contacts?wait=1", json=ADA)
    assert (waiting.status_code, waiting.get_json()["status"]) == (202, "waiting")
    assert api.get(OWN).get_json()["halted"] == halted
    assert api.patch(OWN, json=TOKEN).get_json()["halted"] is None
    assert ended(api, waiting.get_json()["outcome_id"])["status"] == "created"
    assert stack.client(API_KEY).get("/v1/me").status_code == 200
