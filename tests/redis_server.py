"""A Redis server for the tests: the one that is named, one of our own, or the one that runs here."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import redis

from tests.postgres import free_port

_USUAL = "redis://127.0.0.1:6379/15"


class NoServer(Exception):
    """There is no Redis to test on; the text says what was looked for."""


@contextmanager
def server(words: Sequence[str] = ("--save", "")) -> Iterator[str]:
    """The URL of an empty database. `words`: what a server of our own is told beside where it listens."""
    named = os.environ.get("CONNECTOR_TEST_REDIS_URL")
    if named or not shutil.which("redis-server"):
        url = named or _USUAL
        if not _answers(url):
            raise NoServer(f"no CONNECTOR_TEST_REDIS_URL, no redis-server, nothing at {_USUAL}")
        redis.Redis.from_url(url).flushdb()
        yield url
    else:
        with _own_server(words) as url:
            yield url


@contextmanager
def _own_server(words: Sequence[str]) -> Iterator[str]:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="connector-redis-") as folder:
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--dir", folder, *words]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            try:
                url = f"redis://127.0.0.1:{port}/0"
                for _ in range(100):
                    if _answers(url):
                        break
                    time.sleep(0.05)
                else:
                    raise NoServer("a Redis server of our own did not start")
                yield url
            finally:
                process.terminate()


def _answers(url: str) -> bool:
    with suppress(redis.RedisError):
        return bool(redis.Redis.from_url(url, socket_connect_timeout=1).ping())
    return False
