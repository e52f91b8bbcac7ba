"""Credentials of Google: what is taken, where tokens are asked for, and that nothing secret comes out."""

import json
import re
import socket
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connector.errors import Problem
from connector.hooks.egress import Egress
from connector.sinks import google_sheets
from connector.sinks.base import Broken, Later, Sink
from connector.sinks.google.credential import GOOGLES_TOKEN_URIS
from tests.sinks.google import REFRESH_TOKEN, Google, options, private_key, service_account, told

Opened = Callable[..., Sink]

LOCAL = Egress(frozenset({"127.0.0.1", "localhost"}))


def elliptic() -> str:
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(*form).decode()


@pytest.mark.parametrize("credential", [service_account(), json.dumps(REFRESH_TOKEN)], ids=["account", "refreshing"])
def test_both_kinds_get_a_token_and_keep_it(sheets: Google, opened: Opened, credential: str) -> None:
    sheets.fill(["Email"])
    sink = opened(credential)
    for number in range(3):
        sink.write([told(f"{number}@example.com")])
    assert len(sheets.rows()) == 4
    assert sheets.calls()["token"] == 1


def test_a_token_that_is_over_is_renewed(sheets: Google, opened: Opened) -> None:
    sheets.fill(["Email"])
    sheets.switch(lifetime=0)
    sink = opened()
    sink.write([told()])
    before = sheets.calls()["token"]
    sink.write([told()])
    assert sheets.calls()["token"] > before


def test_a_token_that_google_forgot_is_renewed(sheets: Google, opened: Opened) -> None:
    sheets.fill(["Email"])
    sink = opened()
    sink.write([told()])
    sheets.fail(401)
    sink.write([told("bo@example.com")])
    assert sheets.rows()[1:] == [["ada@example.com"], ["bo@example.com"]]
    assert sheets.calls()["token"] == 2


def test_a_new_token_that_is_not_taken_either_ends_it(sheets: Google, opened: Opened) -> None:
    sheets.fail(401, count=2)
    with pytest.raises(Broken, match="does not take this credential"):
        opened().write([told()])


def test_a_key_that_was_deleted_ends_it(sheets: Google, opened: Opened) -> None:
    sheets.switch(accepts=False)
    with pytest.raises(Broken, match="Make a new key"):
        opened().write([told()])


@pytest.mark.parametrize(("status", "more", "seconds"), [(429, {}, 30), (503, {"retry_after": "7"}, 7), (500, {}, 30)])
def test_an_exchange_that_fails_is_tried_later_and_not_here(
    sheets: Google, opened: Opened, status: int, more: dict[str, Any], seconds: float
) -> None:
    """google-auth would sleep and ask again by itself."""
    sheets.fail(status, route="token", **more)
    with pytest.raises(Later) as later:
        opened().write([told()])
    assert (later.value.seconds, sheets.calls()) == (seconds, {"token": 1})


@pytest.mark.parametrize("token_uri", GOOGLES_TOKEN_URIS)
def test_googles_own_token_addresses_are_the_operators_when_there_is_a_stand_in(
    sheets: Google, opened: Opened, token_uri: str
) -> None:
    opened(service_account(token_uri=token_uri)).look()
    assert sheets.calls()["token"] == 1


@pytest.mark.parametrize(
    "token_uri",
    [
        "https://127.0.0.1/token",
        "https://10.0.0.1/token",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/token",
        "http://oauth2.googleapis.com/token",
        "https://oauth2.googleapis.com:22/token",
    ],
)
def test_a_token_address_that_must_not_be_contacted_is_not(
    opened: Opened, token_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = opened(service_account(token_uri=token_uri))
    tried: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _self, address: tried.append(address))
    with pytest.raises(Broken, match="token_uri must not be contacted"):
        sink.write([told()])
    assert tried == []


def test_a_token_address_of_the_users_own_is_asked_by_the_guarded_way(
    sheets: Google, opened: Opened, httpserver: HTTPServer
) -> None:
    """The token is another's, so the stand-in refuses it: what counts is who was asked."""
    httpserver.expect_request("/token", method="POST").respond_with_json({"access_token": "t", "expires_in": 3_600})
    with pytest.raises(Broken, match="does not take this credential"):
        opened(service_account(token_uri=httpserver.url_for("/token")), egress=LOCAL).look()
    form = httpserver.log[0][0].form
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert "token" not in sheets.calls()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"ok",
        b"[]",
        b"null",
        b'"token"',
        b"{}",
        b'{"access_token":null}',
        b'{"access_token":7}',
        b'{"access_token":"a\\r\\nX-Admin: 1"}',
        '{"access_token":"é"}'.encode(),
        b'{"access_token":"t","expires_in":"soon"}',
        b'{"access_token":"t","expires_in":1e400}',
        b'{"access_token":"t","expires_in":-1}',
        b'{"access_token":"t","expires_in":99999999999999}',
        b'{"access_token":"t","expires_in":true}',
        b'{"a":' * 10_000,
        b"\xff\xfe",
        b"a" * 1_000_000,
    ],
    ids=lambda answer: answer[:30].decode(errors="replace"),
)
def test_what_is_no_token_ends_it(opened: Opened, httpserver: HTTPServer, answer: bytes) -> None:
    httpserver.expect_request("/token").respond_with_data(answer)
    with pytest.raises(Broken, match="is no token"):
        opened(service_account(token_uri=httpserver.url_for("/token")), egress=LOCAL).look()


@pytest.mark.parametrize("status", [201, 204, 400, 401, 403, 408])
@pytest.mark.parametrize(
    "answer", [b"", b"[]", b"7", b"null", b'["error"]', b"\xff\xfe", b'{"error":"server_error"}', b'{"error":[7]}']
)
def test_a_refusal_may_say_anything(opened: Opened, httpserver: HTTPServer, status: int, answer: bytes) -> None:
    httpserver.expect_request("/token").respond_with_data(answer, status)
    with pytest.raises(Broken if status != 408 else Later):
        opened(service_account(token_uri=httpserver.url_for("/token")), egress=LOCAL).look()
    assert len(httpserver.log) == 1, "it is asked once: what waits in between is not google-auth"


def test_a_redirect_of_the_token_address_is_not_followed(opened: Opened, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/token").respond_with_response(Response(status=302, headers={"Location": "/other"}))
    with pytest.raises(Broken, match="does not take this credential"):
        opened(service_account(token_uri=httpserver.url_for("/token")), egress=LOCAL).look()
    assert [asked.path for asked, _ in httpserver.log] == ["/token"]


def test_a_proxy_of_the_environment_is_not_used(
    sheets: Google, opened: Opened, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, httpserver.url_for("/"))
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    opened().look()
    assert httpserver.log == []


def test_nothing_secret_is_in_what_is_told_or_shown(sheets: Google, opened: Opened, httpserver: HTTPServer) -> None:
    """The token address gives back what it was sent, as a hostile one might."""

    def echo(request: Request) -> Response:
        body = {"error": "invalid_grant", "error_description": request.get_data(as_text=True), "email": "x@y.example"}
        return Response(json.dumps(body), 400)

    httpserver.expect_request("/token").respond_with_handler(echo)
    sink = opened(json.dumps({**REFRESH_TOKEN, "token_uri": httpserver.url_for("/token")}), egress=LOCAL)
    with pytest.raises(Broken) as broken:
        sink.write([told()])
    said = f"{broken.value!r} {broken.value.__cause__!r} {sink!r}"
    assert not re.search(r"secret|1//|ada@|x@y|127\.0\.0\.1", said)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        pytest.param({"private_key": "none"}, "no RSA key", id="no key"),
        pytest.param({"private_key": elliptic()}, "no RSA key", id="another kind of key"),
        pytest.param({"private_key": private_key()[:200]}, "no RSA key", id="half a key"),
        pytest.param({"private_key": 7}, "private_key is missing", id="a number"),
        pytest.param({"client_email": None}, "client_email is missing", id="no address"),
        pytest.param({"token_uri": 7}, "token_uri cannot be used", id="no token address"),
        pytest.param({"token_uri": "file:///etc/passwd"}, "token_uri cannot be used", id="a file"),
        pytest.param({"token_uri": "https://u:p@example.com/"}, "token_uri cannot be used", id="a password in it"),
        pytest.param({"installed": {}}, "without a refresh token", id="an OAuth client"),
    ],
)
def test_a_credential_that_cannot_work_is_told_when_it_is_given(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(Problem) as refused:
        google_sheets.check(options(), service_account(**wrong))
    (error,) = refused.value.errors
    assert (error.field, words in error.message) == ("credential", True), error.message
    assert "PRIVATE" not in error.message


@pytest.mark.parametrize("missing", sorted(REFRESH_TOKEN))
def test_a_refresh_token_needs_all_its_parts(missing: str) -> None:
    rest = {name: value for name, value in REFRESH_TOKEN.items() if name != missing}
    with pytest.raises(Problem, match=f"Its {missing} is missing"):
        google_sheets.check(options(), json.dumps(rest))


def test_another_universe_in_the_file_changes_nothing(sheets: Google, opened: Opened) -> None:
    """google-auth would sign tokens by itself for it, and ask nobody."""
    opened(service_account(universe_domain="evil.example", trust_boundary={"x": 1})).look()
    assert sheets.calls()["token"] == 1
