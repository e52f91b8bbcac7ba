"""What happens in Crisp stands in a sheet: sandbox and service as processes, a stand-in for Google on a real port."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import requests

from connector.sandbox.sheets import SPREADSHEET
from tests.process.running import Crisp, Running, Service, running, until
from tests.process.subscriber import HOOKED, SECRET, in_crisp, subscribing
from tests.sinks.google import REFRESH_TOKEN, Google, google

HEADER = ["Email", "Nickname", "City", "data.plan"]
CHANGES = ["contact_created", "contact_updated", "conversation_data_changed"]


@pytest.fixture
def sheets() -> Iterator[Google]:
    with google() as found:
        found.fill(HEADER)
        yield found


@pytest.fixture
def serve(env: dict[str, str], crisp: Crisp, sheets: Google, tmp_path: Path) -> Iterator[Running]:
    env = {**env, **HOOKED, "CONNECTOR_GOOGLE_API_URL": sheets.url}
    with running("serve", "--port", "0", "--json", env=env, folder=tmp_path) as process:
        crisp.set(hook_url=f"{process.url}/crisp/{env['CRISP_WEBSITE_ID']}", hook_secret=SECRET)
        yield process
        crisp.set(hook_url=None)


def sink(service: Service, mode: str, events: list[str]) -> None:
    options = {"spreadsheet": SPREADSHEET, "mode": mode}
    made = {"kind": "google_sheets", "events": events, "options": options, "credential": REFRESH_TOKEN}
    answer = service.post("/v1/sinks", json=made)
    assert answer.status_code == 201, answer.text


def has_rows(sheets: Google, count: int) -> bool:
    return len(sheets.rows()) == count


def visit(crisp: Crisp, **said: object) -> None:
    answer = requests.post(f"{crisp.running.url}/_sandbox/conversations", json=said, timeout=10)
    assert answer.ok, answer.text


def test_one_row_is_kept_up_to_date(serve: Running, crisp: Crisp, sheets: Google) -> None:
    """Whatever changes, the address as well; and who ends a subscription is told nothing more."""
    service = Service(serve.url)
    sink(service, "upsert", CHANGES)
    with subscribing() as subscriber:
        ids = subscriber.subscribe(service, *CHANGES)
        in_crisp(crisp, "POST", "people/profile", email="ada@example.com", person={"nickname": "Ada"})
        until(lambda: sheets.rows() == [HEADER, ["ada@example.com", "Ada"]], 15, "the row")
        visit(crisp, session_id="session_1", email="ada@example.com", data={"plan": "pro"})
        until(lambda: sheets.rows()[1] == ["ada@example.com", "Ada", "", "pro"], 15, "the conversation's data")
        place = {"geolocation": {"city": "Paris"}}
        in_crisp(crisp, "PATCH", "people/profile/ada@example.com", email="countess@example.com", person=place)
        row = ["countess@example.com", "Ada", "Paris", "pro"]
        until(lambda: sheets.rows() == [HEADER, row], 15, "the new address in the same row")
        until(lambda: [each.event["event"] for each in subscriber.told] == [CHANGES[0], CHANGES[2], CHANGES[1]], 15)
        assert subscriber.told[-1].event["previous"] == {"city": None, "email": "ada@example.com"}
        assert subscriber.forged == []
        for each in ids:
            url, headers = f"{serve.url}/v1/subscriptions/{each}", {"X-API-Key": service.key}
            assert requests.delete(url, headers=headers, timeout=10).json() == {"deleted": True, "id": each}
        visit(crisp, session_id="session_1", data={"plan": "free"})
        until(lambda: sheets.rows()[1][3] == "free", 15, "what the sheet is told all the same")
        assert len(subscriber.told) == 3


def test_a_row_for_each_new_contact(serve: Running, crisp: Crisp, sheets: Google) -> None:
    """A formula in a name stays text; what we made ourselves is no news."""
    service = Service(serve.url)
    sink(service, "append", ["contact_created"])
    service.post("/v1/contacts", json={"email": "ours@example.com", "nickname": "Ours"})
    wanted = [["ada@example.com", "=1+1"], ["bob@example.com", "Bob"]]
    for count, (email, nickname) in enumerate(wanted, 1):
        in_crisp(crisp, "POST", "people/profile", email=email, person={"nickname": nickname})
        until(partial(has_rows, sheets, 1 + count), 15, "the row")
    assert sheets.rows() == [HEADER, *wanted]
