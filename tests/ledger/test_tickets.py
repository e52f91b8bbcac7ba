"""Tickets: good for what they are, as long as they are, and only with their key."""

import pytest
from sqlalchemy import Connection, text

from connector.ledger import Ledger, tickets
from connector.ledger import connections as tenants
from connector.ledger.connections import CrispConnection

NOW, LATER = 1_700_000_000_000, 1_700_000_100_000
TENANT = CrispConnection("W", "W", "W", "website", "I", b"sealed", 10_000, None)


@pytest.fixture
def key_id(ledger: Ledger) -> str:
    with ledger.write() as connection:
        tenants.save(connection, TENANT, NOW)
        return tenants.add_key(connection, "W", "ck_a", label="", scopes=("admin",), now=NOW).id


def test_a_session_is_its_keys_until_it_ends(ledger: Ledger, key_id: str) -> None:
    with ledger.write() as connection:
        tickets.add(connection, tickets.SESSION, "one", LATER, key_id=key_id)
        key = tickets.key_of(connection, tickets.SESSION, "one", NOW)
        assert key is not None
        assert key.id == key_id
        wrong = [("two", tickets.SESSION, NOW), ("one", tickets.LINK, NOW), ("one", tickets.SESSION, LATER)]
        assert [tickets.key_of(connection, kind, secret, now) for secret, kind, now in wrong] == [None] * 3
        tenants.revoke_key(connection, "W", key_id, NOW)
        assert tickets.key_of(connection, tickets.SESSION, "one", NOW) is None


def test_it_is_spent_once_and_in_time(ledger: Ledger, key_id: str) -> None:
    with ledger.write() as connection:
        tickets.add(connection, tickets.LINK, "one", LATER, key_id=key_id)
        assert not tickets.spend(connection, tickets.LINK, "one", LATER)
        assert [tickets.spend(connection, tickets.LINK, "one", NOW) for _ in range(2)] == [True, False]


def test_what_is_over_is_swept_and_nothing_is_kept_as_it_is(ledger: Ledger, key_id: str) -> None:
    def kept(connection: Connection) -> list[str]:
        return [repr(row) for row in connection.execute(text("SELECT * FROM tickets"))]

    with ledger.write() as connection:
        tickets.add(connection, tickets.LINK, "zebra-one", NOW, key_id=key_id)
        tickets.add(connection, tickets.SETUP, "zebra-two", LATER)
        assert "zebra" not in "".join(kept(connection))
        tickets.sweep(connection, NOW)
        assert len(kept(connection)) == 1
        tickets.end(connection, tickets.SETUP)
        assert kept(connection) == []


def test_they_go_with_their_key(ledger: Ledger, key_id: str) -> None:
    with ledger.write() as connection:
        tickets.add(connection, tickets.SESSION, "one", LATER, key_id=key_id)
        tenants.remove(connection, "W")
        assert tickets.key_of(connection, tickets.SESSION, "one", NOW) is None
