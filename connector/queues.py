"""The queues that Huey has: in a file, in PostgreSQL, in Redis. It loads the driver of each that it finds, so this
module is loaded by who has said which it needs."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from huey import Huey, PostgresHuey, RedisHuey, SqliteHuey
from huey.registry import Message
from huey.serializer import Serializer
from sqlalchemy import URL

from connector.ledger.silent import limited
from connector.settings import SettingsProblem

_NAME = "crisp_connector"
# Seconds: how long a queue that tells is listened to at once; how long Redis may take to connect and to answer.
_LISTEN, _CONNECT, _ANSWER = 1, 2.0, 5.0
# Processes that start together on a new database try to make its tables so often.
_TRIES = 5


class _Json(Serializer):  # type: ignore[misc] # it has no types
    """Messages as JSON: unlike pickle, what somebody else puts into the queue can do nothing."""

    def _serialize(self, data: Any) -> bytes:
        return json.dumps(data).encode()

    def _deserialize(self, data: bytes) -> Any:
        return Message(*json.loads(data))


def open_queue(url: URL) -> Huey:
    """The queue at this address. Raises `SettingsProblem` when there can never be one."""
    kind = url.get_backend_name()
    common: dict[str, Any] = {"results": False, "serializer": _Json()}
    if kind == "sqlite":
        file = _file(url)
        return _opened(lambda: SqliteHuey(_NAME, filename=file, fsync=False, cache_mb=0, **common))
    if kind == "postgresql":
        dsn = limited(url).set(drivername="postgresql").render_as_string(hide_password=False)
        return _opened(lambda: PostgresHuey(_NAME, dsn=dsn, read_timeout=_LISTEN, **common))
    return RedisHuey(_NAME, connection_pool=_redis(url), read_timeout=_LISTEN, **common)


def _file(url: URL) -> str:
    name = url.database or ""
    if not name or not Path(name).absolute().parent.is_dir():
        raise SettingsProblem(
            "CONNECTOR_QUEUE_URL names no file in a directory that is there: sqlite:////path/queue.db."
        )
    return name


def _opened(make: Callable[[], Huey]) -> Huey:
    """A queue in a database, whose tables are made when they are not there."""
    tries = _TRIES
    while True:
        try:
            return make()
        except Exception as problem:
            tries -= 1
            if not tries:
                reason = type(problem).__name__
                raise SettingsProblem(f"The queue cannot be opened ({reason}). Check CONNECTOR_QUEUE_URL.") from problem
            time.sleep(0.1)


def _redis(url: URL) -> Any:
    try:
        from redis import ConnectionPool
    except ImportError:
        raise SettingsProblem(
            "CONNECTOR_QUEUE_URL names Redis, whose driver is not installed: pip install 'crisp-connector[redis]'"
        ) from None
    if url.database and not url.database.isdecimal():  # redis would take database 0 for it
        raise SettingsProblem("CONNECTOR_QUEUE_URL must name Redis' database by a number: redis://host:6379/0.")
    try:
        return ConnectionPool.from_url(
            url.render_as_string(hide_password=False), socket_connect_timeout=_CONNECT, socket_timeout=_ANSWER
        )
    except ValueError:
        raise SettingsProblem("CONNECTOR_QUEUE_URL must look like redis://host:6379/0.") from None
