"""Packages of no-code platforms: how long all of them take to build; what a platform waits for when it shows a form."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import requests

from benchmarks import servers
from benchmarks.report import Figure
from connector import packages
from connector.app import openapi
from connector.manifest import load

# Forms that are asked for, one after another.
_FORMS = 200


def measure() -> Iterator[Figure]:
    """Seconds in which all packages are built; a form beside the connection test, and the calls that it cost."""
    yield Figure("packages: all of them built", _built(), "s", 2.0, "less", "OpenAPI and manifests read in it")
    with (
        servers.sandbox() as crisp,
        tempfile.TemporaryDirectory() as folder,
        servers.service(crisp, Path(folder)) as url,
    ):
        yield from _forms(crisp, url)


def _built() -> float:
    began = time.perf_counter()
    packages.packages(packages.told(load(), openapi()))
    return time.perf_counter() - began


def _forms(crisp: servers.Said, url: str) -> Iterator[Figure]:
    """After the first form of a connection, its custom data keys and segments are known."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {servers.KEY}"
    _ask(session, f"{url}/v1/fields", 1)
    before = _calls(crisp)
    tested = _ask(session, f"{url}/v1/me", _FORMS)
    form = _ask(session, f"{url}/v1/fields", _FORMS)
    yield Figure("fields: forms per second, of connection tests per second", tested / form, "×", 0.5)
    yield Figure("fields: calls of Crisp for a form that is known", (_calls(crisp) - before) / _FORMS, "", 0.0, "less")


def _ask(session: requests.Session, url: str, times: int) -> float:
    began = time.perf_counter()
    for _ in range(times):
        session.get(url, timeout=30).raise_for_status()
    return time.perf_counter() - began


def _calls(crisp: servers.Said) -> int:
    return int(requests.get(f"{crisp['url']}/_sandbox/stats", timeout=10).json()["calls"]["total"])
