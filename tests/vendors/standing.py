"""A stand-in: one vendor's API over HTTP with so many contacts, which answers once with each fault that it is given."""

import importlib
import json
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connector.vendors import registry

# A contact was changed so many milliseconds after this for each that came before it.
BEGAN, STEP = 1_780_000_000_000, 60_000
VENDORS: tuple[str, ...] = (
    "dynamics",
    "google_sheets",
    "hubspot",
    "notion",
    "pipedrive",
    "prestashop",
    "salesforce",
    "shopify",
)
VENDORS += ("woocommerce", "zoho")


@dataclass(frozen=True)
class Person:
    """A contact over there; `number` from 1."""

    number: int

    @property
    def email(self) -> str:
        return f"p{self.number}@example.com"

    @property
    def first_name(self) -> str:
        return f"Person {self.number}"

    @property
    def changed(self) -> int:
        """UNIX milliseconds."""
        return BEGAN + self.number * STEP

    @property
    def at(self) -> str:
        return datetime.fromtimestamp(self.changed / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(written: str) -> int:
    """UNIX milliseconds of a time in ISO 8601."""
    return int(datetime.fromisoformat(written).timestamp() * 1000)


def answered(value: Any, status: int = 200, **headers: str) -> Response:
    """JSON."""
    told = {name.replace("_", "-"): text for name, text in headers.items()}
    return Response(json.dumps(value), status=status, headers=told, content_type="application/json")


def window(people: Sequence[Person], first: Any, size: Any) -> tuple[list[Person], str | None]:
    """So many people from this place on, and the place after them."""
    start, count = int(first or 0), int(size)
    return list(people[start : start + count]), str(start + count) if start + count < len(people) else None


@dataclass
class StandIn:
    """The API of one vendor. `asked`: method, path and query of each request; `faults`: answered first, once each."""

    server: HTTPServer
    vendor: ModuleType
    people: list[Person]
    faults: list[Response] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    # After so many requests one is not answered before `released`; `held` are those that were kept waiting.
    holds_after: int | None = None
    held: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    def answer(self, request: Request) -> Response:
        """What the vendor answers. Tokens are given whatever happens: faults are of the API."""
        if "token" in request.path:
            return self.vendor.login(request)  # type: ignore[no-any-return]
        self.asked.append(f"{request.method} {request.full_path}")
        if self.faults:
            return self.faults.pop(0)
        if self.holds_after is not None and len(self.asked) > self.holds_after and not self.released.is_set():
            self.held += 1
            self.released.wait(30)
        found: Response = self.vendor.answer(request, self.people)
        return found

    @property
    def settings(self) -> dict[str, str]:
        """The setting that has it asked instead of the vendor."""
        return {"source_urls": f"{self.vendor.KEY}={self.server.url_for('')}"}

    @property
    def address(self) -> dict[str, Any]:
        """How an inbound address for it is made; two contacts are on a page."""
        return {"credential": self.vendor.CREDENTIAL, "pull": {**getattr(self.vendor, "PULL", {}), "page_size": 2}}


def asked_here(systems: Mapping[str, StandIn]) -> dict[str, Any]:
    """The settings that have them all asked instead of the vendors."""
    return {"source_urls": ",".join(each.settings["source_urls"] for each in systems.values())}


@contextmanager
def hurried() -> Iterator[None]:
    """Nobody minds how often they are asked: that the pace is kept is shown elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        for vendor in registry().values():
            patch.setattr(vendor, "GAP", 1)
        yield


@contextmanager
def all_standing(names: Iterable[str], count: int) -> Iterator[dict[str, StandIn]]:
    """Each of these vendors, with so many contacts."""
    with ExitStack() as kept:
        yield {name: kept.enter_context(standing(name, count)) for name in names}


@contextmanager
def standing(name: str, count: int) -> Iterator[StandIn]:
    """A vendor that has so many contacts, on a port of its own."""
    vendor = importlib.import_module(f"tests.vendors.{name}")
    with HTTPServer(port=0, threaded=True) as server:
        found = StandIn(server, vendor, [Person(number) for number in range(1, count + 1)])
        server.expect_request(re.compile("/.*")).respond_with_handler(found.answer)
        yield found
