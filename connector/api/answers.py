"""Answers: JSON, pages of bare lists, and the outcome of one record."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Response, jsonify, request
from structlog.contextvars import bind_contextvars

from connector import outcomes
from connector.api.access import connection_id, services
from connector.errors import Problem
from connector.follow import Followed, follow

Row = TypeVar("Row")


def answer(body: Any, status: int = 200) -> Response:
    """JSON with a status."""
    response = jsonify(body)
    response.status_code = status
    return response


def page(rows: Sequence[Any], cursor: str | None) -> Response:
    """A bare list; where it goes on, the next page's address in the Link header."""
    response = answer(list(rows))
    if cursor is not None:
        query = urlencode({**request.args.to_dict(), "cursor": cursor})
        response.headers["Link"] = f'<{base_url()}{request.path}?{query}>; rel="next"'
    return response


def paged(
    rows: Sequence[Row], limit: int, show: Callable[[Row], Any], cursor: Callable[[Row], str] = attrgetter("id")
) -> Response:
    """A page of what was looked up: one more row than `limit` tells that it goes on, from the `cursor` of the last that
    is shown."""
    shown = rows[:limit]
    return page([show(row) for row in shown], cursor(shown[-1]) if len(rows) > limit else None)


def base_url() -> str:
    """How the outside reaches this service, without a slash at the end."""
    return (services().settings.public_url or request.host_url).rstrip("/")


def outcome_of(record_id: str | None, wait: float) -> Response:
    """What became of the record that was just accepted: 200, 202 while it waits, or the problem that ended it."""
    if record_id is None:
        return answer({"records": 0})
    bind_contextvars(outcome=record_id)
    followed = follow(services(), connection_id(), record_id, wait)
    if followed is None:
        raise Problem("outcome_missing")
    row = followed.row
    if row.status in ("rejected", "dead"):
        raise outcomes.problem_of(row, services().manifest.fields)
    shown = outcomes.as_json(row, reason=followed.reason, retry_at=followed.retry_at)
    if row.status != "waiting":
        return answer(shown)
    return _waiting(shown, followed)


def _waiting(shown: dict[str, Any], followed: Followed) -> Response:
    response = answer(shown, 202)
    if followed.retry_at is not None:
        seconds = (followed.retry_at - services().courier.clock()) // 1000
        response.headers["Retry-After"] = str(max(1, seconds))
    return response
