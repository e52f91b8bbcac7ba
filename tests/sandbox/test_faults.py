"""Faults: seeded, half before and half after the change, in every kind."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from connector.sandbox import Options, create_app

PROFILE = "/v1/website/W/people/profile"
Start = Callable[..., FlaskClient]


def create(client: FlaskClient, number: int) -> str:
    """What came of one creation: the status, or "reset"."""
    body = {"email": f"p{number}@example.com", "person": {"nickname": "P"}}
    try:
        answer = client.post(PROFILE, json=body)
    except ConnectionResetError:
        return "reset"
    kind = answer.mimetype if answer.data else "empty"
    return f"{answer.status_code} {kind}"


def run(client: FlaskClient, count: int) -> tuple[list[str], set[str]]:
    """The outcome of each creation, and the emails that are there afterwards."""
    outcomes = [create(client, number) for number in range(count)]
    return outcomes, {card["email"] for card in client.get("/_sandbox/people").get_json()}


def test_every_kind_occurs(start: Start) -> None:
    outcomes, _ = run(start(error_rate=1, seed=1), 200)
    assert Counter(outcomes).keys() == {
        "500 application/json",
        "502 text/html",
        "503 empty",
        "504 text/html",
        "reset",
    }


def test_every_call_is_refused_with_the_message_that_was_given(start: Start) -> None:
    client = start(refusal="<b>not today</b>")
    for answer in (client.get(f"{PROFILE}s/1"), client.post(PROFILE, json={"email": "ada@example.com"})):
        told = {"error": True, "reason": "invalid_data", "data": {"message": "<b>not today</b>"}}
        assert (answer.status_code, answer.get_json()) == (400, told)
    client.post("/_sandbox", json={"refusal": None})
    assert client.get(f"{PROFILE}s/1").status_code == 200


@pytest.mark.parametrize("rate", [0.1, 0.5, 1])
def test_the_share_and_that_half_is_applied(start: Start, rate: float) -> None:
    outcomes, there = run(start(error_rate=rate, seed=3), 600)
    failed = [f"p{number}@example.com" for number, outcome in enumerate(outcomes) if outcome[:3] != "201"]
    assert len(failed) == pytest.approx(600 * rate, rel=0.25)
    assert len(there.intersection(failed)) == pytest.approx(len(failed) / 2, rel=0.35)
    assert len(there) == 600 - len(failed) + len(there.intersection(failed))


def test_the_same_seed_gives_the_same_faults(start: Start) -> None:
    first, second = (run(start(error_rate=0.5, timeout_rate=0.1, timeout_s=0, seed=7), 60) for _ in range(2))
    assert first == second
    assert first != run(start(error_rate=0.5, timeout_rate=0.1, timeout_s=0, seed=8), 60)


def test_reset_and_a_new_seed_start_the_sequence_again(start: Start) -> None:
    client = start(error_rate=0.5, seed=7)
    first = run(client, 30)
    client.post("/_sandbox/reset")
    assert run(client, 30) == first
    client.post("/_sandbox/reset")
    client.post("/_sandbox", json={"seed": 7})
    assert run(client, 30) == first


def test_a_timeout_is_applied_and_then_held(start: Start) -> None:
    client = start(timeout_rate=1, timeout_s=0.2)
    began = time.monotonic()
    assert create(client, 0).startswith("201")
    assert time.monotonic() - began >= 0.2
    assert len(client.get("/_sandbox/people").get_json()) == 1


def test_latency_comes_before_every_answer(start: Start) -> None:
    client = start(latency_ms=100)
    for path in (PROFILE, "/v1/nothing"):
        began = time.monotonic()
        client.get(path)
        assert time.monotonic() - began >= 0.1


def test_control_routes_never_fail_or_wait(start: Start) -> None:
    client = start(error_rate=1, latency_ms=5000, daily_quota=0)
    began = time.monotonic()
    assert [client.get(f"/_sandbox/{name}").status_code for name in ("stats", "people") * 5] == [200] * 10
    assert client.get("/_sandbox/stats").get_json()["calls"]["total"] == 0
    assert time.monotonic() - began < 5


@contextmanager
def werkzeug_server(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_reset_under_werkzeug_cuts_the_connection() -> None:
    options = Options(website_id="W", identifier="I", key="K", error_rate=1, seed=1)
    outcomes: Counter[str] = Counter()
    with werkzeug_server(create_app(options)) as url, requests.Session() as session:
        session.auth, session.headers["X-Crisp-Tier"] = ("I", "K"), "website"
        for _ in range(30):
            try:
                outcomes[str(session.get(f"{url}/v1/website/W/people/stats", timeout=5).status_code)] += 1
            except requests.ConnectionError:
                outcomes["reset"] += 1
    assert outcomes.keys() == {"500", "502", "503", "504", "reset"}
