"""What Crisp refuses: a record, and the whole connection. Crisp is played call by call."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connector.crisp import plan
from tests.app.stack import WEBSITE, Crisp, Stack, ended, problem, running, settings_for

ADA = {"email": "ada@example.com", "nickname": "Ada", "company_country": "FR", "data": {"plan": "pro"}}


class Played:
    """A Crisp that answers every call with this status and body."""

    body: dict[str, Any]
    status: int

    def __init__(self) -> None:
        self.accept()

    def refuse(self, status: int, reason: str, message: str = "") -> None:
        self.status = status
        self.body = {"error": True, "reason": reason, "data": {"message": message}}

    def accept(self) -> None:
        self.status = 201
        self.body = {"error": False, "reason": "added", "data": {"people_id": "p1"}}

    def __call__(self, _request: Request) -> Response:
        return Response(json.dumps(self.body), self.status, mimetype="application/json")


@pytest.fixture
def played(httpserver: HTTPServer) -> Played:
    played = Played()
    httpserver.expect_request(re.compile(".*")).respond_with_handler(played)
    return played


@pytest.fixture
def stack(httpserver: HTTPServer, played: Played, sandboxed: Crisp, tmp_path: Path) -> Iterator[Stack]:
    """A service whose Crisp is the played one."""
    with running(settings_for(tmp_path, httpserver.url_for("").rstrip("/")), sandboxed) as stack:
        yield stack


@pytest.fixture
def api(stack: Stack) -> FlaskClient:
    return stack.client()


REASONS: list[tuple[str, str, str | None]] = [
    ("invalid_data", "company.geolocation.country: must be an ISO 3166-1 alpha-2 code", "company_country"),
    ("invalid_data", "person.nickname: too long", "nickname"),
    ("invalid_data", "data.plan: must be a text", "data.plan"),
    ("invalid_data", "", None),
]


@pytest.mark.parametrize(("reason", "message", "field"), REASONS, ids=[str(reason[2]) for reason in REASONS])
def test_a_refused_record_names_field_and_reason(
    api: FlaskClient, played: Played, reason: str, message: str, field: str | None
) -> None:
    played.refuse(400, reason, message)
    told = problem(api.post("/v1/contacts", json=ADA), 422, "crisp_refused")
    assert told["errors"][0]["field"] == field
    assert reason in told["message"]
    assert message in told["message"]
    assert told["message"].endswith("Correct it and send it again.")
    assert told["calls"] == 1
    outcome = api.get(f"/v1/outcomes/{told['outcome_id']}").get_json()
    assert (outcome["status"], outcome["code"], outcome["message"]) == ("rejected", "crisp_refused", told["message"])
    assert [(each["call"], each["answer"]) for each in outcome["trail"]] == [("POST people/profile", 400)]


HALTS = [
    (401, "invalid_session", "crisp_credential_refused"),
    (402, "subscription_upgrade_required", "crisp_plan_too_small"),
    (403, "not_allowed", "crisp_not_allowed"),
]


@pytest.mark.parametrize(("status", "reason", "code"), HALTS, ids=[str(halt[0]) for halt in HALTS])
def test_a_refused_connection_keeps_the_record_until_it_works(
    api: FlaskClient, stack: Stack, played: Played, status: int, reason: str, code: str
) -> None:
    played.refuse(status, reason)
    answer = api.post("/v1/contacts", json=ADA)
    told = answer.get_json()
    assert (answer.status_code, told["status"], told["reason"]) == (202, "waiting", "connection_halted")
    assert "goes out when it does" in told["message"]
    assert api.get("/v1/me").get_json()["halted"] == code
    assert stack.services.courier.check(WEBSITE, plan.check()) == code
    assert code in problem(api.get("/v1/contacts/ada@example.com"), 503, "connection_halted")["message"]
    played.accept()
    assert stack.services.courier.check(WEBSITE, plan.check()) is None
    stack.services.engine.wake(WEBSITE)
    assert ended(api, told["outcome_id"])["status"] == "created"
    assert api.get("/v1/me").get_json()["halted"] is None


def test_gave_up_within_the_wait_is_502(
    httpserver: HTTPServer, played: Played, sandboxed: Crisp, tmp_path: Path
) -> None:
    settings = settings_for(tmp_path, httpserver.url_for("").rstrip("/"), retry_age=1)
    played.refuse(500, "internal_error")
    with running(settings, sandboxed) as stack:
        told = problem(stack.client().post("/v1/contacts", json=ADA), 502, "crisp_gave_up")
        outcome = stack.client().get(f"/v1/outcomes/{told['outcome_id']}").get_json()
        assert (outcome["status"], outcome["code"]) == ("dead", "crisp_failed")
        played.accept()
        replayed: Any = stack.client().post("/v1/outcomes/replay", json={"ids": [told["outcome_id"]]})
        assert (replayed.status_code, replayed.get_json()) == (202, {"replayed": 1, "not_replayable": 0})
        again = ended(stack.client(), told["outcome_id"])
        assert again["status"] == "updated", "this Crisp says that it has the person"


def test_crisp_that_is_not_there_is_502_for_a_read(api: FlaskClient, played: Played) -> None:
    played.refuse(503, "unavailable")
    told = problem(api.get("/v1/contacts/ada@example.com"), 502, "crisp_unreachable")
    assert "Try again later" in told["message"]
