"""The engine: everybody's due work is found, whoever is woken and whatever goes wrong."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any, cast

from connector.courier import Courier
from connector.courier.courier import now_ms
from connector.engine import Board, Engine
from connector.ledger import Ledger
from connector.ledger import connections as tenants
from tests.building import add_rows, contact, row, tenant


class Told:
    """In the courier's place: notes whom it was told to drain."""

    def __init__(self, fails: int = 0) -> None:
        self.drained: list[str] = []
        self.fails = fails

    def clock(self) -> int:
        if self.fails:
            self.fails -= 1
            raise TypeError("a mistake of ours")
        return now_ms()

    def drain(self, connection_id: str, _stop: Event) -> bool:
        self.drained.append(connection_id)
        return True

    def nudge(self, _connection_id: str) -> bool:
        return False

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def running(ledger: Ledger, told: Told) -> Iterator[Engine]:
    engine = Engine(ledger, cast(Courier, told), Board(), drains=2)
    engine.start()
    try:
        yield engine
    finally:
        engine.stop()


def within(seconds: float, look: Callable[[], Any]) -> bool:
    until = time.monotonic() + seconds
    while not look():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def wait_for_b(ledger: Ledger) -> None:
    with ledger.write() as connection:
        for name in ("A", "B"):
            tenants.save(connection, tenant(name), now_ms())
    add_rows(ledger, [row(contact("b@example.com", nickname="B"), connection_id="B", due_at=now_ms())])


def test_steady_wakes_of_one_connection_do_not_starve_another(ledger: Ledger) -> None:
    wait_for_b(ledger)
    told = Told()
    with running(ledger, told) as engine:

        def look() -> bool:
            engine.wake("A")
            return "B" in told.drained

        assert within(5, look)
    assert "A" in told.drained


def test_a_mistake_does_not_end_delivering(ledger: Ledger) -> None:
    wait_for_b(ledger)
    told = Told(fails=1)
    with running(ledger, told):
        assert within(5, lambda: "B" in told.drained)
    assert told.fails == 0
