"""Promise 19: everything run at debug level; no answer and no log has a secret, and no log a person."""

import io
import logging
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
import structlog
from click.testing import CliRunner
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector import logs
from connector.cli import main
from connector.crisp import plan
from tests.app.stack import API_KEY, CRISP_KEY, IDENTIFIER, WEBSITE, Crisp, Stack, ended, running, settings_for

VAULT_KEY = "dGhlLXZhdWx0LWtleS1vZi10aGUtdGVzdHMtMDEyMzQ="
EMAIL, NAME, PHONE = "zebra.quagga@example.com", "Zebra Quagga", "+33142685377"
PERSON = {"email": EMAIL, "full_name": NAME, "phone": PHONE, "data": {"passport": "zebra-passport-77"}}
PERSONAL = ("zebra", "quagga", "33142685377", "zebra-passport-77")


class Heard:
    """Everything that was answered and everything that was written to stdout, stderr and the logs."""

    def __init__(self) -> None:
        self.written, self.answers = io.StringIO(), list[str]()

    @property
    def logged(self) -> str:
        return self.written.getvalue().casefold()


class Listening(FlaskClient):
    """Remembers every answer with its headers."""

    heard: Heard

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        answer = super().open(*args, **kwargs)
        self.heard.answers.append(f"{answer.headers}\n{answer.get_data(as_text=True)}")
        return answer


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Logs as the service configures them at debug level, with every library's logger as talkative as they leave it."""
    heard, root = Heard(), logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers[:] = []
    root.setLevel(logging.NOTSET)
    kept = structlog.get_config()
    with redirect_stderr(heard.written), redirect_stdout(heard.written):
        logs.configure("debug")
        yield heard
    root.handlers[:] = before
    root.setLevel(level)
    structlog.configure(**kept)


@pytest.fixture
def stack(heard: Heard, sandboxed: Crisp, tmp_path: Path) -> Iterator[Stack]:
    sandboxed.reset()
    with running(settings_for(tmp_path, sandboxed.url, secret_key=VAULT_KEY), sandboxed) as stack:
        yield stack
    sandboxed.reset()


@pytest.fixture
def client(stack: Stack, heard: Heard) -> Listening:
    client = Listening(stack.app)
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {API_KEY}"
    client.heard = heard
    return client


def session(client: Listening, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A bit of everything that can go well or wrong; returns the secrets of the keys that were made."""
    made = client.post("/v1/keys", json={"scopes": ["write"]}).get_json()
    client.post("/v1/contacts", json=PERSON)
    client.post("/v1/contacts", json={**PERSON, "email": "zebra quagga"})
    client.post("/v1/contacts", data=f"{EMAIL}{{", content_type="application/json")
    client.post(f"/v1/contacts?source={EMAIL}", json=PERSON)
    client.post("/v1/contacts", json=PERSON, headers={"Idempotency-Key": EMAIL, "X-Request-Id": "request-id-1"})
    client.post("/v1/contacts/batch", json=[PERSON, {**PERSON, "phone": "zebra"}, {}])
    client.post("/v1/preview", json=PERSON)
    for path in (
        f"/v1/contacts/{EMAIL}",
        "/v1/imports",
        "/v1/outcomes",
        "/v1/keys",
        "/v1/me",
        "/v1/fields",
        "/v1/mappings",
    ):
        client.get(path)
    for path in ("/", "/docs", "/openapi.json", "/healthz", "/readyz", "/metrics", f"/{EMAIL}", f"/v1/{EMAIL}"):
        client.get(path)
    client.get("/metrics", headers={"Authorization": ""})
    for secret in (API_KEY, made["key"], "ck_wrong-zebra"):
        client.get("/v1/keys", headers={"Authorization": f"Bearer {secret}x"})
        client.get("/v1/keys", headers={"Authorization": "", "X-API-Key": f"{secret}x"})
    client.patch(f"/v1/contacts/{EMAIL}", json={"city": "Zebra"})
    _halt(client, stack)
    _break(client, monkeypatch)
    client.delete(f"/v1/contacts/{EMAIL}")
    client.delete(f"/v1/keys/{made['id']}")
    return [made["key"]]


def _halt(client: Listening, stack: Stack) -> None:
    stack.crisp.switch(key="another")
    waiting = client.post("/v1/contacts", json={**PERSON, "city": "Quagga"}).get_json()
    client.get(f"/v1/contacts/{EMAIL}")
    stack.crisp.switch(key=CRISP_KEY)
    stack.services.courier.check(WEBSITE, plan.check())
    stack.services.engine.wake(WEBSITE)
    ended(client, waiting["outcome_id"])


def _break(client: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of ours whose text has everything that it must not tell."""

    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError(f"{EMAIL} {API_KEY} {CRISP_KEY}")

    with monkeypatch.context() as patch:
        patch.setattr("connector.api.contacts.person.read", broken)
        assert client.get(f"/v1/contacts/{EMAIL}").status_code == 500
    with monkeypatch.context() as patch:
        patch.setattr("connector.courier.drain.Drain.run", broken)
        client.post("/v1/contacts?wait=0.5", json={**PERSON, "city": "Zebra quagga"})


def test_no_secret_is_answered_or_logged(
    client: Listening, stack: Stack, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = session(client, stack, monkeypatch)
    secrets = [API_KEY, CRISP_KEY, IDENTIFIER, VAULT_KEY, *made]
    assert len(heard.answers) > 30
    # A key that is made is shown once, in the answer that makes it.
    shown = [answer for answer in heard.answers if not (made[0] in answer and '"key":' in answer)]
    assert len(shown) == len(heard.answers) - 1
    for secret in secrets:
        assert not [answer for answer in shown if secret in answer]
        assert secret.casefold() not in heard.logged
    assert "engine_failed" in heard.logged
    assert "request_failed" in heard.logged
    assert heard.logged.count('"event": "request"') == len(heard.answers)


def test_no_log_names_a_person(client: Listening, stack: Stack, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    session(client, stack, monkeypatch)
    assert "connection_halted" in heard.logged
    for word in PERSONAL:
        where = heard.logged.find(word)
        assert where < 0, heard.logged[max(0, where - 300) : where + 100]


def test_calls_are_logged_and_counted_without_the_person(
    client: Listening, stack: Stack, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    session(client, stack, monkeypatch)
    assert '"route": "patch people/profile/{people_id}"' in heard.logged
    for event in ("call", "lease_taken", "lease_given_back", "import_completed"):
        assert f'"event": "{event}"' in heard.logged
    [own, everybodys] = [answer for answer in heard.answers if "crisp_connector_calls_total{" in answer]
    for word in (*PERSONAL, API_KEY, CRISP_KEY, IDENTIFIER, VAULT_KEY):
        assert word.casefold() not in own.casefold() + everybodys.casefold()


def test_status_shows_no_secret_and_no_person(client: Listening, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    session(client, stack, monkeypatch)
    monkeypatch.setenv("CONNECTOR_DATABASE_URL", stack.services.ledger.url.render_as_string(hide_password=False))
    for options in (["--once"], ["--json"]):
        shown = CliRunner().invoke(main, ["status", *options])
        assert shown.exit_code == 0, shown.output
        assert "crisp_" in shown.output or "rejected" in shown.output
        for word in (*PERSONAL, API_KEY, CRISP_KEY, IDENTIFIER, VAULT_KEY):
            assert word.casefold() not in shown.output.casefold()


def test_representations_hide_the_key(stack: Stack) -> None:
    shown = (
        repr(stack.services.settings)
        + repr(stack.tenant)
        + repr(stack.services.courier.client(stack.tenant, stack.services.courier._hasty).credential)
    )
    assert CRISP_KEY not in shown
    assert API_KEY not in shown
    assert VAULT_KEY not in shown


def test_the_database_has_no_secret_in_the_clear(stack: Stack, client: Listening) -> None:
    made = client.post("/v1/keys", json={}).get_json()["key"]
    client.post("/v1/contacts", json=PERSON)
    stack.services.close()
    kept = b"".join(path.read_bytes() for path in stack.services.ledger.files() if path.exists())
    assert EMAIL.encode() in kept, "the file that was searched is not the database"
    for secret in (API_KEY, CRISP_KEY, VAULT_KEY, made):
        assert secret.encode() not in kept
