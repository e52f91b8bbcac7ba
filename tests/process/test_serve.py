"""Starting, stopping and dying: what was accepted comes through, and nobody is cut off."""

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from connector.cli import main
from tests.process.running import KEY, PROGRAM, Crisp, Running, Service, run, running, until

# The program with a lease that ends sooner, so that a test of its end need not wait for half a minute.
_SHORT_LEASE = (
    PROGRAM[0],
    "-c",
    "import sys; from connector.ledger import leases; from connector.cli import main; leases.TERM = 3_000; "
    "main(sys.argv[1:])",
)

# The program with workers that take a second until they listen to what they are told.
_SLOW_BIRTH = (
    PROGRAM[0],
    "-c",
    "import sys, time; from connector.cli import main, serve; first = serve.Worker.init_process; "
    "serve.Worker.init_process = lambda worker: (time.sleep(1), first(worker)); main(sys.argv[1:])",
)


def lease_holder(data_dir: Path) -> Any:
    """Who holds the lease of the one connection."""
    database = sqlite3.connect(data_dir / "connector.db")
    try:
        return database.execute("SELECT holder FROM leases").fetchone()[0]
    finally:
        database.close()


def children(pid: int) -> list[str]:
    """The processes that it forked."""
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


@pytest.fixture
def serve(env: dict[str, str], tmp_path: Path) -> Iterator[Running]:
    """The service."""
    with running("serve", "--port", "0", "--json", env=env, folder=tmp_path) as process:
        yield process


def people(count: int, **more: Any) -> list[dict[str, Any]]:
    """So many records."""
    return [{"email": f"p{number}@example.com", "first_name": f"P{number}", **more} for number in range(count)]


def test_it_answers_delivers_and_ends_when_it_is_told(serve: Running, crisp: Crisp) -> None:
    service = Service(serve.url)
    assert requests.get(f"{serve.url}/healthz", timeout=10).json()["status"] == "ok"
    assert requests.get(f"{serve.url}/readyz", timeout=10).json()["connections"] == 1
    assert "API key" in requests.get(serve.url, timeout=10).text
    until(lambda: "crisp-connector listens on" in serve.messages(), what="the message")
    answer = service.post("/v1/contacts", json={"email": "ada@example.com", "full_name": "Ada Lovelace"})
    assert (answer.status_code, answer.json()["status"]) == (200, "created")
    assert crisp.people()["ada@example.com"]["person"]["nickname"] == "Ada Lovelace"
    began = time.monotonic()
    assert serve.stop() == 0
    assert time.monotonic() - began < 8
    assert "Traceback" not in serve.messages()


def test_it_ends_at_once_when_it_is_told_before_its_workers_listen(env: dict[str, str], tmp_path: Path) -> None:
    command = ("web", "--port", "0", "--workers", "2", "--json")
    with running(*command, env=env, folder=tmp_path, program=_SLOW_BIRTH) as process:
        until(lambda: len(children(process.process.pid)) == 2, what="both workers")
        assert process.stop() == 0


@pytest.mark.parametrize("end", [Running.stop, Running.interrupt], ids=["SIGTERM", "Ctrl-C"])
def test_stopping_answers_who_waits_and_gives_the_lease_back(
    env: dict[str, str], crisp: Crisp, tmp_path: Path, end: Callable[[Running], int]
) -> None:
    crisp.set(latency_ms=1500)
    few = {**env, "CONNECTOR_CONCURRENCY": "4"}
    with (
        running("serve", "--port", "0", "--json", env=few, folder=tmp_path) as first,
        ThreadPoolExecutor() as threads,
    ):
        service = Service(first.url)
        asked = threads.submit(service.post, "/v1/contacts", json={"email": "slow@example.com", "first_name": "S"})
        until(lambda: crisp.calls, what="a call to Crisp")
        import_id = service.batch(people(60))["import_id"]
        assert end(first) == 0
        answer = asked.result()
    assert answer.status_code in (200, 202), answer.text
    outcome_id = answer.json()["outcome_id"]
    assert lease_holder(tmp_path / "data") is None
    assert crisp.stats()["people"] < 61, "it stopped before everything was delivered"
    crisp.set(latency_ms=0)
    with running("serve", "--port", "0", "--json", env=few, folder=tmp_path) as second:
        service = Service(second.url)
        assert service.finished(import_id, seconds=12)["totals"]["created"] == 60
        assert service.get(f"/v1/outcomes/{outcome_id}").json()["status"] == "created"
    assert set(crisp.stats()["creations"].values()) == {1}


def test_two_workers_share_the_work(env: dict[str, str], crisp: Crisp, tmp_path: Path) -> None:
    command = ("serve", "--port", "0", "--json", "--workers", "2")
    with running(*command, env=env, folder=tmp_path) as process, ThreadPoolExecutor(8) as threads:
        children = Path(f"/proc/{process.process.pid}/task/{process.process.pid}/children")
        until(lambda: len(children.read_text().split()) == 2, what="two workers")
        service = Service(process.url)
        sent = people(40, data={"plan": "pro"})
        answers = list(threads.map(lambda each: service.post("/v1/contacts", json=each), sent))
        assert [(answer.status_code, answer.json()["status"]) for answer in answers] == [(200, "created")] * 40
        assert process.stop() == 0
    stats = crisp.stats()
    assert (stats["people"], stats["calls"]["total"]) == (40, 80)


def test_web_and_work_are_processes_of_their_own(env: dict[str, str], crisp: Crisp, tmp_path: Path) -> None:
    with running("web", "--port", "0", "--json", env=env, folder=tmp_path) as web:
        service = Service(web.url)
        early = service.post("/v1/contacts?wait=0", json={"email": "early@example.com", "first_name": "E"})
        assert (early.status_code, early.json()["status"]) == (202, "waiting")
        assert crisp.calls == 0, "web delivers nothing"
        with running("work", "--json", env=env, folder=tmp_path) as work:
            assert work.said == {"working": True}
            outcome = f"/v1/outcomes/{early.json()['outcome_id']}"
            until(lambda: service.get(outcome).json()["status"] == "created", what="delivery")
            late = service.post("/v1/contacts", json={"email": "late@example.com", "first_name": "L"})
            assert (late.status_code, late.json()["status"]) == (200, "created")
            assert work.stop() == 0
        assert web.stop() == 0
    assert lease_holder(tmp_path / "data") is None


@pytest.mark.parametrize("option", ["--workers", "--threads"])
@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_nobody_to_answer_is_refused(option: str, value: str) -> None:
    for command in ("serve", "web"):
        ended = CliRunner().invoke(main, [command, option, value])
        assert (ended.exit_code, option in ended.output) == (2, True), ended.output


def test_without_a_connection_it_starts_and_says_what_to_do(crisp: Crisp, tmp_path: Path) -> None:
    env = {"CONNECTOR_DATA_DIR": str(tmp_path / "data"), "CRISP_API_URL": crisp.env["CRISP_API_URL"]}
    with running("serve", "--port", "0", "--json", env=env, folder=tmp_path) as process:
        until(lambda: "give it this one-time code: " in process.messages(), what="the message")
        assert "One-time code" in requests.get(process.url, timeout=10).text
        answer = Service(process.url).post("/v1/contacts", json={"email": "ada@example.com"})
        assert (answer.status_code, answer.json()["code"]) == (503, "no_connection")
        assert "crisp-connector connect add" in answer.json()["message"]
        said = crisp.running.said
        token = ["--website-id", said["website_id"], "--identifier", said["identifier"], "--key", said["key"]]
        added = run("connect", "add", *token, "--json", env=env)
        assert added.returncode == 0, added.stderr
        key = re.search(r'"key": "([^"]+)"', added.stdout)
        assert key is not None
        service = Service(process.url, key[1])
        assert service.post("/v1/contacts", json={"email": "ada@example.com"}).json()["status"] == "created"


def test_killed_in_the_middle_it_delivers_the_rest_and_creates_nobody_twice(
    env: dict[str, str], crisp: Crisp, tmp_path: Path
) -> None:
    crisp.set(latency_ms=30)
    few = {**env, "CONNECTOR_CONCURRENCY": "8"}
    command = ("serve", "--port", "0", "--json")
    with running(*command, env=few, folder=tmp_path, program=_SHORT_LEASE) as first:
        import_id = Service(first.url).batch(people(200, data={"plan": "pro"}))["import_id"]
        until(lambda: crisp.stats()["people"] > 60, what="a part of the delivery")
        first.kill()
    assert crisp.stats()["people"] < 200, "it was killed in the middle"
    crisp.set(latency_ms=0)
    with running(*command, env=few, folder=tmp_path, program=_SHORT_LEASE) as second:
        totals = Service(second.url).finished(import_id, seconds=30)["totals"]
    assert totals["created"] + totals["updated"] + totals["unchanged"] == totals["records"] == 200
    stats = crisp.stats()
    assert set(stats["creations"].values()) == {1}
    assert len(stats["creations"]) == 200
    assert all(card["data"] == {"plan": "pro"} for card in crisp.people().values())
    assert stats["calls"]["total"] <= 400 + 8 + 4, "one more for each call in flight, or bought to be the next"


def test_the_key_of_the_environment_can_be_replaced(env: dict[str, str], crisp: Crisp, tmp_path: Path) -> None:
    with running("serve", "--port", "0", "--json", env=env, folder=tmp_path) as first:
        assert Service(first.url, KEY).get("/v1/me").status_code == 200
    changed = {**env, "CONNECTOR_API_KEY": "ck_another_key_0123456789abcdef"}
    with running("serve", "--port", "0", "--json", env=changed, folder=tmp_path) as second:
        assert Service(second.url, KEY).get("/v1/me").status_code == 401
        assert Service(second.url, changed["CONNECTOR_API_KEY"]).get("/v1/me").status_code == 200
