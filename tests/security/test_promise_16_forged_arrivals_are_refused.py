"""Promise 16, at inbound addresses: whatever is wrong with a request, it is answered alike, and nothing is kept."""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from structlog.testing import capture_logs

from connector.ledger import connections as tenants
from connector.ledger.tables import arrivals, inbounds
from tests import postgres
from tests.app.inbound import BESIDE, HEADERS, ONE_ID, SIGNED, body_of, cleared, made, path, proof, signature, told
from tests.app.stack import DATABASES, Stack, running, sandbox, settings_for

SOURCES = ("notion", "google_sheets", "dynamics", "generic", "hubspot", "pipedrive", "shopify", "woocommerce")
SECRET = "secret_Zq7pXw2LkR9vTn4cBy6mHd1sJf8gUa3eKo5iWr0xQz2"
BODY = b'{"type":"page.created","entity":{"id":"1c9d4e72-3b58-4f0a-9e61-7a2c8d05b3f4","type":"page"}}'
Environ = dict[str, Any]


@pytest.fixture(scope="module", params=DATABASES)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A service that does not deliver."""
    with ExitStack() as kept:
        url = ""
        if request.param == "postgresql":
            url = kept.enter_context(postgres.database(request.getfixturevalue("postgres_server")))
        crisp = kept.enter_context(sandbox())
        wanted = settings_for(tmp_path_factory.mktemp("data"), crisp.url, database_url=url)
        yield kept.enter_context(running(wanted, crisp, delivers=False))


@dataclass
class Door:
    """An inbound address, and what is at it by now."""

    stack: Stack
    inbound: dict[str, Any]

    @property
    def secret(self) -> str:
        """With which true requests are made."""
        found: str = self.inbound["secret"]
        return found

    @property
    def source(self) -> str:
        """Where they come from."""
        found: str = self.inbound["source"]
        return found

    @property
    def header(self) -> str:
        """The header with the signature or the secret, as WSGI calls it."""
        return _wsgi(HEADERS[self.source])

    def true(self, body: bytes = BODY, secret: str = "") -> str:
        """What a true sender puts into that header."""
        return told(self.source, body, secret or self.secret)

    def ask(self, environ: Environ, *, body: bytes = BODY, where: str = "", query: str = "") -> tuple[int, bytes]:
        """A request past all checks of a client: status and body of its answer."""
        client = FlaskClient(self.stack.app)
        beside = {_wsgi(name): value for name, value in BESIDE.get(self.source, {}).items()}
        overrides = {"QUERY_STRING": query, "HTTP_X_REQUEST_ID": ONE_ID["X-Request-Id"], **beside, **environ}
        answer = client.post(where or path(self.inbound), data=body, environ_overrides=overrides)
        return answer.status_code, answer.get_data()

    def kept(self) -> int:
        """How many arrivals there are at all."""
        with self.stack.services.ledger.read() as connection:
            return connection.scalar(select(func.count()).select_from(arrivals)) or 0

    def refuses(self, *asked: tuple[int, bytes]) -> None:
        """All of them were answered as if the address did not exist, and nothing was kept."""
        nothing = self.ask({}, where=f"/in/{self.source}/nobody")
        assert nothing[0] == 401
        assert set(asked) == {nothing}
        assert self.kept() == 0

    def opens(self) -> None:
        """A true request is taken all the same."""
        assert self.ask({self.header: self.true()})[0] == 200
        assert self.kept() == 1


def _wsgi(name: str) -> str:
    return f"HTTP_{name.upper().replace('-', '_')}"


@pytest.fixture(params=SOURCES)
def door(request: pytest.FixtureRequest, service: Stack) -> Iterator[Door]:
    """An address of each source."""
    yield opened(service, request.param)
    cleared(service)


@pytest.fixture(params=["generic", "zoho", "prestashop"])
def in_address(request: pytest.FixtureRequest, service: Stack) -> Iterator[Door]:
    """An address that takes its secret in the query."""
    yield opened(service, request.param)
    cleared(service)


@pytest.fixture
def generic(service: Stack) -> Iterator[Door]:
    """An address of plain fields."""
    yield opened(service, "generic")
    cleared(service)


def opened(service: Stack, source: str) -> Door:
    cleared(service)
    return Door(service, made(service.client(), source))


def flips(text: str) -> Iterator[str]:
    """The text with each of its bits flipped, one at a time."""
    for place, char in enumerate(text):
        for bit in range(8):
            yield text[:place] + chr(ord(char) ^ (1 << bit)) + text[place + 1 :]


def test_every_bit_of_the_proof(door: Door) -> None:
    door.refuses(*(door.ask({door.header: each}) for each in flips(door.true())))
    door.opens()


@pytest.mark.parametrize("door", sorted(SIGNED), indirect=True)
def test_every_bit_of_the_body(door: Door) -> None:
    """Of those that sign it: a secret by itself says nothing of the body."""
    true = door.true()
    forged = [
        bytes(BODY[:place] + bytes([BODY[place] ^ (1 << bit)]) + BODY[place + 1 :])
        for place in range(len(BODY))
        for bit in range(8)
    ]
    door.refuses(*(door.ask({door.header: true}, body=each) for each in forged))
    door.refuses(*(door.ask({door.header: true}, body=each) for each in (b"", BODY[:-1], BODY + b"\0", BODY * 2)))
    door.opens()


def test_missing_doubled_empty_and_odd_headers(door: Door) -> None:
    true = door.true()
    bare = true.removeprefix("sha256=")
    odd = ["", " ", "sha256=", "sha256", "sha256=" * 2, f"{true},{true}", f"{true}, {true}", f"{true} {true}", true * 2]
    odd += [" " + true + "0", true[:-1], true.upper(), bare + "\xe9", "\xe9" * 64, "\xff\xfe", "\x80" * 71, "0" * 71]
    odd += [] if bare == true else [bare, "sha1=" + bare, "v1=" + bare, "sha256=" + "0" * 64]
    door.refuses(door.ask({}), *(door.ask({door.header: each}) for each in odd))
    door.opens()


def test_another_secret_and_the_proof_of_another_address(door: Door) -> None:
    other = made(door.stack.client(), door.source)["secret"]
    secrets = [other, SECRET, "", "x", door.secret[:-1], door.secret + "x", door.secret.swapcase()]
    door.refuses(
        *(door.ask({door.header: door.true(secret=each) if each else signature(BODY, "")}) for each in secrets)
    )
    door.opens()


def test_a_true_proof_at_another_address(door: Door) -> None:
    true = {door.header: door.true()}
    other = made(door.stack.client(), door.source)
    wrong = [source for source in SOURCES if source != door.source]
    where = [path(other), *(f"/in/{source}/{door.inbound['id']}" for source in (*wrong, "fax", "csv"))]
    asked = [door.ask(true, where=each) for each in where]
    door.refuses(*asked)
    door.opens()


def test_the_old_secret_once_its_day_is_over(door: Door) -> None:
    api, old = door.stack.client(), door.true()
    new = api.post(f"/v1/inbound/{door.inbound['id']}/rotate").get_json()["secret"]
    with door.stack.services.ledger.write() as connection:
        over = door.stack.services.courier.clock()
        connection.execute(update(inbounds).values(state={"old_until": over}))
    door.refuses(door.ask({door.header: old}))
    assert door.ask({door.header: door.true(secret=new)})[0] == 200


def test_the_secret_before_the_last_but_one(door: Door) -> None:
    api, oldest = door.stack.client(), door.true()
    for _ in range(2):
        api.post(f"/v1/inbound/{door.inbound['id']}/rotate")
    door.refuses(door.ask({door.header: oldest}))


def test_api_keys_that_may_not(door: Door) -> None:
    stack, api = door.stack, door.stack.client()
    revoked = api.post("/v1/keys", json={"scopes": ["write"]}).get_json()
    api.delete(f"/v1/keys/{revoked['id']}")
    good, reads = stack.key("write"), stack.key("read")
    stack.other_client()
    keys = [reads, revoked["key"], "ck_another-connection", "", "ck_nobody", good + "x", f"{good},{good}", "\xe9"]
    headers = [{"HTTP_X_API_KEY": key} for key in keys] + [{"HTTP_AUTHORIZATION": f"Bearer {key}"} for key in keys]
    headers += [{"HTTP_AUTHORIZATION": good}, {"HTTP_AUTHORIZATION": f"Basic {good}"}]
    door.refuses(*(door.ask(each) for each in headers))
    assert door.ask({"HTTP_X_API_KEY": good})[0] == 200
    with stack.services.ledger.write() as connection:
        tenants.remove(connection, "another")


def test_the_secret_in_the_address_of_dataverse(service: Stack) -> None:
    door = opened(service, "dynamics")
    code = door.secret
    odd = [
        "",
        "code",
        "code=",
        f"code={code}&code={code}",
        f"code={code}&code=",
        f"Code={code}",
        f"key={code}",
        "code=%ff",
    ]
    door.refuses(*(door.ask({}, query=each) for each in odd))
    door.refuses(*(door.ask({}, query=f"code={_quoted(each)}") for each in flips(code)))
    assert door.ask({}, query=f"code={code}")[0] == 200
    cleared(service)


def test_the_secret_in_the_address_of_who_has_no_scheme(in_address: Door) -> None:
    key, ask = in_address.secret, in_address.ask
    odd = ["", "key", "key=", f"key={key}&key={key}", f"key={key}&key=", f"KEY={key}", f"code={key}", "key=%ff%fe"]
    in_address.refuses(*(ask({}, query=each) for each in odd))
    in_address.refuses(*(ask({}, query=f"key={_quoted(each)}") for each in flips(key)))
    assert ask({}, query=f"key={key}")[0] == 200


def test_every_bit_of_a_token_in_the_body(service: Stack) -> None:
    """Of Zoho's channels, which send back the token that they were made with."""
    door = opened(service, "zoho")
    channel = {"channel_id": "1000000068001", "resource_uri": "https://www.zohoapis.com/crm/v8/Contacts", "ids": []}
    forged = [body_of({**channel, "token": each}) for each in (*flips(door.secret), None, "", [door.secret], 7)]
    door.refuses(*(door.ask({}, body=each) for each in (*forged, body_of(channel))))
    door.refuses(*(door.ask({}, body=each, query=f"key={door.secret}") for each in (forged[0], body_of(channel))))
    assert door.ask({}, body=body_of({**channel, "token": door.secret}))[0] == 200
    cleared(service)


@pytest.mark.parametrize("place", range(13))
def test_every_bit_of_the_time_that_is_signed(service: Stack, place: int) -> None:
    """Of HubSpot, whose newest signature is good for five minutes."""
    door = opened(service, "hubspot")
    stamp = str(service.services.courier.clock())
    signs = f"POST{door.inbound['url']}".encode() + BODY + stamp.encode()
    mac = base64.b64encode(hmac.new(door.secret.encode(), signs, hashlib.sha256).digest()).decode()
    signature3, time3 = "HTTP_X_HUBSPOT_SIGNATURE_V3", "HTTP_X_HUBSPOT_REQUEST_TIMESTAMP"
    flipped = [stamp[:place] + chr(ord(stamp[place]) ^ (1 << bit)) + stamp[place + 1 :] for bit in range(8)]
    door.refuses(*(door.ask({signature3: mac, time3: each}) for each in flipped))
    downgraded = {signature3: mac[::-1], time3: stamp, door.header: door.true()}
    door.refuses(door.ask(downgraded), door.ask({signature3: mac}))
    assert door.ask({signature3: mac, time3: stamp})[0] == 200
    cleared(service)


def _quoted(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def test_a_handshake_where_none_is_awaited(service: Stack) -> None:
    shake = body_of({"verification_token": SECRET})
    for source in SOURCES:
        door = opened(service, source)
        if source == "notion":
            assert door.ask({}, body=shake)[0] == 200
            true = proof("notion", BODY, SECRET)["headers"]["X-Notion-Signature"]
            assert door.ask({door.header: true})[0] == 200
            nothing = door.ask({}, where="/in/notion/nobody", body=shake)
            assert door.ask({}, body=body_of({"verification_token": "mine"})) == nothing
            assert nothing[0] == 401
        else:
            door.refuses(door.ask({}, body=shake))
    cleared(service)


def test_an_address_that_is_none(generic: Door) -> None:
    where = ["/in/generic/" + each for each in ("x", "0" * 32, "a" * 3000, "%ff", "'", "..%2f", "é")]
    generic.refuses(*(generic.ask({generic.header: generic.true()}, where=each) for each in where))


def test_no_secret_and_no_body_is_in_the_log(door: Door) -> None:
    with capture_logs() as lines:
        for query in (f"key={door.secret}", f"code={door.secret}", "key=wrong-key"):
            door.ask({door.header: door.true()}, query=query)
            door.ask({}, query=query)
    told = repr(lines)
    assert "request" in told
    for secret in (door.secret, door.true(), "wrong-key", "page.created"):
        assert secret not in told
