"""Lines of libraries in our shape: what they were filled with stays out, for somebody may have sent it."""

import json
import logging
import sys

import pytest

from connector.logs import JsonLines


def line(message: object, *args: object, exc_info: bool = False) -> dict[str, object]:
    told = sys.exc_info() if exc_info else None
    record = logging.LogRecord("gunicorn.error", logging.WARNING, "/lib/file.py", 7, message, args, told)
    found: dict[str, object] = json.loads(JsonLines().format(record))
    return found


@pytest.mark.parametrize(
    ("message", "args", "said"),
    [
        ("Worker (pid:%s) was sent %s!", (7, "SIGKILL"), "Worker (pid:7) was sent SIGKILL!"),
        ("WORKER TIMEOUT (pid:%d)", (7,), "WORKER TIMEOUT (pid:7)"),
        ("Error handling request %s %s", ("GET", "/v1/contacts/ada@example.com"), "Error handling request … …"),
        ("%d of them", ("ada@example.com",), "%d of them"),
        ("two %s", ("a", "b"), "two %s"),
        ("named %(who)s", ({"who": "ada@example.com"},), "named %(who)s"),
        ("Invalid request from ip=127.0.0.1: 'ada@example.com'", (), "Invalid request from ip"),
        ("Plain words", (), "Plain words"),
        (ValueError("x: ada@example.com"), (), "x"),
    ],
)
def test_a_sentence_without_its_facts(message: object, args: tuple[object, ...], said: str) -> None:
    found = line(message, *args)
    assert found["message"] == said
    assert "ada@" not in str(found)
    assert found["where"] == ["/lib/file.py:7"]
    assert (found["event"], found["logger"], found["level"]) == ("library", "gunicorn.error", "warning")


def test_an_exception_is_told_by_type_and_place() -> None:
    try:
        raise RuntimeError("ada@example.com")
    except RuntimeError:
        found = line("Unhandled exception", exc_info=True)
    assert found["reason"] == "RuntimeError"
    assert str(found["where"]).count("test_logs.py") == 1
    assert "ada@" not in str(found)
