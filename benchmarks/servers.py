"""Processes that the benchmarks measure against."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

KEY = "ck_benchmark"

Said = dict[str, str]


@contextmanager
def sandbox(*flags: str) -> Iterator[Said]:
    """A local Crisp without a quota; `{url, website_id, identifier, key, tier}`."""
    with _process(["-m", "connector", "sandbox", "--port", "0", *flags], {}) as (said, _):
        yield said


@contextmanager
def service(crisp: Said, folder: Path, *command: str, database: str = "") -> Iterator[str]:
    """A service for that Crisp; its address. `command` defaults to `-m connector serve`."""
    with serving(crisp, folder, *command, database=database) as (url, _):
        yield url


@contextmanager
def serving(crisp: Said, folder: Path, *command: str, database: str = "") -> Iterator[tuple[str, int]]:
    """The same, with the number of its first process."""
    flags = ["--port", "0", "--json", "--threads", "32"]
    started = [*(command or ("-m", "connector", "serve")), *flags]
    with _process(started, environment(crisp, folder, database)) as (said, pid):
        yield said["url"], pid


def change(crisp: Said, **switches: Any) -> None:
    """Changes switches of that Crisp."""
    requests.post(f"{crisp['url']}/_sandbox", json=switches, timeout=10).raise_for_status()


def probe(crisp: Said, folder: Path, database: str = "") -> None:
    """Finds out how that Crisp behaves, as anybody would before the first batch."""
    command = [sys.executable, "-m", "connector", "doctor", "--probe", "--yes", "--json"]
    env = {**os.environ, **environment(crisp, folder, database)}
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def vendor(count: int) -> Iterator[str]:
    """A vendor that has so many contacts; its address."""
    with _process(["-m", "benchmarks.vendor", str(count)], {}) as (said, _):
        yield said["url"]


@contextmanager
def worker(env: Said) -> Iterator[int]:
    """A process that delivers."""
    with _process(["-m", "connector", "work", "--json"], env) as (_, pid):
        yield pid


def environment(crisp: Said, folder: Path, database: str = "") -> Said:
    """The settings of a service for that Crisp. `database`: its URL, for another than the embedded one."""
    return {
        "CONNECTOR_DATA_DIR": str(folder),
        "CONNECTOR_DATABASE_URL": database,
        "CONNECTOR_API_KEY": KEY,
        "CONNECTOR_LOG_LEVEL": "warning",
        "CRISP_API_URL": f"{crisp['url']}/v1",
        "CRISP_WEBSITE_ID": crisp["website_id"],
        "CRISP_IDENTIFIER": crisp["identifier"],
        "CRISP_KEY": crisp["key"],
        "CRISP_TIER": crisp["tier"],
        "CRISP_DAILY_QUOTA": "10000000",
    }


@contextmanager
def _process(command: list[str], env: Said) -> Iterator[tuple[Said, int]]:
    started = [sys.executable, *command]
    with subprocess.Popen(started, env={**os.environ, **env}, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline()), process.pid
        finally:
            process.terminate()
