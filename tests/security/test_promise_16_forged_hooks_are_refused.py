"""Promise 16, at Crisp's hooks: whatever is wrong with a request, it is answered alike, and nothing is kept."""

import json
import random
import socket
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, func, select
from structlog.testing import capture_logs

from connector.crisp.events import TOLERANCE, sign
from connector.ledger import connections as tenants
from connector.ledger.tables import hooks
from tests import postgres
from tests.app.inbound import ONE_ID
from tests.app.stack import DATABASES, WEBSITE, Stack, sandbox, settings_for
from tests.app.stack import running as in_process
from tests.process.running import Service, running, until

SECRET, OLD, KEY = "the-hook-secret-9f31", "the-old-secret-0b77", "the-hook-key-5c2e"
PERSON = "5a7d8e0c-1d2f-4a3b-9c8d-7e6f5a4b3c2d"
# What stands for the secrets of a connection that has none; it is written in the code.
NOBODY = "0" * 64
DICE = random.Random(16)


def body_of(event: str = "people:profile:created", website_id: str = WEBSITE, **more: Any) -> bytes:
    """A hook's body, written as `JSON.stringify` writes it."""
    data = {"website_id": website_id, "people_id": PERSON, "email": "ada@example.com", **more}
    told = {"website_id": website_id, "event": event, "data": data, "timestamp": 1_790_000_000_000}
    return json.dumps(told, separators=(",", ":")).encode()


BODY = body_of()


@dataclass(frozen=True)
class Sent:
    """One request. `query` and header values are bytes as they go over the line."""

    body: bytes = BODY
    headers: Sequence[tuple[str, bytes]] = ()
    query: str = ""
    where: str = WEBSITE


@dataclass
class Answered:
    """Status and body of an answer."""

    status: int
    body: bytes = field(repr=False)

    @property
    def shape(self) -> tuple[int, bytes]:
        """What must be alike for all that is refused: the id of the request is given, so everything is."""
        return self.status, self.body


def signed(body: bytes = BODY, *, at: int | None = None, secret: str = SECRET, **more: Any) -> Sent:
    """A true plugin hook, unless something else is said. `at`: UNIX milliseconds."""
    moment = str(int(time.time() * 1000) if at is None else at)
    return Sent(body, headers_of(moment, sign(body, moment, secret)), **more)


def headers_of(timestamp: str | None, signature: str | None) -> list[tuple[str, bytes]]:
    named = (("X-Crisp-Request-Timestamp", timestamp), ("X-Crisp-Signature", signature))
    return [(name, value.encode("latin-1")) for name, value in named if value is not None]


def flipped(text: bytes) -> Iterator[bytes]:
    """The text with each of its bits flipped, one at a time."""
    for bit in range(len(text) * 8):
        each = bytearray(text)
        each[bit // 8] ^= 1 << bit % 8
        yield bytes(each)


def odd_headers(moment: str, good: str) -> Iterator[list[tuple[str, bytes]]]:
    """Missing, doubled, empty, not ASCII, of another form."""
    bad: list[tuple[str | None, str | None]] = [
        (None, None),
        (None, good),
        (moment, None),
        ("", good),
        (moment, ""),
        ("", ""),
        (moment, f"{good},{good}"),
        (moment, f"{good} {good}"),
        (f"{moment},{moment}", good),
        (f"{moment}.0", good),
        (f"+{moment}", good),
        (f"0{moment}", good),
        (moment[:-3], good),
        ("-1", good),
        ("9" * 400, good),
        ("\xb2" * 13, good),
        ("\xe9", good),
        (moment, "\xe9" * 64),
        (moment, "\xff\xfe"),
        (moment, good[:-1]),
        (moment, good + "0"),
        (moment, "0" * 64),
        (moment, f"sha256={good}"),
        (moment, f"v1,{good}"),
    ]
    yield from (headers_of(*each) for each in bad)


class Door:
    """Where hooks come in, and how many of them are kept. `ask` sends one request."""

    def ask(self, sent: Sent) -> Answered:
        raise NotImplementedError

    def kept(self) -> int:
        raise NotImplementedError

    def refuses(self, *sent: Sent) -> None:
        """All of them are answered as if there were no such connection, and nothing is kept."""
        before = self.kept()
        nothing = self.ask(Sent(where="nobody"))
        assert nothing.status == 401
        told = json.loads(nothing.body)
        assert (told["code"], told["request_id"]) == ("hook_forged", ONE_ID["X-Request-Id"])
        different = [each for each in sent if self.ask(each).shape != nothing.shape]
        assert different == []
        assert self.kept() == before

    def takes(self, sent: Sent, *, stored: bool = True) -> None:
        """It is answered with 200."""
        answered = self.ask(sent)
        assert (answered.status, json.loads(answered.body)) == (200, {"stored": stored})


@dataclass
class InProcess(Door):
    """The application, past all checks of a client and of a server."""

    stack: Stack

    def ask(self, sent: Sent) -> Answered:
        given = {f"HTTP_{name.upper().replace('-', '_')}": value.decode("latin-1") for name, value in sent.headers}
        environ = {"QUERY_STRING": sent.query, "HTTP_X_REQUEST_ID": ONE_ID["X-Request-Id"], **given}
        client = FlaskClient(self.stack.app)
        answer = client.post(f"/crisp/{sent.where}", data=sent.body, environ_overrides=environ)
        return Answered(answer.status_code, answer.get_data())

    def kept(self) -> int:
        with self.stack.services.ledger.read() as connection:
            return connection.scalar(select(func.count()).select_from(hooks)) or 0


@dataclass
class OverTheLine(Door):
    """A server in a process of its own, spoken to byte by byte."""

    url: str
    database: Path

    def ask(self, sent: Sent) -> Answered:
        lines = [f"POST /crisp/{sent.where}?{sent.query} HTTP/1.1".encode(), b"Host: here", b"Connection: close"]
        lines += [b"Content-Type: application/json", f"Content-Length: {len(sent.body)}".encode()]
        lines += [f"X-Request-Id: {ONE_ID['X-Request-Id']}".encode()]
        lines += [f"{name}: ".encode() + value for name, value in sent.headers]
        return self.say(b"\r\n".join(lines) + b"\r\n\r\n", sent.body)

    def say(self, head: bytes, body: bytes) -> Answered:
        address = urlsplit(self.url)
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=20) as line:
            line.sendall(head)
            with suppress(BrokenPipeError, ConnectionResetError):  # it was answered before it was read to its end
                line.sendall(body)
            heard = b"".join(iter(lambda: line.recv(65_536), b""))
        said, _, answer = heard.partition(b"\r\n\r\n")
        return Answered(int(said.split(b" ", 2)[1]), answer)

    def kept(self) -> int:
        with closing(sqlite3.connect(self.database, timeout=20)) as connection:
            count: int = connection.execute("SELECT count(*) FROM hooks").fetchone()[0]
        return count


@pytest.fixture(scope="module", params=DATABASES)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A service whose hooks nobody understands: what is kept stays as it came."""
    with ExitStack() as kept:
        url = ""
        if request.param == "postgresql":
            url = kept.enter_context(postgres.database(request.getfixturevalue("postgres_server")))
        crisp = kept.enter_context(sandbox())
        known = {"crisp_hook_secret": f"{SECRET}, {OLD}", "crisp_hook_key": KEY}
        wanted = settings_for(tmp_path_factory.mktemp("data"), crisp.url, database_url=url, **known)
        yield kept.enter_context(in_process(wanted, crisp, delivers=False))


@pytest.fixture
def door(service: Stack) -> InProcess:
    with service.services.ledger.write() as connection:
        connection.execute(delete(hooks))
    return InProcess(service)


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """A service for a Crisp that is never asked."""
    return {
        "CONNECTOR_DATA_DIR": str(tmp_path),
        "CONNECTOR_API_KEY": "ck_for_the_tests_0123456789abcdef",
        "CRISP_API_URL": "http://127.0.0.1:9/v1",
        "CRISP_WEBSITE_ID": WEBSITE,
        "CRISP_IDENTIFIER": "identifier",
        "CRISP_KEY": "crisp-key",
        "CRISP_HOOK_SECRET": f"{SECRET},{OLD}",
        "CRISP_HOOK_KEY": KEY,
    }


@pytest.fixture
def line(env: dict[str, str], tmp_path: Path) -> Iterator[OverTheLine]:
    with running("serve", "--port", "0", "--json", env=env, folder=tmp_path) as process:
        yield OverTheLine(process.url, tmp_path / "connector.db")
        messages = process.messages()
        assert [each for each in (SECRET, OLD, KEY, "ada@example.com") if each in messages] == []


def test_every_bit(door: InProcess) -> None:
    good = signed()
    (_, moment), (_, signature) = good.headers
    door.refuses(*(Sent(headers=headers_of(moment.decode(), each.decode("latin-1"))) for each in flipped(signature)))
    door.refuses(*(Sent(headers=headers_of(each.decode("latin-1"), signature.decode())) for each in flipped(moment)))
    door.refuses(*(Sent(each, good.headers) for each in flipped(BODY)))
    door.refuses(*(Sent(each, good.headers) for each in (b"", BODY[:-1], BODY + b"\0", BODY * 2, BODY + b"]")))
    door.takes(good)


def test_odd_headers(door: InProcess) -> None:
    moment = str(int(time.time() * 1000))
    good = sign(BODY, moment, SECRET)
    door.refuses(*(Sent(headers=each) for each in odd_headers(moment, good)))
    door.takes(Sent(headers=headers_of(moment, good)))


def test_another_moment_than_now(door: InProcess) -> None:
    now = int(time.time() * 1000)
    off = (-TOLERANCE - 1_000, TOLERANCE + 5_000, -(10**12), 10**14, -now, -now + 1)
    door.refuses(*(signed(at=now + each) for each in off), signed(at=now // 1000))
    door.takes(signed(at=now - TOLERANCE + 5_000))


def test_the_same_request_again(door: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    good = signed()
    door.takes(good)
    spaced = Sent(json.dumps(json.loads(BODY)).encode(), good.headers)
    shouted = Sent(headers=[(name, value.upper()) for name, value in good.headers])
    door.refuses(good, good, spaced, shouted)
    courier = door.stack.services.courier
    monkeypatch.setattr(courier, "clock", lambda: int(time.time() * 1000) + TOLERANCE + 1_000)
    door.refuses(good)


def test_a_repeat_of_crisps_own_is_known_once(door: InProcess) -> None:
    """Crisp signs what it repeats anew; that is no forgery, and as little to be replayed as the first."""
    first, second = signed(), signed(at=int(time.time() * 1000) + 7)
    door.takes(first)
    door.takes(second, stored=False)
    door.refuses(first, second)


def test_other_secrets(door: InProcess) -> None:
    others = ["", " ", "x", SECRET[:-1], SECRET + "x", SECRET.swapcase(), f"{SECRET}, {OLD}", f"{SECRET},", KEY, NOBODY]
    door.refuses(*(signed(secret=each) for each in others))
    door.refuses(*(signed(secret=each, query=f"key={KEY}") for each in others))
    door.takes(signed(secret=OLD))


def test_a_connection_that_has_no_secret(door: InProcess) -> None:
    door.stack.other_client()
    body = body_of(website_id="another")
    door.refuses(*(signed(body, secret=each, where="another") for each in ("", NOBODY, SECRET)))
    door.refuses(*(Sent(body, query=f"key={each}", where="another") for each in ("", NOBODY, KEY)))
    with door.stack.services.ledger.write() as connection:
        tenants.remove(connection, "another")


def test_connections_that_are_none(door: InProcess) -> None:
    wrong = ["x", WEBSITE.upper(), WEBSITE[:-1], "a" * 3000, "%ff", "'", "..%2f", "\u00e9"]
    door.refuses(*(signed(where=each) for each in wrong))
    door.refuses(*(Sent(where=each, query=f"key={KEY}") for each in wrong))


def test_wrong_keys(door: InProcess) -> None:
    odd = ["", "key", "key=", "key=wrong", f"key={KEY}&key={KEY}", f"key={KEY}&key=", f"KEY={KEY}", f"k={KEY}"]
    odd += ["key=%ff%fe", "key=%ed%a0%80", f"key={KEY}%00", f"key=+{KEY}", f"key={NOBODY}", f"key={SECRET}"]
    odd += ["key=" + "".join(f"%{byte:02x}" for byte in each) for each in flipped(KEY.encode())]
    door.refuses(*(Sent(query=each) for each in odd))
    door.takes(Sent(query=f"key={KEY}"))


GARBAGE = [
    b"",
    b"null",
    b"[]",
    b"{",
    b'"text"',
    b"\xff\xfe{\x00}\x00",
    b"\x00",
    b"[" * 100_000,
    BODY.replace(b'"data":{', b'"data":[{').replace(b'},"timestamp"', b'}],"timestamp"'),
    BODY.replace(b"people:profile:created", b""),
    BODY.replace(b"people:profile:created", b"x" * 65),
    BODY.replace(b'"people:profile:created"', b"7"),
    BODY.replace(b'"data"', b'"date"'),
    BODY.replace(b"1790000000000", b"NaN"),
    BODY.replace(b"1790000000000", b"9" * 5_000),
    BODY.replace(b"ada@", b"\\ud800@"),
    BODY.replace(b"ada@", b"\xed\xa0\x80@"),
]
# Odd all the same, and yet an event; each is another.
ODD = [
    body_of(of=1).replace(b"1790000000000", b"9" * 400),
    body_of(of=2).replace(b"1790000000000", b"-1e300"),
    body_of(of=3).replace(b"1790000000000", b'"now"'),
    body_of(of=4).replace(b"ada@example.com", b"\\u0000"),
    body_of(of=5).replace(b"ada@example.com", b"a" * 4_000 + b"@example.com"),
    body_of(of=6).replace(b"{", b" {\n"),
    b"\xef\xbb\xbf" + body_of(of=7),
]


def test_what_is_signed_and_no_event(door: InProcess) -> None:
    for body in GARBAGE:
        answered = door.ask(signed(body))
        assert (answered.status, json.loads(answered.body)["code"]) == (400, "hook_unreadable"), body[:100]
    assert door.kept() == 0
    for body in ODD:
        door.takes(signed(body))


def test_no_secret_and_nobodys_name_is_in_the_log(door: InProcess) -> None:
    good = signed()
    with capture_logs() as lines:
        for sent in (good, good, Sent(query=f"key={KEY}"), Sent(query="key=wrong-key"), signed(b"ada@example.com")):
            door.ask(sent)
    told = repr(lines)
    assert "request" in told
    for secret in (KEY, SECRET, "wrong-key", good.headers[1][1].decode(), "ada@example.com", PERSON):
        assert secret not in told


def test_a_real_server_refuses_forgeries(line: OverTheLine) -> None:
    good = signed()
    (_, moment), (_, signature) = good.headers
    when, written = moment.decode(), signature.decode()
    line.refuses(*(Sent(each, good.headers) for each in DICE.sample(list(flipped(BODY)), 40)))
    seen = [each for each in flipped(signature) if each.isalnum()]
    line.refuses(*(Sent(headers=headers_of(when, each.decode())) for each in DICE.sample(seen, 40)))
    line.refuses(*(Sent(headers=headers_of(str(int(when) ^ (1 << bit)), written)) for bit in range(0, 40, 3)))
    line.refuses(*(Sent(headers=each) for each in odd_headers(when, written)))
    twice = [*good.headers, good.headers[0]], [*good.headers, good.headers[1]], [*good.headers, *good.headers]
    line.refuses(*(Sent(headers=each) for each in twice))
    odd = ["", "key=", "key=wrong", f"key={KEY}&key={KEY}", "key=%ff", f"key={NOBODY}"]
    line.refuses(*(Sent(query=each) for each in odd))
    line.refuses(signed(where="nobody"), signed(secret=NOBODY), signed(at=1), signed(at=int(when) + 2 * TOLERANCE))
    line.takes(good)
    line.refuses(good, good)


def test_a_real_server_refuses_a_replay_after_the_tolerance(line: OverTheLine) -> None:
    # Time enough for the first of them to arrive, however busy the machine is.
    ends = time.time() + 6
    old = signed(at=int(ends * 1000) - TOLERANCE)
    line.takes(old)
    line.refuses(old)
    time.sleep(max(0.0, ends - time.time()) + 0.1)
    line.refuses(old)


def test_the_old_secret_until_it_is_taken_away(env: dict[str, str], tmp_path: Path) -> None:
    for secrets, old_is_good in ((f"{SECRET},{OLD}", True), (SECRET, False)):
        with running(
            "serve", "--port", "0", "--json", env={**env, "CRISP_HOOK_SECRET": secrets}, folder=tmp_path
        ) as on:
            door = OverTheLine(on.url, tmp_path / "connector.db")
            new, old = (signed(body_of(of=secrets + each), secret=each) for each in (SECRET, OLD))
            door.takes(new)
            door.takes(old) if old_is_good else door.refuses(old)


def test_a_real_server_takes_no_nonsense(line: OverTheLine) -> None:
    """What is of another website, too large, signed garbage; and what is unknown is counted and ignored."""
    another = line.ask(signed(body_of(website_id="another")))
    assert (another.status, json.loads(another.body)["code"]) == (403, "hook_of_another")
    large = line.ask(signed(body_of(text="x" * 10_000_000)))
    assert (large.status, json.loads(large.body)["code"]) == (413, "body_too_large")
    assert [line.ask(signed(each)).status for each in GARBAGE] == [400] * len(GARBAGE)
    assert line.kept() == 0
    for event in ("people:profile:married", "campaign:progress", "x", "constructor", "\u2603"):
        line.takes(signed(body_of(event)))
    for body in ODD:
        line.takes(signed(body))
    service = Service(line.url)
    assert service.get("/v1/events/contact_updated").json() == []

    def outcomes() -> dict[str, int] | None:
        with closing(sqlite3.connect(line.database, timeout=20)) as connection:
            rows = dict(connection.execute("SELECT outcome, count(*) FROM hooks GROUP BY outcome").fetchall())
        return None if None in rows else rows

    assert until(outcomes, 10, "the understanding of all") == {"unknown": 5, "told": len(ODD)}
