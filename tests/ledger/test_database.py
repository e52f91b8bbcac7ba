"""Which database is taken, made, refused."""

from contextlib import suppress
from pathlib import Path
from threading import Barrier, Thread

import pytest
from sqlalchemy import inspect, text

from connector.ledger import DatabaseProblem, Ledger, database
from connector.ledger.tables import metadata


def stamp(ledger: Ledger, version: str) -> None:
    with ledger.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})


def test_an_empty_database_gets_its_tables(blank_ledger: Ledger) -> None:
    assert blank_ledger.version() is None
    blank_ledger.prepare()
    with blank_ledger.read() as connection:
        assert set(metadata.tables) < set(inspect(connection).get_table_names())
    assert blank_ledger.version() == database.VERSIONS[-1]


def test_preparing_again_changes_nothing(blank_ledger: Ledger) -> None:
    blank_ledger.prepare()
    blank_ledger.prepare()
    assert blank_ledger.version() == database.VERSIONS[-1]


def test_several_processes_may_prepare_at_once(blank_ledger: Ledger) -> None:
    barrier, problems = Barrier(8), list[BaseException]()

    def prepare() -> None:
        ledger = Ledger(blank_ledger.url.render_as_string(hide_password=False))
        barrier.wait()
        try:
            ledger.prepare()
        except BaseException as problem:
            problems.append(problem)
        ledger.close()

    threads = [Thread(target=prepare) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert blank_ledger.version() == database.VERSIONS[-1]


def test_an_older_database_is_refused_with_the_remedy(blank_ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    blank_ledger.prepare()
    monkeypatch.setattr(database, "VERSIONS", (*database.VERSIONS, "9998"))
    with pytest.raises(DatabaseProblem, match="crisp-connector migrate"):
        blank_ledger.prepare()


def test_a_newer_database_is_refused(blank_ledger: Ledger) -> None:
    blank_ledger.prepare()
    stamp(blank_ledger, "9999")
    with pytest.raises(DatabaseProblem, match="newer version than this program"):
        blank_ledger.prepare()
    with pytest.raises(DatabaseProblem, match="newer version than this program"):
        blank_ledger.migrate()


def test_migrate_says_from_where_to_where(blank_ledger: Ledger) -> None:
    newest = database.VERSIONS[-1]
    assert blank_ledger.migrate() == (None, newest)
    assert blank_ledger.migrate() == (newest, newest)


def test_a_folder_that_is_not_there_is_a_problem_in_words(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/nowhere/ledger.db")
    with pytest.raises(DatabaseProblem, match="unable to open database file"):
        ledger.prepare()
    ledger.close()


def test_a_file_that_is_no_database_is_a_problem_in_words(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Ada, " * 200)
    ledger = Ledger(f"sqlite:///{path}")
    with pytest.raises(DatabaseProblem, match="not a database"):
        ledger.prepare()
    ledger.close()
    assert path.read_text().startswith("Dear Ada")


def test_a_database_in_memory_is_refused() -> None:
    with pytest.raises(DatabaseProblem, match="needs a file"):
        Ledger("sqlite://")


def test_a_server_that_is_not_there_is_a_problem_in_words() -> None:
    ledger = Ledger("postgresql+psycopg://postgres:sesame@127.0.0.1:1/nothing")
    with pytest.raises(DatabaseProblem) as caught:
        ledger.prepare()
    ledger.close()
    assert "cannot be used" in str(caught.value)
    assert "sesame" not in str(caught.value)


def test_a_failed_write_leaves_nothing(ledger: Ledger) -> None:
    with suppress(KeyError), ledger.write() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
        raise KeyError
    assert ledger.version() == database.VERSIONS[-1]


@pytest.mark.parametrize("durable", [True, False])
def test_what_is_accepted_is_synced_and_what_is_delivered_is_not(ledger: Ledger, *, durable: bool) -> None:
    with ledger.write(durable=durable) as connection:
        setting = "PRAGMA synchronous" if ledger.is_sqlite else "SHOW synchronous_commit"
        value = connection.execute(text(setting)).scalar()
    assert value == ((2 if durable else 1) if ledger.is_sqlite else ("on" if durable else "off"))
