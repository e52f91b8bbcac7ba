"""The sandbox as a process of its own, under gunicorn."""

import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import pytest
import requests

from tests.sandbox.receiver import until

Address = dict[str, str]
Serve = Callable[..., AbstractContextManager[tuple[Address, "subprocess.Popen[str]"]]]


def session_of(address: Address) -> requests.Session:
    session = requests.Session()
    session.auth = (address["identifier"], address["key"])
    session.headers["X-Crisp-Tier"] = address["tier"]
    return session


def people(address: Address) -> str:
    return f"{address['url']}/v1/website/{address['website_id']}/people"


def stats_of(address: Address) -> dict[str, Any]:
    """Calls and people; counted before a call waits, so one in flight is in it."""
    found: dict[str, Any] = requests.get(f"{address['url']}/_sandbox/stats", timeout=5).json()
    return found


def ada(number: int = 0) -> dict[str, object]:
    return {"email": f"ada{number}@example.com", "person": {"nickname": "Ada"}}


def test_it_says_where_it_listens(serve: Serve) -> None:
    with serve("--website-id", "W", "--identifier", "I", "--tier", "plugin") as (address, process):
        assert address.keys() == {"url", "website_id", "identifier", "key", "tier"}
        assert (address["website_id"], address["identifier"], address["tier"]) == ("W", "I", "plugin")
        with session_of(address) as session:
            assert session.get(f"{people(address)}/stats", timeout=5).json()["data"] == {"total": 0}
        process.terminate()
        _, said = process.communicate(timeout=5)
    assert said == f"Sandbox listens on {address['url']} for website W.\n"
    assert process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_quickly_and_quietly(serve: Serve, number: signal.Signals) -> None:
    with serve() as (address, process), session_of(address) as session:
        session.get(f"{people(address)}/stats", timeout=5)  # the connection is kept open
        began = time.monotonic()
        process.send_signal(number)
        _, said = process.communicate(timeout=10)
    assert time.monotonic() - began < 4
    assert process.returncode == 0
    assert said.count("\n") == 1, said


def test_a_call_in_flight_is_answered_when_it_stops(serve: Serve) -> None:
    with serve("--latency-ms", "1000") as (address, process), session_of(address) as session:
        with ThreadPoolExecutor(1) as pool:
            call = pool.submit(session.get, f"{people(address)}/stats", timeout=10)
            until(lambda: stats_of(address)["calls"]["total"] == 1)
            process.terminate()
        assert call.result().status_code == 200


def test_64_slow_calls_at_once_over_kept_connections(serve: Serve) -> None:
    """Four rounds of 64 calls of 200 ms take four times 200 ms and little more."""
    with serve("--latency-ms", "200") as (address, _), ThreadPoolExecutor(64) as pool:

        def rounds(number: int) -> list[int]:
            with session_of(address) as session:
                path = f"{people(address)}/profile"
                return [session.post(path, json=ada(number * 4 + turn), timeout=10).status_code for turn in range(4)]

        began = time.monotonic()
        statuses = Counter(status for each in pool.map(rounds, range(64)) for status in each)
        elapsed = time.monotonic() - began
    assert statuses == {201: 256}
    assert elapsed < 4, elapsed  # 51 seconds one after the other


def test_one_of_64_parallel_creations_wins(serve: Serve) -> None:
    with serve() as (address, _), ThreadPoolExecutor(64) as pool:
        together = threading.Barrier(64)

        def create(_: int) -> int:
            with session_of(address) as session:
                together.wait()
                return session.post(f"{people(address)}/profile", json=ada(), timeout=10).status_code

        statuses = Counter(pool.map(create, range(64)))
        counted = requests.get(f"{address['url']}/_sandbox/stats", timeout=5).json()
    assert statuses == {201: 1, 409: 63}
    assert (counted["creations"], counted["people"]) == ({"ada0@example.com": 1}, 1)
    assert counted["calls"]["by_route"] == {"POST people/profile": 64}


def test_faults_cut_connections_and_the_server_goes_on(serve: Serve) -> None:
    outcomes: Counter[str] = Counter()
    with serve("--error-rate", "1", "--seed", "1") as (address, process), session_of(address) as session:
        for number in range(40):
            try:
                answer = session.post(f"{people(address)}/profile", json=ada(number), timeout=5)
                outcomes[str(answer.status_code)] += 1
            except requests.ConnectionError:
                outcomes["reset"] += 1
        stats = session.get(f"{address['url']}/_sandbox/stats", timeout=5).json()
        process.terminate()
        _, said = process.communicate(timeout=10)
    assert outcomes.keys() == {"500", "502", "503", "504", "reset"}
    assert stats["calls"]["total"] == 40
    assert 0 < stats["people"] < 40
    assert said.count("\n") == 1, said


def test_a_client_that_gives_up_on_a_held_answer_does_no_harm(serve: Serve) -> None:
    flags = ("--timeout-rate", "1", "--timeout-s", "0.6")
    with serve(*flags) as (address, process), session_of(address) as session:
        with pytest.raises(requests.Timeout):
            session.post(f"{people(address)}/profile", json=ada(), timeout=0.2)
        until(lambda: stats_of(address)["people"] == 1)
        time.sleep(0.8)  # by then it has found that nobody listens
        process.terminate()
        _, said = process.communicate(timeout=10)
    assert said.count("\n") == 1, said
