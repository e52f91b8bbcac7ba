"""Secrets of Crisp's hooks, for connections that the environment says nothing of."""

import json

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.crisp.events import sign
from connector.ledger import hooks
from tests.app.stack import DATABASES, WEBSITE, Stack, problem

pytestmark = pytest.mark.parametrize("database", DATABASES, indirect=True)

HERE = f"/v1/connections/{WEBSITE}"
EVENT = {"website_id": WEBSITE, "event": "message:send", "data": {"session_id": "session_1"}}


def hook(stack: Stack, secret: str, moment: int = 0) -> TestResponse:
    """A plugin hook that is signed with this secret."""
    now = str(stack.services.courier.clock() + moment)
    body = json.dumps({**EVENT, "timestamp": int(now)}).encode()
    headers = {"X-Crisp-Request-Timestamp": now, "X-Crisp-Signature": sign(body, now, secret)}
    return stack.client(None).post(f"/crisp/{WEBSITE}", data=body, headers=headers)


def test_a_secret_is_given_rotated_and_taken_away(api: FlaskClient, stack: Stack) -> None:
    problem(hook(stack, "first"), 401, "hook_forged")
    answer = api.patch(HERE, json={"hook_secret": "first"})
    assert answer.status_code == 200
    assert "first" not in answer.get_data(as_text=True)
    assert hook(stack, "first").get_json() == {"stored": True}
    api.patch(HERE, json={"hook_secret": "second,first"})
    assert [hook(stack, each, place).status_code for place, each in enumerate(("first", "second"), 1)] == [200, 200]
    api.patch(HERE, json={"hook_secret": "second"})
    problem(hook(stack, "first", 5), 401, "hook_forged")
    api.patch(HERE, json={"hook_secret": None})
    problem(hook(stack, "second", 6), 401, "hook_forged")


def test_a_key_of_website_hooks(api: FlaskClient, stack: Stack) -> None:
    assert api.patch(HERE, json={"hook_key": "the-key"}).status_code == 200
    nobody = stack.client(None)
    assert nobody.post(f"/crisp/{WEBSITE}?key=the-key", json={**EVENT, "timestamp": 1}).get_json() == {"stored": True}
    assert nobody.post(f"/crisp/{WEBSITE}?key=the-key", json={**EVENT, "timestamp": 1}).get_json() == {"stored": False}
    for query in ("", "?key=", "?key=another", "?key=the-key&key=the-key"):
        problem(nobody.post(f"/crisp/{WEBSITE}{query}", json=EVENT), 401, "hook_forged")


def test_events_that_are_not_known_are_named(api: FlaskClient, stack: Stack) -> None:
    """By doctor, so that somebody who misses them finds out."""
    api.patch(HERE, json={"hook_key": "the-key"})
    told = {**EVENT, "event": "people:profile:cloned", "timestamp": 2}
    assert stack.client(None).post(f"/crisp/{WEBSITE}?key=the-key", json=told).status_code == 200
    stack.services.events.turn()
    with stack.services.ledger.read() as connection:
        assert hooks.unknown(connection, WEBSITE) == {"people:profile:cloned": 1}
    named = {each["check"]: each["found"] for each in api.post("/v1/doctor").get_json()}[f"events · {WEBSITE}"]
    assert "people:profile:cloned (1)" in named


@pytest.mark.parametrize("value", ["", "a b", 7, "é", "x" * 501])
@pytest.mark.parametrize("name", ["hook_secret", "hook_key"])
def test_what_can_be_no_secret_is_refused(api: FlaskClient, name: str, value: object) -> None:
    told = problem(api.patch(HERE, json={name: value}), 422, "parameter_invalid")
    assert told["errors"][0]["field"] == name
