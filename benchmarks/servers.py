"""Processes that the benchmarks measure against."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KEY = "ck_benchmark"


@contextmanager
def sandbox(*flags: str) -> Iterator[dict[str, str]]:
    """A local Crisp without a quota; `{url, website_id, identifier, key, tier}`."""
    with _process(["-m", "connector", "sandbox", "--port", "0", *flags], {}) as said:
        yield said


@contextmanager
def service(crisp: dict[str, str], folder: Path, *command: str) -> Iterator[str]:
    """A service for that Crisp; its address. `command` defaults to `-m connector serve`."""
    flags = ["--port", "0", "--json", "--threads", "32"]
    with _process([*(command or ("-m", "connector", "serve")), *flags], environment(crisp, folder)) as said:
        yield said["url"]


def environment(crisp: dict[str, str], folder: Path) -> dict[str, str]:
    """The settings of a service for that Crisp."""
    return {
        "CONNECTOR_DATA_DIR": str(folder),
        "CONNECTOR_API_KEY": KEY,
        "CONNECTOR_LOG_LEVEL": "warning",
        "CRISP_API_URL": f"{crisp['url']}/v1",
        "CRISP_WEBSITE_ID": crisp["website_id"],
        "CRISP_IDENTIFIER": crisp["identifier"],
        "CRISP_KEY": crisp["key"],
        "CRISP_TIER": crisp["tier"],
        "CRISP_DAILY_QUOTA": "100000000",
    }


@contextmanager
def _process(command: list[str], env: dict[str, str]) -> Iterator[dict[str, str]]:
    started = [sys.executable, *command]
    with subprocess.Popen(started, env={**os.environ, **env}, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
