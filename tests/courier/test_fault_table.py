"""Every way in which a call can go wrong, over real sockets, through the client and the courier: what becomes of it."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from connector.crisp.plan import check, erase, read
from connector.errors import Problem
from connector.ledger import Ledger, people, quotas
from connector.ledger import connections as tenants
from tests.building import contact
from tests.courier.toxic import Toxin, answer, raw, response, toxic
from tests.courier.world import World


@pytest.fixture
def ledger(copied_sqlite: str) -> Iterator[Ledger]:
    """Nothing here depends on which database it is."""
    made = Ledger(copied_sqlite)
    yield made
    made.close()


ADA = "ada@example.com"
PAGE = "<html><h1>Bad Gateway</h1></html>"
NO_ROUTE = '{"error": true, "reason": "not_found", "data": {}}'
HALF = b'HTTP/1.1 201 Created\r\nContent-Length: 99\r\n\r\n{"error": false'
CUT = b'HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nf\r\n{"error": false\r\n'
DRIP = b"HTTP/1.1 201 Created\r\nContent-Length: 99\r\n\r\n{"
BAD_CHUNK = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{"
NEVER = Event()
ELSEWHERE = "http://127.0.0.1:9/elsewhere"

# What becomes of the creation, what the trail then says, and whether the person has to be looked for before trying
# again: yes wherever the call may have been applied.
LOST: list[Any] = [
    pytest.param(raw(b"", resets=True), "crisp_unreachable", id="reset"),
    pytest.param(raw(b"", resets=True, applied=True), "crisp_unreachable", id="reset-applied"),
    pytest.param(raw(b""), "crisp_unreachable", id="closed"),
    pytest.param(raw(b"", applied=True), "crisp_unreachable", id="closed-applied"),
    pytest.param(raw(b"", waits=NEVER), "crisp_timeout", id="timeout"),
    pytest.param(raw(b"", waits=NEVER, applied=True), "crisp_timeout", id="timeout-applied"),
    pytest.param(raw(b"220 smtp.example.com\r\n\r\n"), "crisp_unreachable", id="not-http"),
    pytest.param(raw(HALF, applied=True), "crisp_unreachable", id="half-a-body"),
    pytest.param(raw(CUT, applied=True), "crisp_unreachable", id="a-chunk-is-missing"),
    pytest.param(raw(BAD_CHUNK), "crisp_unreachable", id="a-bad-chunk"),
    pytest.param(raw(DRIP, applied=True, waits=NEVER), "crisp_timeout", id="the-rest-of-a-body-never-comes"),
    pytest.param(answer(200, PAGE), "crisp_garbled", id="a-page-with-200"),
    pytest.param(answer(201, PAGE, applied=True), "crisp_garbled", id="a-page-with-201-applied"),
    pytest.param(raw(b"HTTP/1.1 103 Early Hints\r\n\r\n"), 103, id="an-interim-answer"),
    pytest.param(answer(301, Location=ELSEWHERE), 301, id="301"),
    pytest.param(answer(302, Location=ELSEWHERE), 302, id="302"),
    pytest.param(answer(307, Location=ELSEWHERE), 307, id="307"),
    pytest.param(answer(308, Location=ELSEWHERE), 308, id="308"),
    pytest.param(answer(408), 408, id="408"),
    pytest.param(answer(418, PAGE), 418, id="an-unknown-status"),
    pytest.param(answer(500, "{}"), 500, id="500"),
    pytest.param(answer(500, "{}", applied=True), 500, id="500-applied"),
    pytest.param(answer(500, ""), 500, id="nothing-with-500"),
    pytest.param(answer(502, PAGE), 502, id="a-page-with-502"),
    pytest.param(answer(502, PAGE, applied=True), 502, id="a-page-with-502-applied"),
    pytest.param(answer(503, ""), 503, id="nothing-with-503"),
    pytest.param(answer(503, "", Retry_After="2"), 503, id="503-with-a-pause"),
    pytest.param(answer(504, PAGE, applied=True), 504, id="504-applied"),
    pytest.param(answer(599), 599, id="599"),
]


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(("toxin", "trail"), LOST)
def test_promise_3_a_lost_answer_is_looked_for_and_nobody_is_created_twice(
    world: World, toxin: Toxin, trail: str | int
) -> None:
    [record] = world.add(contact(ADA, nickname="Ada", data={"n": 1}))
    with toxic(world.url, toxin) as server:
        world.settle(crisp_api_url=server.url)
    after = world.outcome(record)
    assert (after.status, after.trail[0]["answer"], world.stats["creations"]) == ("created", trail, {ADA: 1})
    assert after.trail[1]["call"] == "GET people/profile/{people_id}"
    assert world.person(ADA)["data"] == {"n": 1}
    assert not [line for line in server.seen if "elsewhere" in line]


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(("toxin", "trail"), LOST)
def test_promise_3_a_change_whose_answer_is_lost_is_told_again(world: World, toxin: Toxin, trail: str | int) -> None:
    world.deliver(contact(ADA, nickname="Ada", city="Nantes"))
    [record] = world.add(contact(ADA, city="Paris"))
    with toxic(world.url, toxin) as server:
        world.settle(crisp_api_url=server.url)
    assert (world.outcome(record).status, world.outcome(record).trail[0]["answer"]) == ("updated", trail)
    assert world.person(ADA)["person"]["geolocation"]["city"] == "Paris"


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(("toxin", "trail"), LOST)
def test_promise_3_a_read_whose_answer_is_lost_is_read_again(world: World, toxin: Toxin, trail: str | int) -> None:
    world.deliver(contact(ADA, nickname="Ada"))
    with toxic(world.url, toxin, toxin) as server:
        found = world.courier(crisp_api_url=server.url).run("W", read(ADA))
    assert found is not None
    assert found[0]["person"]["nickname"] == "Ada"


@contextmanager
def refused_port(_world: World, _folder: Path) -> Iterator[str]:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}/v1"


@contextmanager
def unknown_name(_world: World, _folder: Path) -> Iterator[str]:
    yield "http://crisp.invalid/v1"


@contextmanager
def full_backlog(_world: World, _folder: Path) -> Iterator[str]:
    """Connections are not taken any more: connecting takes too long."""
    with socket.socket() as full, ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            each = waiting.enter_context(socket.socket())
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        yield f"http://127.0.0.1:{full.getsockname()[1]}/v1"


@contextmanager
def no_tls(world: World, _folder: Path) -> Iterator[str]:
    yield world.url.replace("http://", "https://")


@contextmanager
def unknown_certificate(world: World, folder: Path) -> Iterator[str]:
    with toxic(world.url, context=_self_signed(folder)) as server:
        yield server.url


def _self_signed(folder: Path) -> ssl.SSLContext:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1)).sign(
        key, hashes.SHA256()
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain) + made.public_bytes(pem),
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("place", [refused_port, unknown_name, full_backlog, no_tls, unknown_certificate])
def test_a_call_that_could_not_be_sent_costs_nothing_and_is_in_no_doubt(
    world: World, tmp_path: Path, place: Any
) -> None:
    [record] = world.add(contact(ADA, nickname="Ada"))
    with place(world, tmp_path) as url:
        assert world.courier(crisp_api_url=url).drain("W", Event())
    after = world.outcome(record)
    assert (after.status, after.code, after.calls, after.unsure) == ("waiting", "crisp_unreachable", 0, None)
    with world.ledger.read() as connection:
        assert quotas.get(connection, "W").used == 0
    world.settle()
    assert (world.outcome(record).status, world.calls) == ("created", 1)


@pytest.mark.parametrize("status", [400, 409, 413, 414, 415, 422])
def test_what_is_refused_is_rejected_once_and_for_all(world: World, status: int) -> None:
    mode = "create" if status == 409 else "upsert"
    [record] = world.add(contact(ADA, nickname="Ada"), mode=mode)
    said = '{"error": true, "reason": "invalid_data", "data": {"message": "nickname: too long"}}'
    with toxic(world.url, answer(status, said)) as server:
        world.settle(crisp_api_url=server.url)
    after = world.outcome(record)
    code = "contact_exists" if status == 409 else "crisp_refused"
    assert (after.status, after.code, after.detail) == (
        "rejected",
        code,
        {"reason": "invalid_data: nickname: too long"},
    )
    assert len(server.seen) == 1


HALTS = {
    401: "crisp_credential_refused",
    402: "crisp_plan_too_small",
    403: "crisp_not_allowed",
    404: "crisp_website_missing",
}


@pytest.mark.parametrize("body", ["", PAGE, NO_ROUTE])
@pytest.mark.parametrize(("status", "code"), HALTS.items())
def test_what_refuses_the_connection_halts_it_and_keeps_the_work(
    world: World, status: int, code: str, body: str
) -> None:
    [record] = world.add(contact(ADA, nickname="Ada"))
    with toxic(world.url, *[answer(status, body)] * 9) as server:
        assert world.courier(crisp_api_url=server.url).drain("W", Event())
        assert not world.courier(crisp_api_url=server.url).drain("W", Event())
    assert (world.outcome(record).status, len(server.seen)) == ("waiting", 1)
    with world.ledger.read() as connection:
        [tenant] = tenants.every(connection)
    assert tenant.halted == code
    assert world.courier().check("W", check()) is None
    world.settle()
    assert world.outcome(record).status == "created"


@pytest.mark.parametrize("status", [420, 423, 429])
@pytest.mark.parametrize(
    ("header", "shortest", "longest"),
    [
        pytest.param(None, 1, 2, id="none"),
        pytest.param("7", 7, 8, id="seconds"),
        pytest.param("Wed, 21 Oct 2015 07:28:00 GMT", 1, 2, id="a-date-that-was"),
        pytest.param("in_a_minute", 58, 61, id="a-date"),
        pytest.param("soon", 1, 2, id="nonsense"),
        pytest.param("-5", 1, 2, id="negative"),
        pytest.param("999999999999", 1, 902, id="huge"),
    ],
)
def test_a_limit_pauses_as_long_as_crisp_asks(
    world: World, status: int, header: str | None, shortest: int, longest: int
) -> None:
    [record] = world.add(contact(ADA, nickname="Ada"))
    if header == "in_a_minute":
        header = http_date(datetime.fromtimestamp(world.clock() / 1000, UTC) + timedelta(seconds=60))
    before = world.clock()
    toxin = answer(status, "{}") if header is None else answer(status, "{}", Retry_After=header)
    with toxic(world.url, toxin) as server:
        assert world.courier(crisp_api_url=server.url).drain("W", Event())
        after = world.clock()  # it was answered between the two, however long a busy machine took for it
        with world.ledger.read() as connection:
            blocked = quotas.get(connection, "W").blocked_until
        assert before + shortest * 1000 <= blocked <= after + longest * 1000
        assert (world.outcome(record).status, len(server.seen)) == ("waiting", 1)
        world.settle(crisp_api_url=server.url)
    assert (world.outcome(record).status, world.stats["creations"]) == ("created", {ADA: 1})


def http_date(moment: datetime) -> str:
    return moment.strftime("%a, %d %b %Y %H:%M:%S GMT")


def test_a_clock_that_is_behind_makes_no_quota_of_a_pause(world: World) -> None:
    """The world's clock is years behind that of who answers, who asks for half a minute of its own time."""
    world.add(contact(ADA, nickname="Ada"))
    now = datetime.now(UTC)
    before = world.clock()
    toxin = answer(429, "{}", Date=http_date(now), Retry_After=http_date(now + timedelta(seconds=30)))
    with toxic(world.url, toxin) as server:
        assert world.courier(crisp_api_url=server.url).drain("W", Event())
    with world.ledger.read() as connection:
        budget = quotas.get(connection, "W")
    assert (budget.believed, budget.offset) == (None, 0)
    assert 30_000 <= budget.blocked_until - before <= 32_000


def test_a_write_that_is_done_without_a_word_is_done(world: World) -> None:
    """The status decides; only what is to be read must be there."""
    world.deliver(contact(ADA, nickname="Ada"))
    [record] = world.add(contact(ADA, nickname="Countess"))
    with toxic(world.url, answer(204, applied=True)) as server:
        world.settle(crisp_api_url=server.url)
    assert (world.outcome(record).status, world.outcome(record).calls) == ("updated", 1)


@pytest.mark.parametrize("status", [200, 201])
def test_a_creation_that_is_done_without_a_word_is_done(world: World, status: int) -> None:
    """Without a people_id in the answer the person goes by the address."""
    [record] = world.add(contact(ADA, nickname="Ada", data={"n": 1}))
    with toxic(world.url, answer(status, applied=True)) as server:
        world.settle(crisp_api_url=server.url)
    assert (world.outcome(record).status, world.outcome(record).calls) == ("created", 2)
    assert (world.stats["creations"], world.person(ADA)["data"]) == ({ADA: 1}, {"n": 1})


def test_promise_3_a_read_that_brings_nothing_is_read_again(world: World) -> None:
    """A 200 with an empty body is no answer to a read: Crisp has the person, and would be taken to have nobody."""
    world.deliver(contact(ADA, nickname="Ada", data={"n": 1}))
    with toxic(world.url, answer(200)) as server:
        found = world.courier(crisp_api_url=server.url).run("W", read(ADA))
    assert found is not None
    assert (found[0]["person"]["nickname"], found[1]) == ("Ada", {"n": 1})
    assert len(server.seen) == 3


class TestAnotherHasTheAddress:
    """409 on PATCH: the address that a person is to have from now on belongs to another."""

    @pytest.mark.parametrize("toxins", [(), (answer(409, "{}"),), (answer(409, PAGE),)], ids=["crisp", "plain", "page"])
    def test_it_is_rejected_once_and_for_all(self, world: World, toxins: tuple[Toxin, ...]) -> None:
        world.deliver(contact(ADA, nickname="Ada"), contact("bob@example.com", nickname="Bob"))
        [record] = world.add(contact("bob@example.com", nickname="Countess"), who=ADA, mode="update")
        before = world.calls
        with toxic(world.url, *toxins) as server:
            world.settle(crisp_api_url=server.url)
        after = world.outcome(record)
        assert (after.status, after.code, len(server.seen)) == ("rejected", "email_taken", 1)
        assert world.calls - before == 1 - len(toxins)
        assert world.person(ADA)["person"]["nickname"] == "Ada"
        assert world.person("bob@example.com")["person"]["nickname"] == "Bob"

    def test_the_person_can_be_told_more_afterwards(self, world: World) -> None:
        """What was refused is not taken for known."""
        world.deliver(contact(ADA, nickname="Ada"), contact("bob@example.com", nickname="Bob"))
        world.deliver(contact("bob@example.com", nickname="Countess"), who=ADA, mode="update")
        [record] = world.add(contact(ADA, nickname="Countess"))
        world.settle()
        assert (world.outcome(record).status, world.person(ADA)["person"]["nickname"]) == ("updated", "Countess")


def test_an_answer_that_comes_after_an_interim_one_is_not_taken_for_the_next_call(world: World) -> None:
    """The connection is left; what still comes on it answers a call that nobody waits for any more."""
    late = Event()

    def early(connection: socket.socket, forwarded: Any) -> None:
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        late.wait(0.3)
        connection.sendall(response(200, '{"error": false, "reason": "resolved", "data": {"people_id": "of another"}}'))

    world.deliver(contact(ADA, nickname="Ada"))
    with toxic(world.url, early) as server:
        found = world.courier(crisp_api_url=server.url).run("W", read(ADA))
    assert found is not None
    assert found[0]["people_id"] == world.person(ADA)["people_id"]


class TestNotFound:
    """404 for a person may be 404 of the website: a person who is missing is told by Crisp's own word, or else by a
    call that is of the website alone."""

    def test_an_update_of_nobody_costs_one_call(self, world: World) -> None:
        [record] = world.add(contact(ADA, nickname="Ada"), mode="update")
        world.settle()
        assert (world.outcome(record).code, world.calls) == ("contact_missing", 1)

    @pytest.mark.parametrize("body", ["", PAGE, NO_ROUTE])
    def test_with_another_word_the_website_is_asked(self, world: World, body: str) -> None:
        [record] = world.add(contact(ADA, nickname="Ada"), mode="update")
        with toxic(world.url, answer(404, body)) as server:
            world.settle(crisp_api_url=server.url)
        assert (world.outcome(record).status, world.outcome(record).code) == ("rejected", "contact_missing")
        assert [line.split("/people/")[1] for line in server.seen][1:] == ["profiles/1 HTTP/1.1"]

    @pytest.mark.parametrize("mode", ["update", "upsert"])
    def test_a_website_that_is_missing_halts_and_nobody_is_forgotten(self, world: World, mode: str) -> None:
        world.deliver(contact(ADA, nickname="Ada"))
        world.switch(website_id="another")
        [record] = world.add(contact(ADA, nickname="Countess"), mode=mode)
        world.courier().drain("W", Event())
        with world.ledger.read() as connection:
            [tenant] = tenants.every(connection)
            known = people.by_who(connection, "W", [ADA])
        assert (world.outcome(record).status, tenant.halted) == ("waiting", "crisp_website_missing")
        assert known[ADA].known.fields["nickname"] == "Ada"
        world.switch(website_id="W")
        assert world.courier().check("W", check()) is None
        world.settle()
        assert world.outcome(record).status == "updated"

    @pytest.mark.parametrize("plan", [read, erase])
    def test_a_single_plan_says_that_the_website_is_missing(self, world: World, plan: Any) -> None:
        assert not world.courier().run("W", plan(ADA))
        assert world.calls == 1
        world.switch(website_id="another")
        with pytest.raises(Problem) as caught:
            world.courier().run("W", plan(ADA))
        assert (caught.value.code, caught.value.facts["reason"]) == ("connection_halted", "crisp_website_missing")
