"""The migrations make the tables that the code speaks of."""

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from connector.ledger import Ledger, database, quotas
from connector.ledger import connections as tenants
from connector.ledger.migrations import config
from connector.ledger.tables import metadata


def partial_indexes(connection: Connection) -> dict[str, str]:
    """Name → condition, which autogenerate does not compare."""
    dialect, found = connection.dialect.name, dict[str, str]()
    for table in metadata.tables:
        for index in inspect(connection).get_indexes(table):
            condition = index.get("dialect_options", {}).get(f"{dialect}_where")
            if condition is not None:
                found[str(index["name"])] = str(condition)
    return found


def test_a_migrated_database_is_the_tables_of_the_code(blank_ledger: Ledger) -> None:
    blank_ledger.migrate()
    with blank_ledger.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_partial_indexes_are_partial(blank_ledger: Ledger) -> None:
    blank_ledger.migrate()
    with blank_ledger.read() as connection:
        found = partial_indexes(connection)
    assert found.pop("uq_events_gathering").strip("()") == "told_at IS NULL"
    assert found.pop("ix_arrivals_held").strip("()") == "holder IS NOT NULL"
    assert found.pop("ix_records_nameless").strip("()") == "email IS NULL"
    of_records = {"ix_records_due", "ix_records_claimed", "ix_records_waiting_who"}
    of_deliveries = {f"ix_deliveries_{name}" for name in ("due", "of_subscription", "of_sink", "claimed")}
    assert set(found) == of_records | of_deliveries
    assert all("waiting" in condition for condition in found.values())


def test_the_list_of_versions_is_the_chain_of_migrations(blank_ledger: Ledger) -> None:
    blank_ledger.migrate()
    with blank_ledger.read() as connection:
        chain = ScriptDirectory.from_config(config(connection)).walk_revisions()
        assert tuple(script.revision for script in chain)[::-1] == database.VERSIONS


def test_an_older_database_keeps_what_it_has(blank_ledger: Ledger) -> None:
    """From the first tables to today's, with a connection and its quota in them."""
    with blank_ledger.write() as connection:
        command.upgrade(config(connection), "0001")
        connection.execute(
            text(
                "INSERT INTO connections (id, label, website_id, tier, identifier, key_sealed, daily_quota, findings, "
                "created_at) VALUES ('W', 'W', 'W', 'website', 'I', :sealed, 10000, '{}', 1)"
            ),
            {"sealed": b"sealed"},
        )
        connection.execute(
            text(
                "INSERT INTO quotas (connection_id, day, used, next_slot_at, blocked_until, bulk_until, strikes) "
                "VALUES ('W', 19676, 77, 0, 0, 0, 0)"
            )
        )
    with pytest.raises(database.WrongVersion, match="migrate"):
        blank_ledger.prepare()
    assert blank_ledger.migrate() == ("0001", database.VERSIONS[-1])
    with blank_ledger.read() as connection:
        assert [tenant.id for tenant in tenants.every(connection)] == ["W"]
        assert quotas.get(connection, "W").used == 77
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []
