"""What comes to an inbound address, and a sender who waits for what becomes of it."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from connector import outcomes
from connector.errors import CODES
from connector.inbound import Arrivals
from connector.notes import CODES as NOTES
from tests.app.inbound import ADA, ONE_ID, arrivals_of, made, outcomes_of, path, send, stored, took_in
from tests.app.stack import DATABASES, Crisp, Stack, ended, problem

pytestmark = [pytest.mark.parametrize("database", DATABASES, indirect=True), pytest.mark.usefixtures("no_addresses")]
SHEET = {"sheetName": "CRM", "headers": ["Email", "Name"]}
GRACE = {"email": "grace@example.com", "first_name": "Grace"}


@pytest.fixture
def taking(stack: Stack) -> Iterator[None]:
    """Another process takes in what comes: nobody tells it."""
    runner = Arrivals(stack.services)
    runner.start()
    yield
    runner.stop()


def waited(stack: Stack, inbound: dict[str, Any], value: Any, wait: str = "20", **more: Any) -> dict[str, Any]:
    """The answer to a sender who waits."""
    where = {**inbound, "id": f"{inbound['id']}?wait={wait}"}
    answer = send(stack, where, value, **more)
    assert answer.status_code == 200, answer.get_json()
    told: dict[str, Any] = answer.get_json()
    assert told.pop("stored") is True
    return told


def sheet(*rows: list[Any], event_id: str = "1") -> dict[str, Any]:
    return {**SHEET, "rowNumber": 2, "rows": list(rows), "event": {"id": event_id}}


@pytest.mark.usefixtures("taking")
class TestWhatBecameOfIt:
    def test_a_record_is_created_then_known_then_updated(self, api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
        one = made(api)
        row = {"row": 1, "email": "ada@example.com"}
        assert waited(stack, one, ADA) == {"records": [{**row, "status": "created"}]}
        assert "ada@example.com" in crisp.people()
        assert waited(stack, one, ADA) == {"records": [{**row, "status": "unchanged"}]}
        assert waited(stack, one, {**ADA, "city": "Paris"}) == {"records": [{**row, "status": "updated"}]}

    def test_a_record_that_is_rejected_says_why_and_is_kept(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api)
        why = {"code": "email_missing", "message": NOTES["email_missing"][1]}
        assert waited(stack, one, {"first_name": "Ada"}) == {
            "records": [{"row": 1, "status": "rejected", **why}],
            **why,
        }
        assert outcomes_of(api, one) == ["email_missing"]

    def test_what_crisp_refuses_says_why(self, api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
        one = made(api, mode="create")
        crisp.add("ada@example.com")
        told = waited(stack, one, ADA)
        why = {"code": "contact_exists", "message": CODES["contact_exists"][2]}
        assert told == {"records": [{"row": 1, "status": "rejected", "email": "ada@example.com", **why}]}

    def test_several_rows_are_told_one_by_one_in_their_order(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api, "google_sheets")
        rows = [
            ["ada@example.com", "Ada"],
            ["", "Nobody"],
            ["grace@example.com", "Grace"],
            ["ada@example.com", "A. L."],
        ]
        told = waited(stack, one, sheet(*rows))
        assert "code" not in told
        assert [(each["row"], each["status"], each.get("email")) for each in told["records"]] == [
            (1, "superseded", "ada@example.com"),
            (2, "rejected", None),
            (3, "created", "grace@example.com"),
            (4, "created", "ada@example.com"),
        ]
        assert told["records"][1]["message"] == NOTES["email_missing"][1]

    def test_no_records_are_an_empty_list(self, api: FlaskClient, stack: Stack) -> None:
        assert waited(stack, made(api, "google_sheets"), sheet()) == {"records": []}

    def test_what_cannot_be_read_says_why(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api)
        why = {"code": "body_not_json", "message": CODES["body_not_json"][2]}
        assert waited(stack, one, b"{") == {"records": [], **why}
        assert outcomes_of(api, one) == ["body_not_json"]

    def test_a_repeat_gets_what_became_of_the_first(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api, "google_sheets")
        first = waited(stack, one, sheet(["ada@example.com", "Ada"]))
        calls = stack.crisp.calls
        assert waited(stack, one, sheet(["ada@example.com", "Ada"])) == first
        assert first["records"][0]["status"] == "created"
        assert (len(outcomes_of(api, one)), stack.crisp.calls) == (1, calls)

    def test_what_cannot_go_out_is_not_waited_for(self, api: FlaskClient, stack: Stack) -> None:
        one, begun = made(api, "google_sheets"), time.monotonic()
        stack.save(halted="crisp_credential_refused")
        told = waited(stack, one, sheet(["ada@example.com", "Ada"], ["", "Nobody"]))
        assert time.monotonic() - begun < 10
        why = {"code": "connection_halted", "message": outcomes.WAITING["connection_halted"]}
        assert told["records"][0] == {"row": 1, "status": "waiting", "email": "ada@example.com", **why}
        assert told["records"][1]["status"] == "rejected"

    def test_connections_are_told_of_their_own_alone(self, api: FlaskClient, stack: Stack) -> None:
        """The same event at the addresses of two connections, of which one has no working credential."""
        other = stack.other_client()
        mine, theirs = made(api, "google_sheets"), made(other, "google_sheets")
        stack.save(halted="crisp_credential_refused")
        assert waited(stack, mine, sheet(["ada@example.com", "Ada"]), "3")["records"][0]["status"] == "waiting"
        told = waited(stack, theirs, sheet(["grace@example.com", "Grace"]), "3")
        assert [each["email"] for each in told["records"]] == ["grace@example.com"]
        assert [each["email"] for each in other.get("/v1/outcomes").get_json()] == ["grace@example.com"]
        assert [each["email"] for each in api.get("/v1/outcomes").get_json()] == ["ada@example.com"]


class TestTheTime:
    """Nobody takes anything in."""

    @pytest.mark.parametrize("wait", ["0", "", "0.0"])
    def test_without_a_wait_nothing_is_told(self, api: FlaskClient, stack: Stack, wait: str) -> None:
        one = made(api)
        assert waited(stack, one, ADA, wait) == {}
        assert stored(send(stack, one, ADA))
        assert outcomes_of(api, one) == [None, None]

    def test_when_the_time_is_up_it_is_stored_and_nothing_is_known(self, api: FlaskClient, stack: Stack) -> None:
        one, begun = made(api), time.monotonic()
        assert waited(stack, one, ADA, "0.6") == {}
        assert 0.6 <= time.monotonic() - begun < 5
        assert took_in(stack) == 1
        assert ended(api, arrivals_of(api, one)[0]["outcome_id"])["status"] == "created"

    def test_a_repeat_learns_what_was_not_known_before(self, api: FlaskClient, stack: Stack) -> None:
        one, named = made(api), {**ADA, "event_id": "1"}
        assert waited(stack, one, named, "0.1") == {}
        took_in(stack)
        assert [each["status"] for each in waited(stack, one, named)["records"]] == ["created"]

    def test_what_is_still_on_its_way_says_so(self, api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
        one, named = made(api), {**GRACE, "event_id": "1"}
        crisp.switch(latency_ms=1_500)
        waited(stack, one, named, "0.1")
        took_in(stack)
        [told] = waited(stack, one, named, "0.3")["records"]
        assert (told["status"], told["code"]) == ("waiting", "in_progress")
        assert [each["status"] for each in waited(stack, one, named)["records"]] == ["created"]

    @pytest.mark.parametrize("wait", ["-1", "25.1", "soon", "nan", "1e9"])
    def test_a_wait_that_is_none_is_named_and_stores_nothing(self, api: FlaskClient, stack: Stack, wait: str) -> None:
        one = made(api)
        told = problem(send(stack, {**one, "id": f"{one['id']}?wait={wait}"}, ADA), 422, "parameter_invalid")
        assert [each["field"] for each in told["errors"]] == ["wait"]
        assert outcomes_of(api, one) == []

    def test_a_sender_may_have_parameters_of_its_own(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api)
        where = f"{path(one)}?key={one['secret']}&utm_source=x&wait=0"
        assert stored(stack.client(None).post(where, json=ADA))

    def test_who_is_not_proved_is_refused_in_the_same_words_at_once(self, api: FlaskClient, stack: Stack) -> None:
        one, begun = made(api), time.monotonic()
        where = [path(one), f"{path(one)}?wait=25", "/in/generic/nobody?wait=25", f"{path(one)}?wait=25&key=wrong"]
        answers = [stack.client(None).post(each, json=ADA, headers=ONE_ID) for each in where]
        assert time.monotonic() - begun < 10
        assert {(each.status_code, each.get_data()) for each in answers} == {(401, answers[0].get_data())}
        assert outcomes_of(api, one) == []

    def test_a_handshake_is_not_waited_for(self, api: FlaskClient, stack: Stack) -> None:
        one, begun = made(api, "notion"), time.monotonic()
        shake = json.dumps({"verification_token": "secret_" + "t" * 40})
        answer = stack.client(None).post(f"{path(one)}?wait=25", data=shake, content_type="application/json")
        assert stored(answer)
        assert time.monotonic() - begun < 5


def test_no_sentence_has_holes() -> None:
    assert [code for code in (*CODES, *NOTES) if "{" in outcomes.sentence_of(code)] == []
