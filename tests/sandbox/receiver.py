"""A receiver of hooks, on a real local server."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response


@dataclass(frozen=True)
class Hook:
    """One post: its body as it came, and its headers."""

    path: str
    text: str
    headers: dict[str, str]

    @property
    def body(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.text)
        return content

    @property
    def event(self) -> str:
        name: str = self.body["event"]
        return name


class Receiver:
    """Keeps what it is posted; answers 200 unless `answers` holds other statuses to give first."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("/crisp")
        self.hooks: list[Hook] = []
        self.answers: list[int] = []
        self.go_on = threading.Event()
        self.go_on.set()
        server.expect_request("/crisp").respond_with_handler(self._receive)

    def _receive(self, request: Request) -> Response:
        self.hooks.append(Hook(request.full_path.rstrip("?"), request.get_data(as_text=True), dict(request.headers)))
        self.go_on.wait(10)
        return Response(status=self.answers.pop(0) if self.answers else 200)

    def wait_for(self, count: int) -> list[Hook]:
        """The hooks once there are so many."""
        until(lambda: len(self.hooks) >= count)
        return list(self.hooks)

    def told(self, count: int) -> list[tuple[str, dict[str, Any]]]:
        """`(event, data)` of each hook once there are so many."""
        return [(hook.event, hook.body["data"]) for hook in self.wait_for(count)]


def until(holds: Callable[[], object], seconds: float = 5) -> None:
    """Wait until it holds, and fail when it never does."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.01)
