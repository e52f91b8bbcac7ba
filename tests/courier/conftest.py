"""A world for each test, on each database."""

from collections.abc import Iterator

import pytest

from connector.crisp import client
from connector.ledger import Ledger
from tests.courier import world as worlds


@pytest.fixture
def world(ledger: Ledger) -> Iterator[worlds.World]:
    """A ledger with the connection W, whose Crisp is the sandbox."""
    with worlds.world(ledger) as made:
        yield made


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time-outs of the client that a test can wait for."""
    monkeypatch.setattr(client, "_CONNECT", 0.2)
    monkeypatch.setattr(client.Client, "read_timeout", 0.2)
