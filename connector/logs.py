"""Logs: JSON lines on stderr. Errors are told by type and place: their text may hold a person's data."""

import logging
import sys
from collections.abc import MutableMapping
from traceback import walk_tb
from types import TracebackType
from typing import Any

import structlog

_DEEPEST = 8


def configure(level: str) -> None:
    """Everything from this level on; libraries' own chatter only from warnings on."""
    number: int = getattr(logging, level.upper())
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    # Its warnings show whole addresses, and an address of Crisp's may name a person.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    shape: list[Any] = [
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
