"""Subscribers that answer over real HTTP, each request in a thread of its own, and remember what they were told."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Told:
    """One request. `at`: seconds, by a clock that only grows."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float


@dataclass
class Receiver:
    """A subscriber. `answers`: path → status and headers, or what to do with the request; 200 for every other path."""

    url: str = ""
    told: list[Told] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)

    def of(self, path: str) -> list[Told]:
        """What was told at this path."""
        return [each for each in self.told if each.path == path]

    def answer(self, path: str, status: int, **headers: str) -> str:
        """From now on this path answers so; its address."""
        self.answers[path] = (status, {name.replace("_", "-"): value for name, value in headers.items()})
        return self.url + path

    def act(self, path: str, act: Callable[[BaseHTTPRequestHandler, threading.Event], None]) -> str:
        """From now on this path does so, until the event is set; its address."""
        self.answers[path] = act
        return self.url + path


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_: Any) -> None:
        """Who hangs up is no news."""


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.told.append(Told(self.path, dict(self.headers.items()), body, time.monotonic()))
            answer = receiver.answers.get(self.path, (200, {}))
            if callable(answer):
                answer(self, receiver.over)
                return
            status, headers = answer
            self.send_response(status)
            for name, value in {"Content-Length": "0", **headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """No line on stderr."""

    return Handler


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A subscriber on a free port."""
    receiver = Receiver()
    server = _Server(("127.0.0.1", 0), _handler(receiver))
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
