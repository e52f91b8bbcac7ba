"""Crisp's RTM: what happens while the connection is cut is not missed."""

import time
from typing import Any

import pytest
import requests

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
