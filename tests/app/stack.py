"""A running service for the tests: sandbox, database, engine and application, and how to ask them things."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, func, select, update
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.test import TestResponse

from connector.app import create_app
from connector.budget import DAY
from connector.ledger import connections as tenants
from connector.ledger import quotas
from connector.ledger.connections import CrispConnection
from connector.ledger.tables import (
    arrivals,
    calls,
    deliveries,
    events,
    hooks,
    idempotency,
    imports,
    inbounds,
    keys,
    latencies,
    leases,
    links,
    mappings,
    people,
    records,
    sessions,
    sinks,
    subscriptions,
)
from connector.ledger.tables import quotas as quota_rows
from connector.sandbox import Options
from connector.sandbox import create_app as create_sandbox
from connector.services import Services, open_services
from connector.settings import Settings
from tests.app.openapi import CheckedClient

T = TypeVar("T")

WEBSITE = "6f2b4a1e-0000-4000-8000-5a4d0b0c0002"
IDENTIFIER = "identifier-7c1e52d0"
CRISP_KEY = "crisp-key-94fd03ab17"
API_KEY = "ck_tests-b7Qe2LzXw9Jd4Rk1Vn8Ym5Ts3Hp6Ga0"
DATABASES = ("sqlite", "postgresql")
OPTIONS = Options(website_id=WEBSITE, identifier=IDENTIFIER, key=CRISP_KEY)

# What a test leaves behind, in an order that foreign keys allow.
_TABLES = (
    *(idempotency, links, people, records, imports, mappings, quota_rows, calls, latencies),
    *(deliveries, subscriptions, sinks, events, hooks, sessions, arrivals, inbounds),
)


class _Quiet(WSGIRequestHandler):
    """Keeps connections open as Crisp does, and logs nothing."""

    protocol_version = "HTTP/1.1"

    def log_request(self, *_: Any) -> None:
        """No line on stderr."""


class Crisp:
    """The sandbox, over HTTP."""

    def __init__(self, server: BaseWSGIServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_port}"
        self._session = requests.Session()

    def stats(self) -> dict[str, Any]:
        """Calls, creations, people."""
        found: dict[str, Any] = self._session.get(f"{self.url}/_sandbox/stats").json()
        return found

    @property
    def calls(self) -> int:
        """Every call since the last reset."""
        count: int = self.stats()["calls"]["total"]
        return count

    def people(self) -> dict[str, dict[str, Any]]:
        """Email → card, with `people_id` and `data`."""
        return {card["email"]: card for card in self._session.get(f"{self.url}/_sandbox/people").json()}

    def switch(self, **switches: Any) -> None:
        """Changes switches; `reset` takes them back."""
        self._session.post(f"{self.url}/_sandbox", json=switches).raise_for_status()

    def reset(self) -> None:
        """Nobody is here, nothing was called, every switch is as at the start."""
        fixed = ("host", "port")
        told = {name: value for name, value in OPTIONS.public().items() if name not in fixed}
        self.switch(**told, key=CRISP_KEY)
        self._session.post(f"{self.url}/_sandbox/reset").raise_for_status()

    def add(self, email: str, nickname: str = "Somebody", **more: Any) -> str:
        """A person whom Crisp has and the service does not know; returns the people_id."""
        card = {"email": email, "person": {"nickname": nickname}, **more}
        answer = self._session.post(
            f"{self.url}/v1/website/{WEBSITE}/people/profile",
            json=card,
            auth=(IDENTIFIER, CRISP_KEY),
            headers={"X-Crisp-Tier": "website"},
        )
        people_id: str = answer.json()["data"]["people_id"]
        return people_id

    def remove(self, who: str) -> None:
        """Somebody removes a person there."""
        url = f"{self.url}/v1/website/{WEBSITE}/people/profile/{who}"
        answer = requests.delete(url, auth=(IDENTIFIER, CRISP_KEY), headers={"X-Crisp-Tier": "website"}, timeout=10)
        assert answer.ok, answer.text

    def close(self) -> None:
        """Gives the sockets back."""
        self._session.close()


@contextmanager
def sandbox() -> Iterator[Crisp]:
    """A sandbox that listens on a free port."""
    server = make_server("127.0.0.1", 0, create_sandbox(OPTIONS), threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    crisp = Crisp(server)
    try:
        yield crisp
    finally:
        crisp.close()
        server.shutdown()
        thread.join()
        server.server_close()


def settings_for(folder: Path, crisp_url: str, **more: Any) -> Settings:
    """Settings of a service that speaks to this sandbox."""
    plain: dict[str, Any] = {
        "data_dir": folder,
        "api_key": API_KEY,
        "concurrency": 4,
        "drains": 2,
        "retry_cap": 1,
        "crisp_website_id": WEBSITE,
        "crisp_identifier": IDENTIFIER,
        "crisp_key": CRISP_KEY,
        "crisp_api_url": f"{crisp_url}/v1",
    }
    return Settings(**{**plain, **more})


@dataclass
class Stack:
    """A service that delivers, and the Crisp that it delivers to."""

    services: Services
    app: Flask
    crisp: Crisp
    tenant: CrispConnection

    def client(self, key: str | None = API_KEY) -> FlaskClient:
        """A client with this API key."""
        client = CheckedClient(self.app)
        if key is not None:
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
        return client

    def key(self, *scopes: str) -> str:
        """The secret of a new API key."""
        made = self.client().post("/v1/keys", json={"label": "a test", "scopes": list(scopes)})
        secret: str = made.get_json()["key"]
        return secret

    def other_client(self) -> FlaskClient:
        """A client of another connection, with an admin's key."""
        secret = "ck_another-connection"
        with self.services.ledger.write() as connection:
            tenants.save(connection, replace(self.tenant, id="another", website_id="another"), 0)
            tenants.add_key(connection, "another", secret, label="another", scopes=tenants.SCOPES, now=0)
        return self.client(secret)

    def count(self) -> int:
        """How many records there are."""
        with self.services.ledger.read() as connection:
            return connection.scalar(select(func.count()).select_from(records)) or 0

    def save(self, **changes: Any) -> None:
        """Changes the connection, `halted` or `daily_quota` for instance."""
        with self.services.ledger.write() as connection:
            tenants.save(connection, replace(self.tenant, **changes), 0)

    def use(self, calls: int, resets_in: int | None = None) -> None:
        """So many calls of today's quota are used; it is there again at midnight, or in so many milliseconds."""
        now = self.services.courier.clock()
        offset = 0 if resets_in is None else (now + resets_in) % DAY
        with self.services.ledger.write() as connection:
            budget = quotas.locked(connection, self.tenant.id)
            today = replace(budget, day=(now - offset) // DAY, offset=offset, used=calls)
            quotas.save(connection, self.tenant.id, today)

    def reset(self) -> None:
        """As new: no records, no people, one API key, a sandbox with nobody in it."""
        with self.services.ledger.write() as connection:
            # What a drain still has in hand is of the test before: it finds that its lease is lost.
            connection.execute(update(leases).values(token=leases.c.token + 1, holder=None, until=0, in_flight=0))
            for table in _TABLES:
                connection.execute(delete(table))
            connection.execute(delete(keys).where(keys.c.label != "CONNECTOR_API_KEY"))
            for tenant in tenants.every(connection):
                if tenant.id != self.tenant.id:
                    tenants.remove(connection, tenant.id)
            tenants.save(connection, self.tenant, 0)
            tenants.save_suggestions(connection, self.tenant.id, None, 0)  # never asked
        # What is told to a drain that has lost its lease would wait for the next sweep.
        assert until(lambda: not self.services.courier.nudge(self.tenant.id)), "a drain of the test before does not end"
        self.app.extensions["brake"]._wrong.clear()  # nobody gave a wrong key
        self.crisp.reset()


@contextmanager
def running(settings: Settings, crisp: Crisp, *, delivers: bool = True) -> Iterator[Stack]:
    """The service, from its first moment to its orderly end."""
    services = open_services(settings)
    try:
        with services.ledger.read() as connection:
            tenant = tenants.every(connection)[0]
        if delivers:
            services.engine.start()
        yield Stack(services, create_app(services), crisp, tenant)
    finally:
        services.close()


def until(look: Callable[[], T], seconds: float = 10) -> T:
    """The first true thing that `look` returns; the last thing when it stays false."""
    end = time.monotonic() + seconds
    while not (found := look()) and time.monotonic() < end:
        time.sleep(0.02)
    return found


def finished(client: FlaskClient, import_id: str) -> dict[str, Any]:
    """An import once nothing of it waits."""

    def look() -> dict[str, Any] | None:
        shown: dict[str, Any] = client.get(f"/v1/imports/{import_id}").get_json()
        return shown if shown["state"] != "running" else None

    found = until(look)
    assert found is not None, "the import does not end"
    return found


def ended(client: FlaskClient, outcome_id: str) -> dict[str, Any]:
    """An outcome once it does not wait."""

    def look() -> dict[str, Any] | None:
        told: dict[str, Any] = client.get(f"/v1/outcomes/{outcome_id}").get_json()
        return told if told["status"] != "waiting" else None

    found = until(look)
    assert found is not None, "it still waits"
    return found


def problem(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    """A problem of the one shape that there is, with this status and code."""
    assert answer.status_code == status, answer.get_data(as_text=True)[:500]
    assert answer.mimetype == "application/problem+json"
    told: dict[str, Any] = json.loads(answer.get_data())
    assert told["code"] == code, told
    assert told["status"] == status
    assert told["type"] == f"/docs#{code}"
    assert told["detail"] == told["message"]
    assert told["title"]
    assert told["request_id"] == answer.headers["X-Request-Id"]
    assert {"type", "title", "status", "detail", "code", "message", "request_id", "errors"} <= set(told)
    assert not {"error", "cause"} & set(told), "platforms take these keys for something else"
    for each in told["errors"]:
        assert set(each) == {"field", "row", "code", "message"}
    return told
