"""One sandbox in a process of its own, as the official clients meet it."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module")
def sandbox() -> Iterator[dict[str, str]]:
    """`{url, website_id, identifier, key, tier}`: what the sandbox says of itself when it listens."""
    command = [sys.executable, "-m", "connector.sandbox", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
