"""Promise 21: API key, Crisp key and secret key are rotated under traffic: failures 0, and everything is delivered."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from cryptography.fernet import Fernet

from tests.process.commands import Env, result
from tests.process.running import Crisp, Running, Service, running, until


@dataclass
class Sender:
    """Sends one contact after another, as an automation does: what could not be sent is sent again under the same
    Idempotency-Key; an answer that is no success is a failure."""

    service: Service
    sent: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Until told to stop."""
        while not self.stopped.is_set():
            email = f"p{len(self.sent)}@example.com"
            self._send(email)
            self.sent.append(email)
            time.sleep(0.01)
        self.ended.set()

    def _send(self, email: str) -> None:
        while True:
            service = self.service
            try:
                once = {"Idempotency-Key": f"send-{email}"}
                answer = service.post("/v1/contacts?wait=1", json={"email": email}, headers=once)
            except requests.ConnectionError:  # nobody listens: the service begins anew
                time.sleep(0.05)
                continue
            if answer.status_code not in (200, 202):
                self.failures.append(f"{answer.status_code} {answer.text}")
            return

    def more(self, count: int = 10) -> None:
        """Returns when so many more were sent."""
        goal = len(self.sent) + count
        until(lambda: len(self.sent) >= goal, 60, "more traffic")


@contextmanager
def sending(service: Service) -> Iterator[Sender]:
    sender = Sender(service)
    thread = threading.Thread(target=sender.run)
    thread.start()
    try:
        yield sender
    finally:
        sender.stopped.set()
        thread.join(60)


def everything_is_delivered(sender: Sender, crisp: Crisp) -> None:
    assert sender.ended.wait(60), "the last contact was not answered"
    assert sender.failures == []
    until(lambda: len(crisp.people()) == len(sender.sent), 60, "the delivery of all")
    assert set(crisp.people()) == set(sender.sent)
    assert set(crisp.stats()["creations"].values()) == {1}


@pytest.fixture
def stored(env: Env, crisp: Crisp) -> Env:
    """A website that was connected by hand, so that the environment says nothing of its credential."""
    alone = {name: env[name] for name in ("CONNECTOR_DATA_DIR", "CRISP_API_URL")}
    return {**alone, "CONNECTOR_SECRET_KEY": Fernet.generate_key().decode()}


@pytest.fixture
def api_key(stored: Env, crisp: Crisp) -> str:
    """Its first API key."""
    said = crisp.running.said
    token = ("--website-id", said["website_id"], "--identifier", said["identifier"])
    key: str = result("connect", "add", *token, "--key", said["key"], env=stored)["key"]
    return key


@contextmanager
def served(env: Env, folder: Path, port: str = "0") -> Iterator[Running]:
    with running("serve", "--port", port, "--json", env=env, folder=folder) as process:
        yield process


def test_promise_21_the_api_key(stored: Env, api_key: str, crisp: Crisp, tmp_path: Path) -> None:
    with served(stored, tmp_path) as process, sending(Service(process.url, api_key)) as sender:
        sender.more()
        admin = Service(process.url, api_key)
        [old] = admin.get("/v1/keys").json()
        new = admin.post("/v1/keys", json={"label": "new", "scopes": ["read", "write", "admin"]}).json()
        sender.service = Service(process.url, new["key"])
        sender.more()
        revoked = requests.delete(f"{process.url}/v1/keys/{old['id']}", headers={"X-API-Key": new["key"]}, timeout=10)
        assert revoked.json() == {"revoked": True}
        sender.more()
        assert admin.get("/v1/me").status_code == 401
        sender.stopped.set()
        everything_is_delivered(sender, crisp)


def test_promise_21_the_crisp_key(stored: Env, api_key: str, crisp: Crisp, tmp_path: Path) -> None:
    """Crisp takes the old one no more before the new one is known here: what comes in meanwhile waits."""
    said = crisp.running.said
    with served(stored, tmp_path) as process, sending(Service(process.url, api_key)) as sender:
        path = f"/v1/connections/{said['website_id']}"
        admin = Service(process.url, api_key)
        for key in ("the-second-key", "the-third-key"):
            sender.more()
            crisp.set(key=key)
            until(lambda: admin.get(path).json()["halted"] == "crisp_credential_refused", what="the halt")
            sender.more(3)
            token = {"identifier": said["identifier"], "key": key}
            changed = requests.patch(process.url + path, json=token, headers={"X-API-Key": api_key}, timeout=20)
            assert (changed.status_code, changed.json()["halted"]) == (200, None), changed.text
        sender.more()
        sender.stopped.set()
        everything_is_delivered(sender, crisp)
    assert "the-second-key" not in process.messages()


def test_promise_21_the_secret_key(stored: Env, api_key: str, crisp: Crisp, tmp_path: Path) -> None:
    """Three starts: with the old key, with the new one before it, with the new one alone."""
    old, new = stored["CONNECTOR_SECRET_KEY"], Fernet.generate_key().decode()
    with served(stored, tmp_path) as process, sending(Service(process.url, api_key)) as sender:
        port = process.url.rpartition(":")[2]
        sender.more()
        assert process.stop() == 0
        for keys in (f"{new},{old}", new):
            with served({**stored, "CONNECTOR_SECRET_KEY": keys}, tmp_path, port) as again:
                sender.more()
                assert again.stop() == 0
                told = [json.loads(line) for line in again.messages().splitlines() if line.startswith("{")]
                resealed = [each for each in told if each["event"] == "credential_resealed"]
                assert bool(resealed) is ("," in keys), "once, with both keys"
                assert not [each for each in told if each["event"] == "credential_unreadable"]
        with served({**stored, "CONNECTOR_SECRET_KEY": new}, tmp_path, port):
            sender.stopped.set()
            everything_is_delivered(sender, crisp)
