"""Which database is taken, made, refused."""

from contextlib import closing, suppress
from pathlib import Path
from threading import Barrier, Thread, Timer
from time import monotonic

import pytest
from sqlalchemy import inspect, make_url, text
from sqlalchemy.exc import OperationalError

from connector import clock
from connector.clock import now_ms
from connector.ledger import DatabaseProblem, Ledger, database, silent
from connector.ledger.tables import metadata
from tests.black_hole import needs_linux, way_to


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


def test_machines_that_share_a_database_go_by_its_clock(emptied_postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine's clock is an hour ahead; that of the database is right."""
    wrong = now_ms() + 3_600_000
    monkeypatch.setattr(clock, "now_ms", lambda: wrong)
    ledger = Ledger(emptied_postgres)
    try:
        assert abs(ledger.clock() - (wrong - 3_600_000)) < 60_000
    finally:
        ledger.close()


@pytest.mark.parametrize("durable", [True, False])
def test_a_server_that_falls_silent_is_not_waited_for(emptied_postgres: str, *, durable: bool) -> None:
    """What the address says itself counts."""
    url = make_url(emptied_postgres).update_query_dict({"keepalives_idle": "77", "application_name": "ours"})
    ledger = Ledger(url.render_as_string(hide_password=False))
    with closing(ledger), ledger.write(durable=durable) as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        told = driver.info.get_parameters()
    assert told["application_name"] == "ours"
    assert {**silent.LIMITS, "keepalives_idle": "77"}.items() <= told.items()


@needs_linux
def test_a_server_whose_host_loses_power_is_an_error_soon(
    emptied_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is waited for, and from then on; nothing is acknowledged, and no connection ends."""
    soon = {"connect_timeout": "2", "keepalives_idle": "1", "keepalives_interval": "1", "tcp_user_timeout": "1000"}
    monkeypatch.setattr(silent, "LIMITS", {**silent.LIMITS, **soon})
    there = make_url(emptied_postgres)
    with way_to(there.host or "", there.port or 5432) as way:
        url = there.set(host="127.0.0.1", port=way.port)
        with closing(Ledger(url.render_as_string(hide_password=False))) as ledger:
            assert asked(ledger, "SELECT 1") is None
            Timer(0.3, way.fall_silent).start()
            began = monotonic()
            assert isinstance(asked(ledger, "SELECT pg_sleep(8)"), OperationalError)
            assert isinstance(asked(ledger, "SELECT 1"), OperationalError)
            assert monotonic() - began < 7


def asked(ledger: Ledger, question: str) -> Exception | None:
    try:
        with ledger.read() as connection:
            connection.execute(text(question))
    except OperationalError as problem:
        return problem
    return None
