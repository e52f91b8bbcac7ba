"""Wake-ups on each storage: what one process sends, another hears; a queue that is away comes back."""

import pickle
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import pytest
import redis
from sqlalchemy import make_url
from structlog.testing import capture_logs

from connector import wakeups as module
from connector.ledger import silent
from connector.settings import Settings, SettingsProblem
from connector.wakeups import WakeUps, open_wakeups

Open = Callable[[], WakeUps]


@pytest.fixture(params=["sqlite", "postgresql", "redis"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens the queue once more, as another process would."""
    made: list[WakeUps] = []
    given: dict[str, Any] = {"data_dir": tmp_path}
    if request.param == "postgresql":
        given["database_url"] = request.getfixturevalue("emptied_postgres")
    elif request.param == "redis":
        given["queue_url"] = request.getfixturevalue("redis_url")
        redis.Redis.from_url(given["queue_url"]).flushdb()

    def open_() -> WakeUps:
        made.append(open_wakeups(Settings(**given)))
        return made[-1]

    yield open_
    for each in made:
        each.close()


class Heard:
    def __init__(self) -> None:
        self.drains: list[tuple[str, bool]] = []
        self.sweeps = 0

    def drain(self, connection_id: str, live: bool) -> None:
        self.drains.append((connection_id, live))

    def sweep(self) -> None:
        self.sweeps += 1

    def within(self, seconds: float, look: Callable[[], bool]) -> bool:
        until = monotonic() + seconds
        while not look() and monotonic() < until:
            sleep(0.01)
        return look()


@contextmanager
def listening(wakeups: WakeUps) -> Iterator[Heard]:
    heard, stop = Heard(), Event()
    thread = Thread(target=wakeups.listen, args=(heard.drain, heard.sweep, stop))
    thread.start()
    try:
        yield heard
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()


def test_what_one_sends_another_hears(opened: Open) -> None:
    sender = opened()
    with listening(opened()) as heard:
        sender.drain("W", True)
        sender.drain("V", False)
        sender.sweep()
        assert heard.within(5, lambda: heard.sweeps == 1 and len(heard.drains) == 2)
    assert heard.drains == [("W", True), ("V", False)]


def test_each_is_heard_once(opened: Open) -> None:
    sender = opened()
    with listening(opened()) as one, listening(opened()) as two:
        for n in range(50):
            sender.drain(str(n), False)
        assert one.within(10, lambda: len(one.drains) + len(two.drains) == 50)
    assert {name for name, _ in (*one.drains, *two.drains)} == {str(n) for n in range(50)}


def test_it_waits_for_whoever_listens_later(opened: Open) -> None:
    opened().drain("W", True)
    with listening(opened()) as heard:
        assert heard.within(5, lambda: heard.drains == [("W", True)])


def test_what_is_in_the_queue_is_no_program(opened: Open, tmp_path: Path) -> None:
    """A pickle would run what it names; here it is dropped, and the next message is heard."""

    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "done",))

    sender = opened()
    sender._queue.storage.enqueue(pickle.dumps(Evil()))
    sender.drain("W", False)
    with listening(opened()) as heard:
        assert heard.within(10, lambda: heard.drains == [("W", False)])
    assert not (tmp_path / "done").exists()


def test_an_answering_queue_is_reachable(opened: Open) -> None:
    assert opened().reachable()


def test_a_queue_that_is_away_keeps_nobody_waiting(tmp_path: Path) -> None:
    wakeups = open_wakeups(Settings(data_dir=tmp_path, queue_url="redis://:secret@127.0.0.1:1/0"))
    with capture_logs() as logs:
        began = monotonic()
        for _ in range(1000):
            wakeups.drain("W", True)
        assert monotonic() - began < 5
        assert not wakeups.reachable()
    assert [line["event"] for line in logs] == ["queue_unavailable"]
    assert "secret" not in str(logs)


@contextmanager
def tables_hidden(file: Path) -> Iterator[None]:
    """A queue in a file that cannot be used meanwhile."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("ALTER TABLE task RENAME TO hidden")
        yield
        connection.execute("ALTER TABLE hidden RENAME TO task")


def test_a_queue_that_stays_away_is_told_of_now_and_then_and_its_return_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.wakeups._REST", 0.0)
    tries = list[str]()
    wakeups = open_wakeups(Settings(data_dir=tmp_path))
    truly_away = wakeups._away

    def away(problem: Exception) -> None:
        tries.append(type(problem).__name__)
        truly_away(problem)

    monkeypatch.setattr(wakeups, "_away", away)
    with capture_logs() as logs, listening(wakeups) as heard:
        with tables_hidden(tmp_path / "queue.db"):
            assert heard.within(10, lambda: len(tries) > 20), "it is tried again and again"
            assert [line["event"] for line in logs] == ["queue_unavailable"]
            wakeups._tell_at = 0.0  # a minute later
            assert heard.within(10, lambda: len(logs) == 2)
            assert not wakeups.reachable()
        assert heard.within(10, lambda: len(logs) == 3)
        wakeups.drain("W", True)
        assert heard.within(10, lambda: heard.drains == [("W", True)])
    assert [line["event"] for line in logs] == ["queue_unavailable"] * 2 + ["queue_back"]
    assert [line["log_level"] for line in logs] == ["warning"] * 2 + ["info"]


def test_an_emptied_queue_is_listened_to_further(redis_url: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, queue_url=redis_url)
    sender = open_wakeups(settings)
    with listening(open_wakeups(settings)) as heard:
        sender.drain("W", False)
        assert heard.within(5, lambda: len(heard.drains) == 1)
        redis.Redis.from_url(redis_url).flushall()
        sender.drain("V", False)
        assert heard.within(5, lambda: heard.drains[-1] == ("V", False))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("sqlite:////nowhere/at/all/queue.db", "no file in a directory that is there"),
        ("sqlite://", "no file in a directory that is there"),
        ("redis://host:port/0", "must look like redis://host:6379/0"),
        ("redis://127.0.0.1:1/zz", "by a number"),
        ("redis://127.0.0.1:1/-1", "by a number"),
        ("rediss://127.0.0.1:1/0/1", "by a number"),
        ("redis://127.0.0.1:1/?db=zz", "must look like redis://host:6379/0"),
    ],
)
def test_a_queue_that_can_never_be_is_refused(url: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsProblem, match=f"^CONNECTOR_QUEUE_URL .*{said}"):
        open_wakeups(Settings(data_dir=tmp_path, queue_url=url))


def test_a_postgresql_that_falls_silent_is_not_waited_for(emptied_postgres: str, tmp_path: Path) -> None:
    """Neither by who sends nor by who listens; what the address says itself counts."""
    url = make_url(emptied_postgres).update_query_dict({"keepalives_idle": "77"}).render_as_string(hide_password=False)
    with closing(open_wakeups(Settings(data_dir=tmp_path, queue_url=url))) as wakeups:
        storage = wakeups._queue.storage
        for connection in (storage.conn, storage._listen_conn()):
            told = connection.info.get_parameters()
            assert {**silent.LIMITS, "keepalives_idle": "77"}.items() <= told.items()


def test_wake_ups_that_nobody_takes_are_not_heaped_up(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 5)
    monkeypatch.setattr(module, "_COUNT", 0.0)
    sender = opened()
    for _ in range(20):
        sender.drain("W", True)
    with listening(opened()) as heard:
        assert heard.within(5, lambda: len(heard.drains) >= 5)
        sender.drain("V", True)
        assert heard.within(5, lambda: ("V", True) in heard.drains)
    assert heard.drains.count(("W", True)) == 5


_LOADED = """
import sys
from pathlib import Path
from connector.settings import Settings
from connector.wakeups import open_wakeups
wakeups = open_wakeups(Settings(data_dir=Path(sys.argv[1]), queue_url=sys.argv[2]))
wakeups.drain("W", True)
print(*sorted({"psycopg", "redis"} & set(sys.modules)), wakeups.reachable())
"""


@pytest.mark.parametrize(("kind", "drivers"), [("sqlite", []), ("postgresql", ["psycopg"]), ("redis", ["redis"])])
def test_only_the_driver_that_is_needed_is_loaded(
    kind: str, drivers: list[str], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    where = {"postgresql": "emptied_postgres", "redis": "redis_url"}
    url = request.getfixturevalue(where[kind]) if kind in where else f"sqlite:///{tmp_path}/queue.db"
    command = [sys.executable, "-c", _LOADED, str(tmp_path), url]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stdout.split() == [*drivers, "True"]
