"""Activity over HTTP: numbers by time and kind, and outcomes that fit conditions."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from connector.ledger.tables import tallies
from tests.app.stack import DATABASES, Stack, problem

pytestmark = pytest.mark.parametrize("database", DATABASES, indirect=True)
ADA, BO = {"email": "ada@example.com", "nickname": "Ada"}, {"email": "bo@example.com", "nickname": "Bo"}


@pytest.fixture
def sent(api: FlaskClient) -> FlaskClient:
    """Two created, one of them unchanged then, one rejected."""
    for body in (ADA, BO, ADA, {"nickname": "Nobody", "email": "nobody"}):
        api.post("/v1/contacts", json=body)
    return api


@pytest.mark.parametrize(("period", "many", "seconds"), [("day", 24, 3600), ("month", 30, 86_400)])
def test_numbers_add_up(sent: FlaskClient, stack: Stack, period: str, many: int, seconds: int) -> None:
    told = sent.get(f"/v1/activity?period={period}").get_json()
    assert (len(told["spans"]), told["span_seconds"], told["quota_per_day"]) == (many, seconds, 10_000)
    total = {name: sum(span[name] for span in told["spans"]) for name in ("created", "unchanged", "rejected", "calls")}
    assert total == {"created": 2, "unchanged": 1, "rejected": 1, "calls": stack.crisp.calls}
    assert [span["at"] for span in told["spans"]] == sorted(span["at"] for span in told["spans"])
    assert told["kinds"] == [{"status": "rejected", "code": "email_invalid", "records": 1}]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("email=ADA@example.com", ["unchanged", "created"]),
        ("code=email_invalid", ["rejected"]),
        ("status=created&email=bo@example.com", ["created"]),
        ("since=2020-01-01T00:00:00Z&status=rejected", ["rejected"]),
        ("until=2020-01-01T00:00:00Z", []),
        ("since=2999-01-01T00:00:00Z", []),
    ],
)
def test_outcomes_fit_every_condition(sent: FlaskClient, query: str, found: list[str]) -> None:
    assert [each["status"] for each in sent.get(f"/v1/outcomes?{query}").get_json()] == found


@pytest.mark.parametrize("query", ["email=nobody", "since=yesterday", "period=year"])
def test_what_makes_no_sense_is_refused(api: FlaskClient, query: str) -> None:
    path = "/v1/activity" if "period" in query else "/v1/outcomes"
    problem(api.get(f"{path}?{query}"), 422, "parameter_invalid")


def test_many_records_at_once_leave_few_numbers_to_be_added_up(api: FlaskClient, stack: Stack) -> None:
    sent = api.post("/v1/contacts/batch", json=[{"email": f"nobody {number}"} for number in range(1_200)])
    assert sent.status_code == 202
    assert api.get("/v1/activity").get_json()["kinds"] == [
        {"status": "rejected", "code": "email_invalid", "records": 1_200}
    ]
    with stack.services.ledger.read() as connection:
        assert (connection.scalar(select(func.count()).select_from(tallies)) or 0) < 10
