"""Connections and their API keys."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from connector.budget import Limits, take
from connector.ledger import Ledger, quotas, work
from connector.ledger import connections as tenants
from connector.ledger.tables import metadata
from tests.building import NOW, add_rows, add_tenant, contact, row, tenant

SECRET = "ck_the-secret-that-nobody-may-read"


def add_key(ledger: Ledger, secret: str = SECRET) -> tenants.Key:
    with ledger.write() as connection:
        return tenants.add_key(connection, "W", secret, label="shop", scopes=("read", "write"), now=NOW)


def every_value(ledger: Ledger) -> str:
    """All that is in all columns of all tables."""
    with ledger.read() as connection:
        rows = [list(connection.execute(text(f'SELECT * FROM "{name}"'))) for name in metadata.tables]
    return repr(rows)


def test_a_key_is_found_by_its_secret_alone(shop: Ledger) -> None:
    key = add_key(shop)
    with shop.read() as connection:
        assert tenants.find_key(connection, SECRET) == key
        assert tenants.find_key(connection, SECRET + "x") is None
        assert tenants.find_key(connection, "\udcff") is None
        assert tenants.list_keys(connection, "W") == [key]


def test_promise_19_the_secret_of_a_key_is_in_no_column(shop: Ledger) -> None:
    key = add_key(shop)
    assert SECRET not in every_value(shop)
    assert key.id in every_value(shop), "the search must find what is there"


def test_a_credential_is_not_shown(shop: Ledger) -> None:
    assert "sealed-bytes" not in repr(tenant(key_sealed=b"sealed-bytes"))


def test_the_same_secret_is_one_key(shop: Ledger) -> None:
    assert add_key(shop) == add_key(shop)


def test_a_key_is_revoked_once_and_stays_known(shop: Ledger) -> None:
    key = add_key(shop)
    with shop.write() as connection:
        assert not tenants.revoke_key(connection, "V", key.id, NOW)
        assert [tenants.revoke_key(connection, "W", key.id, NOW + n) for n in (1, 2)] == [True, False]
        found = tenants.find_key(connection, SECRET)
    assert found == replace(key, revoked_at=NOW + 1)


def test_a_forgotten_key_is_gone(shop: Ledger) -> None:
    add_key(shop)
    with shop.write() as connection:
        tenants.forget_key(connection, SECRET)
        assert tenants.find_key(connection, SECRET) is None


def test_a_connection_comes_back_as_it_was(ledger: Ledger) -> None:
    made = add_tenant(ledger, "W", rate=5, findings={"segments": "append"}, key_sealed=b"\x00\xff", halted="x")
    with ledger.read() as connection:
        assert tenants.get(connection, "W") == made
        assert tenants.get(connection, "V") is None


def test_a_changed_connection_keeps_its_place(shop: Ledger) -> None:
    add_tenant(shop, "V")
    with shop.write() as connection:
        tenants.save(connection, tenant("A"), NOW - 1)
        tenants.save(connection, tenant("A", label="new"), NOW + 9)
        assert next(each.label for each in tenants.every(connection)) == "new"


def test_a_halt_is_news_once(shop: Ledger) -> None:
    with shop.write() as connection:
        halts = [tenants.halt(connection, "W", code, NOW) for code in ("a", "a", "b", None, None)]
    assert halts == [True, False, True, True, False]


def test_suggestions_are_kept_with_their_time(shop: Ledger) -> None:
    with shop.write() as connection:
        assert tenants.suggestions(connection, "W") == (None, 0)
        tenants.save_suggestions(connection, "W", {"segments": ["vip"], "data": []}, NOW)
        assert tenants.suggestions(connection, "W") == ({"segments": ["vip"], "data": []}, NOW)


@pytest.mark.parametrize("connection_id", ["W", "nobody"])
def test_removing_a_connection_takes_everything_of_it(shop: Ledger, connection_id: str) -> None:
    add_key(shop)
    add_rows(shop, [row(contact("a@example.com"))])
    with shop.write() as connection:
        assert tenants.remove(connection, connection_id) == (connection_id == "W")
    left = "a@example.com" in every_value(shop)
    assert left == (connection_id != "W")


def test_a_raised_quota_lets_what_waits_go_out(shop: Ledger) -> None:
    add_rows(shop, [row(contact("ada@example.com"))])
    limits = Limits(10)
    with shop.write() as connection:
        tenants.save(connection, tenant(daily_quota=10), NOW)
        for live in (False, True):
            budget = take(quotas.locked(connection, "W"), limits, 99, NOW, live=live).budget
            quotas.save(connection, "W", budget)
        assert not work.due_connections(connection, NOW)
        tenants.save(connection, tenant(daily_quota=10, label="the same"), NOW)
        assert not work.due_connections(connection, NOW)
        tenants.save(connection, tenant(daily_quota=1000), NOW)
        assert list(work.due_connections(connection, NOW)) == ["W"]
        assert quotas.get(connection, "W").used == 10
