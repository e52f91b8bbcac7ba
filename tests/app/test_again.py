"""Requests that come again with their Idempotency-Key: replay, erasure, mappings, keys."""

import pytest
from flask.testing import FlaskClient

from tests.app.stack import DATABASES, Crisp, problem

pytestmark = pytest.mark.parametrize("database", DATABASES, indirect=True)
ADA = "ada@example.com"
ONCE = {"Idempotency-Key": "run-1"}


def test_an_erasure_that_comes_again_is_answered_as_before(api: FlaskClient, crisp: Crisp) -> None:
    api.post("/v1/contacts", json={"email": ADA})
    first = api.delete(f"/v1/contacts/{ADA}", headers=ONCE)
    calls = crisp.calls
    again = api.delete(f"/v1/contacts/{ADA}", headers=ONCE)
    assert (again.status_code, again.get_json()) == (200, first.get_json())
    assert crisp.calls == calls
    problem(api.delete(f"/v1/contacts/{ADA}"), 404, "contact_missing")


def test_what_failed_may_be_sent_again(api: FlaskClient, crisp: Crisp) -> None:
    problem(api.delete(f"/v1/contacts/{ADA}", headers=ONCE), 404, "contact_missing")
    crisp.add(ADA)
    assert api.delete(f"/v1/contacts/{ADA}", headers=ONCE).get_json()["erased"]


def test_a_replay_that_comes_again_replays_nothing(api: FlaskClient, crisp: Crisp) -> None:
    crisp.add(ADA)
    refused = api.post("/v1/contacts", query_string={"mode": "create"}, json={"email": ADA}).get_json()
    body = {"ids": [refused["outcome_id"]]}
    first = api.post("/v1/outcomes/replay", json=body, headers=ONCE)
    calls = crisp.calls
    again = api.post("/v1/outcomes/replay", json=body, headers=ONCE)
    assert (first.get_json(), again.status_code, again.get_json()) == (
        {"replayed": 1, "not_replayable": 0},
        202,
        {"replayed": 1, "not_replayable": 0},
    )
    assert crisp.calls - calls <= 1  # the first replay's own


@pytest.mark.parametrize("path", ["/v1/outcomes/replay", "/v1/mappings"])
def test_the_key_with_another_body_is_refused(api: FlaskClient, path: str) -> None:
    bodies = {"/v1/outcomes/replay": ({"code": "a"}, {"code": "b"})}
    mappings = ({"name": "a", "mapping": {"email": "E"}}, {"name": "b", "mapping": {"email": "E"}})
    first, other = bodies.get(path, mappings)
    assert api.post(path, json=first, headers=ONCE).status_code in (201, 202)
    problem(api.post(path, json=other, headers=ONCE), 409, "idempotency_mismatch")
