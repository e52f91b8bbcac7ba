"""Which file an import came in, and files in the database."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from connector.ledger import Ledger, importing, parts
from connector.ledger.tables import imports
from connector.uploads.store import Database, Directory, open_store
from tests.building import NOW, add_rows, add_tenant, contact, row
from tests.ledger.test_importing import begun, opened


class TestFiles:
    """Which file an import came in."""

    READING: dict[str, Any] = {"separator": ";", "mapping": {"email": ["E"]}}  # noqa: RUF012 - only read

    def test_is_named_as_long_as_one_names_it(self, shop: Ledger) -> None:
        add_tenant(shop, "V")
        opened(shop, file="f" * 64, reading=self.READING)
        with shop.read() as connection:
            assert importing.names_file(connection, "W", "f" * 64)
            assert not importing.names_file(connection, "V", "f" * 64)
            assert not importing.names_file(connection, "W", "e" * 64)
            assert importing.files_kept(connection) == {("W", "f" * 64)}

    @pytest.mark.parametrize("by", ["e" * 64, None], ids=["another", "none"])
    def test_is_replaced_for_all_of_the_connection(self, shop: Ledger, by: str | None) -> None:
        add_tenant(shop, "V")
        for who in ("W", "W", "V"):
            opened(shop, who, file="f" * 64, reading=self.READING)
        with shop.write() as connection:
            importing.replace_file(connection, "W", "f" * 64, by, {"separator": ","})
        with shop.read() as connection:
            rows = connection.execute(select(imports.c.connection_id, imports.c.file, imports.c.reading)).all()
        found = sorted((each.connection_id, each.file, each.reading["separator"]) for each in rows)
        assert found == [("V", "f" * 64, ";"), ("W", by, ","), ("W", by, ",")]
        assert all(each.reading["mapping"] == {"email": ["E"]} for each in rows)

    def test_is_kept_for_as_long_after_its_end(self, shop: Ledger) -> None:
        long = opened(shop, file="f" * 64, accepted_at=NOW)
        add_rows(shop, [row(None, import_id=long, finished_at=NOW + 9)])
        with shop.write() as connection:
            assert importing.forget_files(connection, NOW + 9) == 0
            assert importing.forget_files(connection, NOW + 10) == 1

    def test_is_forgotten_when_it_is_old_and_nothing_waits(self, shop: Ledger) -> None:
        done, waits = opened(shop, file="f" * 64, accepted_at=NOW), opened(shop, file="e" * 64, accepted_at=NOW)
        opened(shop, file="d" * 64, accepted_at=NOW + 10)
        add_rows(shop, [row(contact("a@example.com"), import_id=waits), row(None, import_id=done)])
        with shop.write() as connection:
            assert importing.forget_files(connection, NOW + 5) == 1
            assert importing.files_kept(connection) == {("W", "e" * 64), ("W", "d" * 64)}


class TestParts:
    """Files in the database."""

    def test_are_read_in_their_order(self, shop: Ledger) -> None:
        pieces = [bytes([number]) * 3 for number in range(12)]
        with shop.write() as connection:
            parts.save(connection, "W", "f" * 64, pieces, NOW)
            assert list(parts.read(connection, "W", "f" * 64)) == pieces
            assert list(parts.read(connection, "W", "e" * 64)) == []

    def test_of_another_connection_are_others(self, shop: Ledger) -> None:
        add_tenant(shop, "V")
        with shop.write() as connection:
            for who in ("W", "V"):
                parts.save(connection, who, "f" * 64, [b"the same"], NOW)
            parts.drop(connection, "W", "f" * 64)
            assert parts.every(connection) == [("V", "f" * 64, NOW)]

    def test_that_are_kept_again_are_new(self, shop: Ledger) -> None:
        with shop.write() as connection:
            for moment in (NOW, NOW + 9):
                parts.save(connection, "W", "f" * 64, [b"a", b"b"], moment)
            assert parts.every(connection) == [("W", "f" * 64, NOW + 9)]
            assert list(parts.read(connection, "W", "f" * 64)) == [b"a", b"b"]

    def test_may_be_kept_by_two_at_once(self, shop: Ledger) -> None:
        problems = list[Exception]()

        def save() -> None:
            try:
                with shop.write() as other:
                    parts.save(other, "W", "f" * 64, [b"a", b"b"], NOW + 9)
            except Exception as problem:
                problems.append(problem)

        with shop.write(durable=True) as connection:
            parts.save(connection, "W", "f" * 64, [b"a", b"b"], NOW)
            saving = begun(save)
        saving.join(20)
        assert problems == []
        with shop.read() as reader:
            assert list(parts.read(reader, "W", "f" * 64)) == [b"a", b"b"]


def test_files_are_where_every_process_finds_them(shop: Ledger, tmp_path: Path) -> None:
    """In a directory where the database is one machine's, or when one is named; else in the database."""
    assert isinstance(open_store(shop, tmp_path, None), Directory if shop.is_sqlite else Database)
    assert isinstance(open_store(shop, tmp_path, tmp_path / "shared"), Directory)
