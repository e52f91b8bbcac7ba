"""A world for each test, on each database."""

from collections.abc import Iterator

import pytest

from connector.crisp import bounded, client
from connector.ledger import Ledger
from tests.courier import world as worlds


@pytest.fixture
def world(ledger: Ledger) -> Iterator[worlds.World]:
    """A ledger with the connection W, whose Crisp is the sandbox."""
    with worlds.world(ledger) as made:
        yield made


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time-outs of the client that a test can wait for, and that a busy machine does not reach by itself."""
    monkeypatch.setattr(client, "_CONNECT", 1.0)
    monkeypatch.setattr(bounded, "_MORE", 0.2)
    monkeypatch.setattr(worlds, "CALL_TIMEOUT", 2.0)
    monkeypatch.setattr(client, "_READ_HASTY", 2.0)
    monkeypatch.setattr(client.Client, "read_timeout", 2.0)
