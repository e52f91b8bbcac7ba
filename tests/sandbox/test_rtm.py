"""The RTM API: a real socket.io client against the sandbox as a process of its own."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
import requests
import socketio  # type: ignore[import-untyped]
from flask.testing import FlaskClient

from connector.sandbox.rtm import PATH
from tests.sandbox.receiver import until

Address = dict[str, str]
Serve = Callable[..., AbstractContextManager[tuple[Address, "subprocess.Popen[str]"]]]
CREATED, DATA = "people:profile:created", "session:set_data"


class Listener:
    """A client on one socket; it keeps what it is told as `(event, data)`."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.told: list[tuple[str, Any]] = []
        self.client = socketio.Client(reconnection=False)
        self.client.on("*", lambda event, data: self.told.append((event, data)))

    def connect(self) -> None:
        self.client.connect(self.address["url"], transports=["websocket"], socketio_path=PATH)

    def authenticate(self, *events: str, **given: Any) -> None:
        token = {"username": self.address["identifier"], "password": self.address["key"], "tier": self.address["tier"]}
        self.client.emit("authentication", {**token, "events": list(events), **given})

    def listen(self, *events: str) -> None:
        """Until it is let in."""
        self.connect()
        self.authenticate(*events)
        until(lambda: self.told)
        assert self.told.pop() == ("authenticated", {})


@contextmanager
def listening(address: Address, *events: str) -> Iterator[Listener]:
    listener = Listener(address)
    try:
        listener.listen(*events)
        yield listener
    finally:
        listener.client.disconnect()


def post(address: Address, route: str, body: dict[str, Any]) -> None:
    assert requests.post(f"{address['url']}/_sandbox{route}", json=body, timeout=5).status_code < 300


def visit(address: Address, number: int, **said: Any) -> None:
    post(address, "/conversations", {"session_id": "session_1", "data": {"number": number}, **said})


def rtm_stats(address: Address) -> dict[str, int]:
    counts: dict[str, int] = requests.get(f"{address['url']}/_sandbox/stats", timeout=5).json()["rtm"]
    return counts


@pytest.fixture
def address(serve: Serve) -> Iterator[Address]:
    with serve() as (address, _):
        yield address


@pytest.mark.parametrize("tier", ["website", "plugin"])
def test_the_endpoint(start: Callable[..., FlaskClient], tier: str) -> None:
    client = start(tier=tier)
    answer = client.get(f"/v1/{tier}/connect/endpoints")
    assert answer.get_json() == {
        "error": False,
        "reason": "resolved",
        "data": {"socket": {"app": f"http://localhost{PATH}"}},
    }
    other = {"website": "plugin", "plugin": "website"}[tier]
    assert client.get(f"/v1/{other}/connect/endpoints").status_code == 403
    assert client.get(f"/v1/{tier}/connect/endpoints", headers={"Authorization": ""}).status_code == 401
    client.post("/_sandbox", json={"rtm": "off"})
    assert client.get(f"/v1/{tier}/connect/endpoints").status_code == 404
    counted = client.get("/_sandbox/stats").get_json()["calls"]["by_route"]
    assert counted[f"GET {tier}/connect/endpoints"] == 3


def test_only_what_was_asked_for_is_told_in_order(address: Address) -> None:
    with listening(address, DATA) as listener:
        for number in range(200):
            visit(address, number, email="ada@example.com")
        until(lambda: len(listener.told) == 200)
    of_session = {"website_id": address["website_id"], "session_id": "session_1"}
    assert listener.told == [(DATA, {**of_session, "data": {"number": number}}) for number in range(200)]


def test_each_listener_is_told_its_own(address: Address) -> None:
    with listening(address, DATA) as first, listening(address, DATA, CREATED, "message:send") as second:
        visit(address, 1, email="ada@example.com")
        until(lambda: len(first.told) == 1 and len(second.told) == 2)
        assert rtm_stats(address) == {"listeners": 2, "sent": 3}
    assert [event for event, _ in second.told] == [DATA, CREATED]
    until(lambda: rtm_stats(address)["listeners"] == 0)


def test_nothing_is_told_before_the_token_is_given(address: Address) -> None:
    listener = Listener(address)
    listener.connect()
    visit(address, 1)
    with listening(address, DATA) as another:
        visit(address, 2)
        until(lambda: another.told)
    assert listener.told == []
    listener.client.disconnect()


WRONG: list[Any] = [
    {"password": "wrong"},
    {"username": "wrong"},
    {"username": None},
    {"password": ["K"]},
    {"password": "\ud83d"},
    {"tier": "plugin"},
    {"tier": None},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_wrong_token_is_unauthorized_and_cut_off(address: Address, wrong: dict[str, Any]) -> None:
    listener = Listener(address)
    listener.connect()
    listener.authenticate(DATA, **wrong)
    until(lambda: listener.told and not listener.client.connected)
    visit(address, 1)
    assert listener.told == [("unauthorized", {})]
    assert rtm_stats(address) == {"listeners": 0, "sent": 0}


@pytest.mark.parametrize("said", [None, "token", [], {}], ids=str)
def test_no_token_at_all_is_unauthorized(address: Address, said: Any) -> None:
    listener = Listener(address)
    listener.connect()
    listener.client.emit("authentication", said)
    until(lambda: listener.told and not listener.client.connected)
    assert listener.told == [("unauthorized", {})]


@pytest.mark.parametrize("events", [None, "session:set_data", [3, None]], ids=str)
def test_events_that_are_no_list_of_names_are_none(address: Address, events: Any) -> None:
    with listening(address) as listener:
        listener.authenticate(events=events)
        until(lambda: listener.told == [("authenticated", {})])
        visit(address, 1)
        assert rtm_stats(address) == {"listeners": 1, "sent": 0}


def test_a_cut_leaves_a_gap(address: Address) -> None:
    """What happens while no socket is open is told to nobody: a client must catch up by itself."""
    with listening(address, DATA) as listener:
        visit(address, 1)
        until(lambda: listener.told)
        post(address, "/rtm/cut", {"seconds": 0.6})
        until(lambda: not listener.client.connected)
        visit(address, 2)
        again = Listener(address)
        with pytest.raises(socketio.exceptions.ConnectionError):
            again.connect()
        time.sleep(0.6)
        again.listen(DATA)
        visit(address, 3)
        until(lambda: again.told)
        again.client.disconnect()
    assert [data["data"]["number"] for _, data in listener.told + again.told] == [1, 3]


@pytest.mark.parametrize("body", [{}, {"seconds": -1}, {"seconds": "5"}, {"seconds": True}, {"second": 1}], ids=str)
def test_a_bad_cut_is_refused(client: FlaskClient, body: dict[str, Any]) -> None:
    assert client.post("/_sandbox/rtm/cut", json=body).status_code == 400


def test_rtm_is_switched_off_and_on(address: Address) -> None:
    with listening(address, DATA) as listener:
        post(address, "", {"rtm": "off"})
        until(lambda: not listener.client.connected)
        with pytest.raises(socketio.exceptions.ConnectionError):
            Listener(address).connect()
        post(address, "", {"rtm": "on"})
    with listening(address, DATA):
        assert rtm_stats(address)["listeners"] == 1


def test_what_is_no_websocket_is_refused(address: Address) -> None:
    for path in (PATH, f"{PATH}?EIO=4&transport=polling"):
        assert 400 <= requests.get(f"{address['url']}{path}", timeout=5).status_code < 600
    assert requests.get(f"{address['url']}/_sandbox/people", timeout=5).json() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_quickly_and_quietly_with_sockets_open(serve: Serve, number: signal.Signals) -> None:
    with serve() as (address, process), listening(address, DATA), listening(address, CREATED):
        began = time.monotonic()
        process.send_signal(number)
        _, said = process.communicate(timeout=10)
    assert time.monotonic() - began < 4
    assert process.returncode == 0
    assert said.count("\n") == 1, said


def test_a_client_catches_up_by_listing_what_was_updated_last(
    client: FlaskClient, add: Callable[..., str], clock: Any
) -> None:
    ids = [add(f"ada{number}@example.com") for number in range(3)]
    clock.now += 5
    client.patch(f"/v1/website/W/people/data/{ids[0]}", json={"data": {"plan": "pro"}})
    query = {"sort_field": "updated_at", "sort_order": "descending"}
    cards = client.get("/v1/website/W/people/profiles/1", query_string=query).get_json()["data"]
    assert cards[0]["people_id"] == ids[0]
    assert cards[0]["updated_at"] - cards[1]["updated_at"] == 5000
