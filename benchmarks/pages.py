"""The pages, each against what it asks of `/v1`: the same requests, made with an API key over the same connection."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests

from benchmarks.databases import SQLITE, opened
from benchmarks.report import Figure
from benchmarks.servers import KEY, sandbox, service
from connector.samples import sample

_TIMES = 60
_HUBSPOT = Path(__file__).resolve().parents[1] / "manifests" / "samples" / "csv" / "hubspot.csv"
_FEW, _MANY = 100, 100_000
Ask = Callable[[], requests.Response]


def measure(on: Sequence[str] = (SQLITE,)) -> Iterator[Figure]:
    """Each page against its calls; Try after a key stroke; Activity with many outcomes against with few."""
    for name in on:
        with ExitStack() as stack:
            crisp, folder = stack.enter_context(sandbox()), Path(stack.enter_context(TemporaryDirectory()))
            database = stack.enter_context(opened(name))()
            url = stack.enter_context(service(crisp, folder, database=database))
            yield from _Visitor(url, name).figures()


class _Visitor:
    """Somebody who is signed in, and a program with a key."""

    def __init__(self, url: str, name: str) -> None:
        self._url, self._name = url, name
        self._page, self._key = requests.Session(), requests.Session()
        self._key.headers["X-API-Key"] = KEY
        self._sign_in()
        self._fill()

    def figures(self) -> Iterator[Figure]:
        """All of them."""
        for what, (page, calls) in self._pages().items():
            yield self._figure(f"page {what}, of its calls to /v1", _ratio(page, calls), "×", 1.5)
        yield self._figure(
            "Try after a key stroke, p95", sorted(_timed(self._try()) for _ in range(200))[190], "ms", 100
        )
        yield from self._many()

    def _many(self) -> Iterator[Figure]:
        """The same page when there is much more to show."""
        seen = [self._get("/activity"), self._get("/activity/kinds"), self._get("/activity/numbers?period=month")]
        few = [_median(each) for each in seen]
        self._import(_MANY)
        for what, before, each in zip(("", ", lists of work", ", charts of 30 days"), few, seen, strict=True):
            title = f"Activity{what}: {_MANY:,} outcomes, of {_FEW}"
            yield self._figure(title, _median(each) / before, "×", 2)

    def _pages(self) -> dict[str, tuple[Ask, list[Ask]]]:
        """Page → how it is asked for, and what stands behind it."""
        who = "p1@example.com"
        return {
            "Connect": (self._get("/"), self._calls("me", "keys", "connections", "inbound?limit=100")),
            "Try": (self._try(), [self._post("/v1/preview", data=_PAYLOAD)]),
            "Import": (self._form("/import/preview", files=_file), [self._post("/v1/imports/preview", files=_file)]),
            "Activity": (self._get("/activity"), self._calls("outcomes?limit=50")),
            "Triggers": (self._get("/triggers"), self._calls(*_BEHIND_TRIGGERS)),
            "Contacts": (
                self._get(f"/contacts?who={who}"),
                self._calls(f"contacts/{who}", f"outcomes?email={who}&limit=20"),
            ),
        }

    def _calls(self, *paths: str) -> list[Ask]:
        return [self._post(f"/v1/{path}", method="GET") for path in paths]

    def _try(self) -> Ask:
        return self._form("/try", data={"payload": _PAYLOAD})

    def _get(self, path: str) -> Ask:
        return lambda: self._page.get(f"{self._url}{path}", timeout=60)

    def _form(self, path: str, **sent: Any) -> Ask:
        headers = {"HX-Request": "true", "X-CSRFToken": self._token}
        return lambda: self._page.post(f"{self._url}{path}", headers=headers, timeout=60, **_made(sent))

    def _post(self, path: str, method: str = "POST", **sent: Any) -> Ask:
        headers = {"Content-Type": "application/json"} if "data" in sent else {}
        return lambda: self._key.request(method, f"{self._url}{path}", headers=headers, timeout=60, **_made(sent))

    def _sign_in(self) -> None:
        found = self._page.get(f"{self._url}/sign-in", timeout=60)
        self._token = _token(found.text)
        sent = {"key": KEY, "csrf_token": self._token}
        self._token = _token(self._page.post(f"{self._url}/sign-in", data=sent, timeout=60).text)

    def _fill(self) -> None:
        """A little on every page."""
        for source in ("notion", "dynamics", "woocommerce"):
            self._key.post(f"{self._url}/v1/inbound", json={"source": source}, timeout=60).raise_for_status()
        for number in range(5):
            sent = {"event": "contact_created", "target_url": f"https://8.8.8.8/{number}"}
            self._key.post(f"{self._url}/v1/subscriptions", json=sent, timeout=60).raise_for_status()
        self._key.post(f"{self._url}/v1/contacts", json={"email": "p1@example.com"}, timeout=60).raise_for_status()
        self._import(_FEW)

    def _import(self, count: int) -> None:
        """So many rows, each with an outcome of its own; all but one are rejected, so that no call is waited for."""
        rows = ["p2@example.com", *(f"nobody {number}" for number in range(count - 1))]
        content = "Email,Name\n" + "".join(f"{each},Ada\n" for each in rows)
        sent = {"file": ("people.csv", content.encode())}
        made = self._key.post(f"{self._url}/v1/imports", files=sent, timeout=600)
        assert made.status_code == 202, made.text
        while self._key.get(f"{self._url}/v1/imports/{made.json()['import_id']}", timeout=60).json()["totals"][
            "waiting"
        ]:
            time.sleep(0.1)

    def _figure(self, what: str, value: float, unit: str, most: float) -> Figure:
        return Figure(what, value, unit, most, "less", on=self._name)


_PAYLOAD = sample("notion", "automation_webhook").body.decode()
_BEHIND_TRIGGERS = ("subscriptions", "deliveries?limit=20", "events/contact_created?limit=20", "sinks")


def _file() -> dict[str, tuple[str, bytes]]:
    return {"file": ("hubspot.csv", _HUBSPOT.read_bytes())}


def _made(sent: dict[str, Any]) -> dict[str, Any]:
    return {name: value() if callable(value) else value for name, value in sent.items()}


def _token(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def _ratio(page: Ask, calls: list[Ask]) -> float:
    """In turns, so that what else the machine does meets both."""
    rounds = [(_timed(page), sum(_timed(each) for each in calls)) for _ in range(_TIMES)]
    return sorted(mine / theirs for mine, theirs in rounds)[_TIMES // 2]


def _median(ask: Ask) -> float:
    return sorted(_timed(ask) for _ in range(_TIMES))[_TIMES // 2]


def _timed(ask: Ask) -> float:
    """In milliseconds."""
    began = time.perf_counter()
    answer = ask()
    took = (time.perf_counter() - began) * 1000
    assert answer.status_code == 200, (answer.url, answer.status_code, answer.text[:300])
    return took
