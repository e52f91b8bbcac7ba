"""Logs: JSON lines on stderr. Errors are told by type and place: their text may hold a person's data."""

import json
import logging
import re
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from traceback import walk_tb
from types import TracebackType
from typing import Any

import structlog

_DEEPEST = 8
_SIGNAL = re.compile(r"SIG[A-Z0-9]+")
# Where a finished sentence may begin to quote what somebody sent.
_QUOTES = re.compile(r"[:='\"\n]")


def configure(level: str) -> None:
    """Everything from this level on; libraries' own chatter only from warnings on."""
    number: int = getattr(logging, level.upper())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    # Its warnings show whole addresses, and an address of Crisp's may name a person.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    shape: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_text,
        structlog.processors.JSONRenderer(),
    ]
    structlog.configure(
        processors=shape,
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def places(trace: TracebackType | None) -> list[str]:
    """`file:line` of the innermost frames."""
    found = [f"{frame.f_code.co_filename}:{line}" for frame, line in walk_tb(trace)]
    return found[-_DEEPEST:]


def _without_text(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An exception as its type and where it happened."""
    if event.pop("exc_info", None):
        kind, _, trace = sys.exc_info()
        event["reason"] = kind.__name__ if kind else None
        event["where"] = places(trace)
    return event


class JsonLines(logging.Formatter):
    """A library's line in the same shape: its sentence without what it was filled with, and where it was said."""

    def format(self, record: logging.LogRecord) -> str:
        """`{event, logger, message, reason?, where, level, timestamp}` on one line."""
        facts: dict[str, Any] = {"event": "library", "logger": record.name, "message": _sentence(record)}
        where = [f"{record.pathname}:{record.lineno}"]
        if record.exc_info and record.exc_info[0]:
            facts["reason"] = record.exc_info[0].__name__
            where = places(record.exc_info[2])
        at = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        return json.dumps({**facts, "where": where, "level": record.levelname.lower(), "timestamp": at})


def _sentence(record: logging.LogRecord) -> str:
    """Numbers and names of signals are shown; other words may be an address or a header that somebody sent."""
    said = str(record.msg)
    if not record.args:
        return _QUOTES.split(said)[0].rstrip()
    if not isinstance(record.args, tuple):
        return said
    try:
        return said % tuple(each if _harmless(each) else "…" for each in record.args)
    except (TypeError, ValueError):
        return said


def _harmless(value: object) -> bool:
    return isinstance(value, int | float) or (isinstance(value, str) and _SIGNAL.fullmatch(value) is not None)
