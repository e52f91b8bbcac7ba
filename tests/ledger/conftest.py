"""A ledger with one connection, W."""

import pytest

from connector.ledger import Ledger
from tests.building import add_tenant


@pytest.fixture
def shop(ledger: Ledger) -> Ledger:
    """A ledger that has the connection W."""
    add_tenant(ledger)
    return ledger
