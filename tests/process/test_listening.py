"""Crisp's RTM: what happens while the connection is cut is not missed."""

import json
import time
from typing import Any

import pytest
import requests

from tests.hooks.receiving import receiving
from tests.process.commands import result
from tests.process.running import Crisp, Service, running, until
from tests.process.test_events import in_crisp


def listeners(crisp: Crisp) -> int:
    return int(crisp.stats()["rtm"]["listeners"])


def created(service: Service) -> list[str]:
    listed = service.get("/v1/events/contact_created?limit=100").json()
    return sorted(each["contact"]["email"] for each in listed)


@pytest.fixture
def listening(env: dict[str, str]) -> dict[str, str]:
    return {**env, "CRISP_RTM": "1", "CONNECTOR_EVENT_WINDOW": "0"}


def make(crisp: Crisp, *names: str) -> list[str]:
    """Contacts that somebody makes in Crisp."""
    emails = [f"{name}@example.com" for name in names]
    for email in emails:
        in_crisp(crisp, "POST", "people/profile", email=email, person={"nickname": email[:3]})
    return emails


def test_no_event_of_a_gap_is_missed(listening: dict[str, str], crisp: Crisp, tmp_path: Any) -> None:
    with running("serve", "--port", "0", "--json", env=listening, folder=tmp_path) as process:
        service = Service(process.url)
        until(lambda: listeners(crisp) == 1, 20, "the connection")
        emails = make(crisp, "ada", "bob")
        until(lambda: created(service) == sorted(emails), 20, "what is told while it stands")
        assert requests.post(f"{crisp.running.url}/_sandbox/rtm/cut", json={"seconds": 3}, timeout=10).ok
        until(lambda: listeners(crisp) == 0, 10, "the cut")
        emails += make(crisp, "cy", "dan", "eve")
        until(lambda: listeners(crisp) == 1, 30, "the connection again")
        until(lambda: created(service) == sorted(emails), 20, "what happened in the gap")
        emails += make(crisp, "fay")
        until(lambda: created(service) == sorted(emails), 20, "what is told after it")
        time.sleep(1)
        assert len(created(service)) == len(emails), "each once"
        key = listening["CRISP_KEY"]
        assert key not in process.messages()


def test_a_token_that_may_not_listen_stops_nothing_else(listening: dict[str, str], crisp: Crisp, tmp_path: Any) -> None:
    crisp.set(rtm="off")
    try:
        with running("serve", "--port", "0", "--json", env=listening, folder=tmp_path) as process:
            told = Service(process.url).post("/v1/contacts", json={"email": "ada@example.com"})
            assert told.json()["status"] == "created"
            until(lambda: "rtm_lost" in process.messages(), 10, "the reason in the log")
    finally:
        crisp.set(rtm="on")


def test_another_takes_over_from_one_who_is_killed(listening: dict[str, str], crisp: Crisp, tmp_path: Any) -> None:
    """And misses nothing of the time between."""
    with running("serve", "--port", "0", "--json", env=listening, folder=tmp_path) as first:
        until(lambda: listeners(crisp) == 1, 20, "the connection")
        emails = make(crisp, "ada")
        until(lambda: created(Service(first.url)) == emails, 20, "what is told while it stands")
        with running("serve", "--port", "0", "--json", env=listening, folder=tmp_path) as second:
            time.sleep(2)
            assert listeners(crisp) == 1, "one listens"
            first.kill()
            emails += make(crisp, "bob", "cy")
            until(lambda: listeners(crisp) == 1, 40, "the other's connection")
            until(lambda: created(Service(second.url)) == sorted(emails), 20, "what happened between")
            emails += make(crisp, "dan")
            until(lambda: created(Service(second.url)) == sorted(emails), 20, "what is told after it")


def test_the_command_hears_stores_and_tells_by_itself(env: dict[str, str], crisp: Crisp, tmp_path: Any) -> None:
    """No service runs, and Crisp needs no address."""
    env = {**env, "CONNECTOR_EVENT_WINDOW": "0", "CONNECTOR_EGRESS_ALLOW": "127.0.0.1"}
    with receiving() as subscriber:
        result("subscriptions", "add", "contact_created", f"{subscriber.url}/hook", env=env)
        with running("listen", env=env, folder=tmp_path, speaks=False) as process:
            until(lambda: listeners(crisp) == 1, 20, "the connection")
            emails = make(crisp, "ada")
            until(lambda: subscriber.told, 20, "what a subscriber is told")
            assert process.stop() == 0
            said = process.messages()
        [told] = subscriber.told
    assert json.loads(told.body)["contact"]["email"] == emails[0]
    until(lambda: listeners(crisp) == 0, 10, "the end of the connection")
    assert "Listening to" in said
    assert not [secret for secret in (env["CRISP_KEY"], *emails, "Traceback") if secret in said]
    with running("web", "--port", "0", "--json", env=env, folder=tmp_path) as process:
        assert created(Service(process.url)) == emails
