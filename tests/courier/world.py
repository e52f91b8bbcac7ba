"""A ledger, a sandbox that is served for real, and couriers between them, under one clock."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from cryptography.fernet import Fernet
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from connector.contact import Contact
from connector.courier import Courier
from connector.crisp.client import Clients
from connector.ledger import Ledger, records, work
from connector.ledger import connections as tenants
from connector.ledger.connections import CrispConnection
from connector.manifest import shipped
from connector.sandbox import Options, create_app
from connector.settings import Settings
from connector.vault import Vault
from tests.building import add_rows, outcome, row, tenant

CALL_TIMEOUT = 30.0
NOON = 1_700_049_600_000  # 12:00 UTC of a day


class Ticking:
    """UNIX milliseconds that go on by themselves, from noon, and leap when a test says so."""

    def __init__(self) -> None:
        self._offset = NOON - time.time_ns() // 1_000_000

    def __call__(self) -> int:
        return time.time_ns() // 1_000_000 + self._offset

    def leap_to(self, moment: int) -> None:
        self._offset += max(0, moment - self())


class World:
    """What a test of the courier needs: records go in, couriers run, the sandbox tells what it was told."""

    def __init__(self, ledger: Ledger, app: Flask, url: str, clock: Ticking) -> None:
        self.ledger, self.clock, self.url = ledger, clock, url
        self.vault = Vault([Fernet.generate_key().decode()])
        self._control = app.test_client()
        self._couriers: list[Courier] = []
        self.connect()

    def connect(self, **more: Any) -> CrispConnection:
        """Saves the connection W, with the sandbox's token unless another is given."""
        made = tenant("W", **{"key_sealed": self.vault.seal("K"), **more})
        with self.ledger.write() as connection:
            tenants.save(connection, made, self.clock())
        return made

    def courier(
        self, clients: Clients | None = None, clock: Callable[[], int] | None = None, **settings: Any
    ) -> Courier:
        """Another process's courier, as it were."""
        plain = {"crisp_api_url": self.url, "concurrency": 8, "drains": 1, "retry_cap": 1, "call_timeout": CALL_TIMEOUT}
        made = Courier(
            self.ledger,
            self.vault,
            shipped(),
            Settings(**{**plain, **settings}),
            clients=clients,
            clock=clock or self.clock,
        )
        self._couriers.append(made)
        return made

    def close(self) -> None:
        for courier in self._couriers:
            courier.close()

    def add(self, *said: Contact, **more: Any) -> list[str]:
        """Accepts records; returns their ids."""
        now = self.clock()
        return add_rows(self.ledger, [row(each, **{"due_at": now, "created_at": now, **more}) for each in said])

    def deliver(self, *said: Contact, **more: Any) -> list[str]:
        """Accepts records and delivers everything; returns the outcomes' statuses."""
        ids = self.add(*said, **more)
        self.settle()
        return self.statuses(ids)

    def settle(self, courier: Courier | None = None, **settings: Any) -> None:
        """Delivers until nothing waits any more; pauses pass by in no time."""
        courier = courier or self.courier(**settings)
        for _ in range(500):
            courier.drain("W", Event())
            with self.ledger.read() as connection:
                due_at = work.next_due_at(connection, "W")
            if due_at is None:
                return
            self.clock.leap_to(due_at)
        raise AssertionError(f"work is left: {self.totals()}")

    def outcome(self, record_id: str) -> Any:
        return outcome(self.ledger, record_id)

    def statuses(self, ids: list[str]) -> list[str]:
        return [self.outcome(each).status for each in ids]

    def totals(self) -> Counter[str]:
        """Outcomes that occur, and the calls they cost."""
        with self.ledger.read() as connection:
            return +Counter(records.totals_of_connection(connection, "W").as_json())

    def switch(self, **switches: Any) -> None:
        """Changes the sandbox's switches."""
        answer = self._control.post("/_sandbox", json=switches)
        assert answer.status_code == 200, answer.get_json()

    @property
    def stats(self) -> dict[str, Any]:
        found: dict[str, Any] = self._control.get("/_sandbox/stats").get_json()
        return found

    @property
    def calls(self) -> int:
        """Calls that the sandbox has seen."""
        return int(self.stats["calls"]["total"])

    def person(self, email: str) -> dict[str, Any]:
        """The card that the sandbox has of this person."""
        cards = self._control.get("/_sandbox/people").get_json()
        [card] = [card for card in cards if card["email"] == email]
        found: dict[str, Any] = card
        return found


class KeepAlive(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"


@contextmanager
def world(ledger: Ledger) -> Iterator[World]:
    """A world whose sandbox listens on a free port."""
    clock = Ticking()
    options = Options(website_id="W", identifier="I", key="K", seed=1)
    app = create_app(options, clock=lambda: clock() / 1000)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=KeepAlive)
    server.daemon_threads = True  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    made = World(ledger, app, f"http://127.0.0.1:{server.server_port}/v1", clock)
    try:
        yield made
    finally:
        made.close()
        server.shutdown()
        thread.join()
        server.server_close()
