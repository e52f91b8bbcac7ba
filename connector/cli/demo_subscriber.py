"""Who is told in the demo: a tiny subscriber, and a stand-in for a Google Sheet, both on loopback."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseServer
from typing import Any

import requests
from werkzeug.serving import WSGIRequestHandler, make_server

from connector.hooks import sign
from connector.sandbox.sheets import create_sheets

_LOOPBACK = "127.0.0.1"
_LARGEST = 1_000_000


@dataclass
class Subscriber:
    """Keeps the events that it is told. `secrets`: those of its subscriptions; what none of them signed is not looked
    at, only counted (`unsigned`)."""

    url: str = ""
    secrets: list[str] = field(default_factory=list)
    told: list[Mapping[str, Any]] = field(default_factory=list)
    unsigned: int = 0

    def take(self, headers: Mapping[str, str], body: bytes) -> int:
        """The status of the answer."""
        if not any(_is_signed(secret, headers, body) for secret in self.secrets):
            self.unsigned += 1
            return 401
        self.told.append(json.loads(body))
        return 204

    def knows(self, event: str, email: str) -> bool:
        """Whether it was told of this about this person."""
        return any((each["event"], each["contact"].get("email")) == (event, email) for each in self.told)


@dataclass(frozen=True, slots=True)
class Listeners:
    """The subscriber, and where the sheet is; both listen."""

    subscriber: Subscriber
    sheet_url: str

    @property
    def settings(self) -> dict[str, str]:
        """What a service needs to be told to reach them: loopback is otherwise nowhere."""
        allowed = self.subscriber.url.split("/")[2]
        return {"CONNECTOR_EGRESS_ALLOW": allowed, "CONNECTOR_GOOGLE_API_URL": self.sheet_url}

    @property
    def cells_url(self) -> str:
        """Where the sheet can be looked at."""
        return f"{self.sheet_url}/_sheets/values"

    def rows(self) -> list[list[Any]]:
        """The rows of the sheet."""
        titles: dict[str, list[list[Any]]] = requests.get(self.cells_url, timeout=10).json()
        return next(iter(titles.values()))


@contextmanager
def listening() -> Iterator[Listeners]:
    """Both of them on free ports, until the demo ends."""
    subscriber = Subscriber()
    hooks = ThreadingHTTPServer((_LOOPBACK, 0), _handler(subscriber))
    subscriber.url = f"http://{_LOOPBACK}:{hooks.server_port}/hook"
    sheet = make_server(_LOOPBACK, 0, create_sheets(), threaded=True, request_handler=_Quiet)
    with _serving(hooks), _serving(sheet):
        yield Listeners(subscriber, f"http://{_LOOPBACK}:{sheet.server_port}")


@contextmanager
def _serving(server: BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(subscriber: Subscriber) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), _LARGEST))
            self.send_response(subscriber.take(dict(self.headers), body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """The demo says what came."""

    return Handler


class _Quiet(WSGIRequestHandler):
    def log_request(self, *_: Any, **__: Any) -> None:
        """The demo says what came."""


def _is_signed(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    try:
        sign.verify(secret, headers, body, int(time.time()))
    except sign.Unsigned:
        return False
    return True
