"""Subscribers are told: signed, in time, again after a failure, and each without delaying the others."""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from connector.hooks import sign
from connector.hooks.egress import Egress
from connector.hooks.plan import PATIENCE, SCHEDULE, read_schedule
from connector.hooks.telling import Telling
from connector.ledger import Ledger, claims, subscriptions
from connector.settings import Settings
from tests.app.stack import until
from tests.hooks.conftest import OLD, SECRET, World
from tests.hooks.receiving import Receiver
from tests.ledger.telling import PAYLOAD

Act = Callable[[BaseHTTPRequestHandler, threading.Event], None]
DAY = 86_400


def test_a_delivery_is_signed_so_that_the_reference_library_takes_it(world: World, receiver: Receiver) -> None:
    world.subscribe(f"{receiver.url}/hook")
    world.tell(event_id="e1")
    row = world.tried()
    [told] = receiver.told
    assert row.status == "delivered"
    assert Webhook(SECRET).verify(told.body, dict(told.headers)) == PAYLOAD
    assert told.headers["webhook-id"] == "e1"
    assert told.headers["Content-Type"] == "application/json"
    assert told.headers["X-Connector-Sequence"] == str(row.sequence)


def test_every_attempt_sends_the_same_bytes_under_the_same_id(world: World, receiver: Receiver) -> None:
    world.subscribe(receiver.answer("/hook", 500))
    world.tell(event_id="e1", payload={"name": "Ada Łovelace 🙂", "nested": {"a": [1, None, True]}})
    world.tried(1)
    world.go_on(5)
    world.tried(2)
    first, second = receiver.told
    assert first.body == second.body == '{"name":"Ada Łovelace 🙂","nested":{"a":[1,null,true]}}'.encode()
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == "e1"
    assert int(second.headers["webhook-timestamp"]) >= int(first.headers["webhook-timestamp"]) + 5


def test_while_a_secret_takes_anothers_place_both_sign(world: World, receiver: Receiver) -> None:
    until_then = {"old_sealed": world.vault.seal(OLD), "old_until": world.clock() + 60_000}
    world.subscribe(f"{receiver.url}/hook", **until_then)
    world.tell()
    world.tried()
    world.go_on(60)
    world.tell()
    assert until(lambda: len(receiver.told) == 2)
    both, alone = receiver.told
    for secret in (SECRET, OLD):
        sign.verify(secret, both.headers, both.body, int(both.headers["webhook-timestamp"]))
    assert len(alone.headers["webhook-signature"].split(" ")) == 1
    with pytest.raises(sign.Unsigned):
        sign.verify(OLD, alone.headers, alone.body, int(alone.headers["webhook-timestamp"]))


# Promise 22


def slow(_request: BaseHTTPRequestHandler, over: threading.Event) -> None:
    """Says nothing at all."""
    over.wait(10)


def dripping(request: BaseHTTPRequestHandler, over: threading.Event) -> None:
    """One byte a second."""
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n":
        request.wfile.write(bytes([byte]))
        if over.wait(1):
            return


def dripping_body(request: BaseHTTPRequestHandler, over: threading.Event) -> None:
    """A status at once, then one byte a second."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while not over.wait(1):
        request.wfile.write(b"x")


def huge(request: BaseHTTPRequestHandler, over: threading.Event) -> None:
    """A body without an end."""
    request.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while not over.is_set():
        request.wfile.write(b"x" * 65_536)


def reset(request: BaseHTTPRequestHandler, _over: threading.Event) -> None:
    """Hangs up at once, and rudely."""
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.connection.close()


def garbled(request: BaseHTTPRequestHandler, _over: threading.Event) -> None:
    """No HTTP."""
    request.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n")


FAILS: dict[str, tuple[int | Act, str]] = {
    "301": (301, "it answered 301"),
    "302": (302, "it answered 302"),
    "307": (307, "it answered 307"),
    "400": (400, "it answered 400"),
    "404": (404, "it answered 404"),
    "500": (500, "it answered 500"),
    "slow": (slow, "it takes longer than 3 seconds"),
    "1 byte a second": (dripping, "it takes longer than 3 seconds"),
    "reset": (reset, "the connection broke off"),
    "no HTTP": (garbled, "the connection broke off"),
}
TAKES: dict[str, int | Act] = {
    "200": 200,
    "201": 201,
    "204": 204,
    "200, its body 1 byte a second": dripping_body,
    "200, its body without an end": huge,
}


@pytest.mark.parametrize("kind", [*TAKES, *FAILS, "410", "429", "503"])
@pytest.mark.parametrize("ledger", [("sqlite", "copied_sqlite")], indirect=True, ids=["sqlite"])
def test_promise_22_subscribers_are_served_by_the_book(world: World, receiver: Receiver, kind: str) -> None:
    """Delivered, or tried at the times of the schedule and then given up; nothing is followed; who is gone is removed;
    who asks for a pause gets it."""
    url = _answering(receiver, kind)
    subscription = world.subscribe(url)
    if kind in TAKES:
        _is_taken(world, receiver)
    elif kind in FAILS:
        _fails_by_the_schedule(world, receiver, FAILS[kind][1], quickly=callable(FAILS[kind][0]))
    elif kind == "410":
        _is_removed(world, receiver, subscription)
    else:
        _is_left_alone(world, receiver, subscription)
    assert receiver.of("/elsewhere") == []


def _answering(receiver: Receiver, kind: str) -> str:
    answer = TAKES.get(kind) or FAILS.get(kind, (0, ""))[0] or int(kind)
    if callable(answer):
        return receiver.act("/hook", answer)
    pause = {"Retry_After": "7200"} if kind in ("429", "503") else {}
    return receiver.answer("/hook", answer, Location=f"{receiver.url}/elsewhere", **pause)


def _is_taken(world: World, receiver: Receiver) -> None:
    world.tell()
    row = world.tried()
    assert (row.status, row.attempts, row.trail[0]["status"] // 100) == ("delivered", 1, 2)
    world.go_on(5 * DAY)
    time.sleep(0.1)
    assert len(receiver.told) == 1


def _fails_by_the_schedule(world: World, receiver: Receiver, words: str, *, quickly: bool) -> None:
    """What takes its time is only seen to be tried a second time."""
    world.tell()
    pauses = read_schedule(SCHEDULE)[1:]
    for number, pause in enumerate(pauses[:1] if quickly else pauses, start=1):
        row = world.tried(number)
        entry = row.trail[-1]
        assert row.status == "waiting"
        assert row.due_at == entry["at"] + pause * 1000
        assert entry.get("reason", f"it answered {entry.get('status')}") == words
        world.go_on(pause - 2)
        time.sleep(0.05)
        assert len(receiver.told) == number, "tried before its time"
        world.go_on(2)
    row = world.tried(2 if quickly else 10)
    assert quickly or (row.status, row.due_at, len(row.trail)) == ("dead", None, 10)


def _is_removed(world: World, receiver: Receiver, subscription: str) -> None:
    other = world.subscribe(receiver.url + "/other")
    world.tell()
    assert until(lambda: world.subscription(subscription) is None)
    assert until(lambda: {row.status for row in world.deliveries()} == {"delivered"})
    assert {row.subscription_id for row in world.deliveries()} == {other}
    assert world.tell() == 1
    assert len(receiver.of("/hook")) == 1


def _is_left_alone(world: World, receiver: Receiver, subscription: str) -> None:
    """Everything for this subscriber waits, not only what was answered so."""
    world.tell()
    row = world.tried()
    assert row.due_at == row.trail[0]["at"] + 7_200_000
    world.tell(event_id="second")
    world.go_on(7_190)
    time.sleep(0.2)
    assert len(receiver.told) == 1
    receiver.answer("/hook", 200)
    world.go_on(11)
    assert until(lambda: {each.status for each in world.deliveries()} == {"delivered"})
    known = world.subscription(subscription)
    assert known is not None
    assert (known.failing_since, known.resume_at) == (None, None)


@pytest.mark.parametrize("ledger", [("sqlite", "copied_sqlite")], indirect=True, ids=["sqlite"])
def test_of_an_answer_without_an_end_little_is_read(world: World, receiver: Receiver) -> None:
    sent = list[int]()

    def counting(request: BaseHTTPRequestHandler, over: threading.Event) -> None:
        request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        request.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not over.is_set():
            sent.append(request.wfile.write(b"x" * 8_192))

    world.subscribe(receiver.act("/hook", counting))
    world.tell()
    assert world.tried().status == "delivered"
    time.sleep(0.1)
    # 64 kB are read; the rest is what the two sockets hold.
    assert sum(sent) < 8_000_000


def test_five_days_of_nothing_but_failures_disable(world: World, receiver: Receiver) -> None:
    subscription = world.subscribe(receiver.answer("/hook", 500), failing_since=world.clock() - PATIENCE)
    world.tell()
    for number, pause in ((1, 5), (2, 300)):
        world.tried(number)
        world.go_on(pause)
    known = until(lambda: (found := world.subscription(subscription)) and found.disabled_at and found)
    assert known
    assert known.disabled_reason == "it answered 500"
    assert world.tried(3).status == "dead"
    assert world.tell() == 0


# Nobody delays another


@pytest.mark.parametrize("ledger", [("sqlite", "copied_sqlite")], indirect=True, ids=["sqlite"])
@pytest.mark.parametrize("settings", [{"hook_concurrency": 8}], ids=["8 places"])
def test_one_that_hangs_delays_no_other(world: World, receiver: Receiver) -> None:
    hanging = world.subscribe(receiver.act("/hanging", slow))
    for _ in range(20):
        world.tell()
    time.sleep(0.1)
    began = time.monotonic()
    world.subscribe(f"{receiver.url}/fine")
    for _ in range(20):
        world.tell()
    assert until(lambda: len(receiver.of("/fine")) == 20)
    assert time.monotonic() - began < 1
    in_hand = [row for row in world.deliveries(subscription_id=hanging) if row.claim]
    assert 1 <= len(in_hand) <= 4


@pytest.mark.parametrize("ledger", [("sqlite", "copied_sqlite")], indirect=True, ids=["sqlite"])
def test_deliveries_about_one_person_come_in_their_order(world: World, receiver: Receiver) -> None:
    def unequal(request: BaseHTTPRequestHandler, _over: threading.Event) -> None:
        """The earlier, the slower."""
        time.sleep(0.2 / len(receiver.told))
        request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    world.subscribe(receiver.act("/hook", unequal))
    for number in range(8):
        world.tell(who="ada@example.com", payload={"number": number})
    assert until(lambda: {row.status for row in world.deliveries()} == {"delivered"})
    assert [json.loads(each.body)["number"] for each in receiver.told] == list(range(8))
    sequences = [int(each.headers["X-Connector-Sequence"]) for each in receiver.told]
    assert sequences == sorted(set(sequences))


def test_two_processes_tell_each_event_once(world: World, receiver: Receiver) -> None:
    other = Telling(world.ledger, world.vault, Egress(allow=frozenset({"127.0.0.1"})), Settings())
    other.start()
    try:
        for number in range(3):
            world.subscribe(f"{receiver.url}/{number}")
        for _ in range(20):
            world.tell()
            other.kick()
        assert until(lambda: {row.status for row in world.deliveries()} == {"delivered"})
    finally:
        other.stop()
    told = [(each.path, each.headers["webhook-id"]) for each in receiver.told]
    assert len(told) == len(set(told)) == 60


# The address is judged at every delivery


@pytest.mark.parametrize("ledger", [("sqlite", "copied_sqlite")], indirect=True, ids=["sqlite"])
def test_an_address_that_became_a_private_one_is_not_told(world: World, receiver: Receiver, tmp_path: Path) -> None:
    """A resolver that answers public first and private later: no socket is opened."""
    world.telling.stop()
    asked = list[str]()

    def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    port = receiver.url.rpartition(":")[2]
    closed = Telling(world.ledger, world.vault, Egress(resolve=resolve, allow_http=True), Settings(data_dir=tmp_path))
    world.subscribe(f"http://rebound.example.com:{port}/hook")
    closed.start()
    world.tell()
    row = world.tried()
    closed.stop()
    assert row.trail[0]["reason"] == "its host is in a private or reserved network"
    assert asked == ["rebound.example.com"]
    assert receiver.told == []


def test_a_secret_that_no_key_opens_is_a_failure_like_any_other(world: World, receiver: Receiver) -> None:
    world.subscribe(f"{receiver.url}/hook", secret_sealed=b"of another key")
    world.tell()
    row = world.tried()
    assert row.trail[0]["reason"] == "its secret cannot be opened: the secret key is another"
    assert receiver.told == []


# Coming and going


def test_at_a_stop_what_is_on_its_way_ends_and_the_rest_is_given_back(world: World, receiver: Receiver) -> None:
    def late(request: BaseHTTPRequestHandler, _over: threading.Event) -> None:
        time.sleep(0.3)
        request.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    world.subscribe(receiver.act("/hook", late))
    for _ in range(10):
        world.tell()
    assert until(lambda: len(receiver.told) >= 4)
    world.telling.begin_stop()
    world.telling.stop()
    rows = world.deliveries()
    assert [row.claim for row in rows] == [None] * 10
    assert sum(row.status == "delivered" for row in rows) == len(receiver.told)
    assert {row.attempts for row in rows if row.status == "waiting"} == {0}


def test_who_was_killed_with_deliveries_in_hand_only_delays_them(world: World, receiver: Receiver) -> None:
    world.telling.stop()
    world.subscribe(f"{receiver.url}/hook")
    world.tell()
    now = world.clock()
    with world.ledger.write() as connection:
        assert len(claims.claim(connection, "elsewhere", now, now + 60_000, 64, 4)) == 1
    again = Telling(world.ledger, world.vault, Egress(allow=frozenset({"127.0.0.1"})), Settings())
    again.start()
    time.sleep(0.1)
    assert receiver.told == []
    world.clock.by += 60_000
    again.kick()
    assert until(lambda: len(receiver.told) == 1)
    again.stop()


def test_without_a_kick_it_is_found_within_a_second_or_so(world: World, receiver: Receiver) -> None:
    subscription = world.subscribe(f"{receiver.url}/hook")
    time.sleep(0.1)
    world.telling.kick = lambda: None  # type: ignore[method-assign] # nobody says that there is something
    world.tell()
    assert until(lambda: len(receiver.told) == 1, 3)
    with world.ledger.write() as connection:
        assert subscriptions.remove(connection, "W", subscription)
    assert world.tell() == 0


@pytest.mark.parametrize("ledger", [("sqlite", "copied_sqlite")], indirect=True, ids=["sqlite"])
def test_threads_are_made_when_there_is_something_to_tell(ledger: Ledger, world: World, receiver: Receiver) -> None:
    def pool() -> int:
        return sum(each.name.startswith("telling_") for each in threading.enumerate())

    before = pool()
    world.subscribe(f"{receiver.url}/hook")
    time.sleep(0.2)
    assert pool() == before == 0
    world.tell()
    world.tried()
    assert pool() == 1


def test_nothing_of_a_secret_is_shown(world: World) -> None:
    known: Any = world.subscription(world.subscribe("https://hooks.example.com/secret-path"))
    assert "secret-path" not in repr(known)
    assert "sealed" not in repr(known)
