"""The migrations make the tables that the code speaks of."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from connector.ledger import Ledger, database
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
    assert set(found) == {"ix_records_waiting", "ix_records_waiting_who"}
    assert all("waiting" in condition for condition in found.values())


def test_the_list_of_versions_is_the_chain_of_migrations(blank_ledger: Ledger) -> None:
    blank_ledger.migrate()
    with blank_ledger.read() as connection:
        chain = ScriptDirectory.from_config(config(connection)).walk_revisions()
        assert tuple(script.revision for script in chain)[::-1] == database.VERSIONS
