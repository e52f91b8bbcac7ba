"""Notion's API, as far as it is read: one page, and the pages of a database (Notion API reference)."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from connector.errors import Problem
from connector.version import __version__

SOURCE = "Notion"
# Databases are queried as before 2025-09-03, data sources as since then; pages are the same in both.
_VERSIONS: Mapping[str, str] = {"databases": "2022-06-28", "data_sources": "2025-09-03", "pages": "2025-09-03"}
# Seconds: to connect, between two pieces of an answer, and for all of it.
_TIMES, _SECONDS = (5.0, 10.0), 30.0
_LARGEST, _CHUNK = 20_000_000, 65_536
_PER_PAGE, _TRIES = 100, 3
# Seconds of a pause, when Notion does not say how long, and the longest that is believed.
_PAUSE, _LONGEST_PAUSE = 1, 3_600


@dataclass(frozen=True)
class Notion:
    """Notion as an integration sees it. `take_turn` is called before each request, and may wait or raise; `busy` hears
    of a pause that Notion asks for (seconds).

    Raises `source_missing`, `source_credential_refused`, `source_refused`, `source_busy`, `source_unreachable`.
    """

    base_url: str
    token: str = field(repr=False)
    take_turn: Callable[[], None]
    busy: Callable[[int], None]

    def page(self, page_id: str) -> dict[str, Any]:
        """A page with its properties."""
        return self._ask("GET", "pages", f"pages/{page_id}")

    def pages(self, kind: str, its_id: str) -> Iterator[list[Any]]:
        """The pages of a database (`kind` databases) or data source (data_sources), a hundred at a time."""
        body: dict[str, Any] = {"page_size": _PER_PAGE}
        while True:
            answer = self._patiently("POST", kind, f"{kind}/{its_id}/query", body)
            results = answer.get("results")
            yield results if isinstance(results, list) else []
            if answer.get("has_more") is not True or not answer.get("next_cursor"):
                return
            body["start_cursor"] = answer["next_cursor"]

    def _patiently(self, method: str, kind: str, path: str, body: Any) -> dict[str, Any]:
        """Of many requests one may well meet a pause: it is made again after it."""
        for _ in range(_TRIES - 1):
            try:
                return self._ask(method, kind, path, body)
            except Problem as problem:
                if problem.status < 500:
                    raise
        return self._ask(method, kind, path, body)

    def _ask(self, method: str, kind: str, path: str, body: Any = None) -> dict[str, Any]:
        self.take_turn()
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Notion-Version": _VERSIONS[kind],
            "User-Agent": f"crisp-connector/{__version__}",
        }
        try:
            with requests.Session() as session:
                session.trust_env = False  # neither a proxy nor a .netrc is meant for this token
                with session.request(
                    method,
                    f"{self.base_url.rstrip('/')}/{path}",
                    json=body,
                    headers=headers,
                    timeout=_TIMES,
                    allow_redirects=False,
                    stream=True,
                ) as response:
                    self._judge(response)
                    return _object(response)
        except requests.RequestException:
            raise Problem("source_unreachable", source=SOURCE) from None

    def _judge(self, response: requests.Response) -> None:
        status = response.status_code
        if status == 429:
            seconds = _seconds(response.headers.get("Retry-After"))
            self.busy(seconds)
            raise Problem("source_busy", source=SOURCE, retry_after=seconds)
        if status >= 500 or status == 409:  # 409: Notion asks for another try (reference, status codes)
            raise Problem("source_unreachable", source=SOURCE)
        if status in (401, 403):
            raise Problem("source_credential_refused", source=SOURCE)
        if status == 404:
            raise Problem("source_missing", source=SOURCE)
        if status != 200:
            raise Problem("source_refused", source=SOURCE, status=status)


def _seconds(header: str | None) -> int:
    """A `Retry-After` in whole seconds, as Notion writes it (reference, request limits)."""
    said = (header or "").strip()
    return min(max(int(said), _PAUSE), _LONGEST_PAUSE) if said.isdecimal() and len(said) < 10 else _PAUSE


def _object(response: requests.Response) -> dict[str, Any]:
    """The answer's body, within limits of size and time."""
    until, body = time.monotonic() + _SECONDS, b""
    for chunk in response.iter_content(_CHUNK):
        body += chunk
        if len(body) > _LARGEST or time.monotonic() > until:
            raise Problem("source_unreachable", source=SOURCE)
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Problem("source_unreachable", source=SOURCE)
    return value
