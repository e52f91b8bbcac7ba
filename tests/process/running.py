"""Commands of ours in processes of their own, with an environment that has nothing of the machine's."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import requests

from connector.samples import Sample
from tests.process import forked

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = (sys.executable, "-m", "connector")
# Seconds that a command may take.
_PATIENCE = 90.0
KEY = "ck_for_the_tests_0123456789abcdef"
Found = TypeVar("Found")


def clean(env: Mapping[str, str]) -> dict[str, str]:
    """The environment with these variables and without any other of ours."""
    ours = ("CONNECTOR_", "CRISP_", "SANDBOX_", "PYTHONPATH")
    return {**{name: value for name, value in os.environ.items() if not name.startswith(ours)}, **env}


def until(look: Callable[[], Found], seconds: float = 20.0, what: str = "it") -> Found:
    """What `look` finds as soon as it finds something; fails when that takes too long."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, f"{what} did not come about within {seconds} s"
        time.sleep(0.03)
    return found


def copied(folder: Path) -> Path:
    """A copy of the code and the manifests; run with `cwd` there, it is what is imported."""
    without = shutil.ignore_patterns("__pycache__")
    for name in ("connector", "manifests"):
        shutil.copytree(ROOT / name, folder / name, ignore=without)
    return folder


@dataclass
class Running:
    """A process that runs for long: what it said in its first line, and the file of its messages."""

    process: "subprocess.Popen[str]"
    stderr: Path
    said: dict[str, Any] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where it listens."""
        return str(self.said["url"])

    def messages(self) -> str:
        """Everything that it wrote to stderr so far."""
        return self.stderr.read_text()

    def stop(self, seconds: float = 15.0) -> int:
        """SIGTERM; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def interrupt(self, seconds: float = 15.0) -> int:
        """Ctrl-C in a terminal: SIGINT to it and to all its workers; its exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(seconds)

    def kill(self) -> None:
        """SIGKILL to it and to all its workers."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


@contextmanager
def running(
    *command: str,
    env: Mapping[str, str],
    folder: Path,
    cwd: Path | None = None,
    program: Sequence[str] = PROGRAM,
    speaks: bool = True,
) -> Iterator[Running]:
    """A command that says where it listens in its first line, if it `speaks`; ended, if need be by force, when the test
    is."""
    stderr = folder / f"{command[0]}-{time.monotonic_ns()}.log"
    with (
        stderr.open("w") as messages,
        subprocess.Popen(
            [*program, *command],
            env=clean(env),
            stdout=subprocess.PIPE,
            stderr=messages,
            text=True,
            cwd=cwd or folder,
            start_new_session=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            line = process.stdout.readline() if speaks else "{}"
            assert line, f"{command[0]} did not start: {stderr.read_text()}"
            yield Running(process, stderr, json.loads(line))
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def run(
    *command: str,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stdin: str = "",
    program: Sequence[str] = PROGRAM,
) -> "subprocess.CompletedProcess[str]":
    """A command that ends by itself; its input is never that of the tests."""
    if program is PROGRAM and cwd is None and forked.fits(env):
        return forked.run(command, clean(env), stdin, _PATIENCE)
    return subprocess.run(
        [*program, *command], env=clean(env), cwd=cwd, input=stdin, capture_output=True, text=True, timeout=_PATIENCE
    )


def together(*calls: Callable[[], Any]) -> list[Any]:
    """What each of them returns; they are made side by side."""
    with ThreadPoolExecutor(len(calls)) as threads:
        return [called.result() for called in [threads.submit(call) for call in calls]]


@dataclass(frozen=True)
class Crisp:
    """A sandbox in its own process."""

    running: Running

    @property
    def env(self) -> dict[str, str]:
        """The variables that make it the default connection."""
        said = self.running.said
        token = {f"CRISP_{name.upper()}": said[name] for name in ("website_id", "identifier", "key", "tier")}
        return {"CRISP_API_URL": f"{said['url']}/v1", "CONNECTOR_API_KEY": KEY, **token}

    def set(self, **switches: Any) -> None:
        """Changes switches."""
        answer = requests.post(f"{self.running.url}/_sandbox", json=switches, timeout=10)
        assert answer.ok, answer.text

    def reset(self) -> None:
        """Empties it."""
        assert requests.post(f"{self.running.url}/_sandbox/reset", timeout=10).ok

    def stats(self) -> dict[str, Any]:
        """Calls, creations, people."""
        found: dict[str, Any] = requests.get(f"{self.running.url}/_sandbox/stats", timeout=10).json()
        return found

    @property
    def calls(self) -> int:
        """How many calls it was sent."""
        return int(self.stats()["calls"]["total"])

    def people(self) -> dict[str, dict[str, Any]]:
        """Every card by its email."""
        listed = requests.get(f"{self.running.url}/_sandbox/people", timeout=10).json()
        return {card["email"]: card for card in listed}


@dataclass(frozen=True)
class Service:
    """A service that answers at this address, and the API key to ask it with."""

    url: str
    key: str = KEY

    def get(self, path: str, **more: Any) -> requests.Response:
        """GET with the key."""
        return self._ask("GET", path, **more)

    def post(self, path: str, **more: Any) -> requests.Response:
        """POST with the key."""
        return self._ask("POST", path, **more)

    def put(self, path: str, **more: Any) -> requests.Response:
        """PUT with the key."""
        return self._ask("PUT", path, **more)

    def batch(self, sent: Sample | bytes | list[dict[str, Any]]) -> dict[str, Any]:
        """Sends many records, or a sample as its sender sends it; the answer."""
        answer = self.post("/v1/contacts/batch", **_request_of(sent))
        assert answer.status_code in (200, 202), answer.text
        found: dict[str, Any] = answer.json()
        return found

    def finished(self, import_id: str, seconds: float = 20.0) -> dict[str, Any]:
        """The import when nothing of it waits any more."""

        def look() -> dict[str, Any] | None:
            shown: dict[str, Any] = self.get(f"/v1/imports/{import_id}").json()
            return None if shown["totals"]["waiting"] else shown

        return until(look, seconds, f"import {import_id}") or {}

    def _ask(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.key}", **more.pop("headers", {})}
        return requests.request(method, self.url + path, headers=headers, timeout=more.pop("timeout", 40), **more)


def _request_of(sent: Sample | bytes | list[dict[str, Any]]) -> dict[str, Any]:
    if isinstance(sent, Sample):
        headers = {**sent.headers, "Content-Type": sent.content_type}
        return {"data": sent.body, "headers": headers, "params": dict(sent.options)}
    json_ = {"data": sent, "headers": {"Content-Type": "application/json"}}
    return json_ if isinstance(sent, bytes) else {"json": sent}
