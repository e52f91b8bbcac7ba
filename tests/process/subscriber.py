"""A subscriber on a real port, who checks every signature with the reference library; and what people at Crisp do."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests
from standardwebhooks import Webhook, WebhookVerificationError

from tests.process.running import Crisp, Service

SECRET, KEY = "the-hook-secret", "the-hook-key"
# Crisp's hooks are known, every one is told, and subscribers may be on this machine.
HOOKED = {
    "CRISP_HOOK_SECRET": SECRET,
    "CRISP_HOOK_KEY": KEY,
    "CONNECTOR_EVENT_WINDOW": "0",
    "CONNECTOR_EGRESS_ALLOW": "127.0.0.1",
}
Event = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """One delivery: its id, the event, and with which of the subscriber's secrets it was signed (by their places)."""

    id: str
    event: Event
    signed_with: tuple[int, ...]


@dataclass
class Subscriber:
    """`secrets`: those that were ever given, the newest last. What is signed with none of the `overlap` newest gets 401
    and is kept in `forged`. `acts`: is given each event, before it is answered."""

    url: str
    secrets: list[str] = field(default_factory=list)
    overlap: int = 2
    told: list[Told] = field(default_factory=list)
    forged: list[bytes] = field(default_factory=list)
    acts: Callable[[Event], object] = lambda _event: None

    def subscribe(self, service: Service, *events: str, **more: Any) -> list[str]:
        """The ids of the subscriptions, one for each event."""
        ids = []
        for event in events:
            answer = service.post("/v1/subscriptions", json={"event": event, "target_url": self.url, **more})
            assert answer.status_code == 201, answer.text
            self.secrets.append(answer.json()["secret"])
            ids.append(str(answer.json()["id"]))
        self.overlap = max(self.overlap, len(events))
        return ids

    def take(self, body: bytes, headers: Mapping[str, str]) -> int:
        """The status of the answer."""
        known = list(enumerate(self.secrets))
        read = {place: event for place, secret in known if (event := _verified(secret, body, headers)) is not None}
        if not any(place >= len(known) - self.overlap for place in read):
            self.forged.append(body)
            return 401
        event = next(iter(read.values()))
        self.told.append(Told(headers["webhook-id"], event, tuple(read)))
        self.acts(event)
        return 204


def _verified(secret: str, body: bytes, headers: Mapping[str, str]) -> Event | None:
    try:
        event: Event = Webhook(secret).verify(body, dict(headers))
        return event
    except WebhookVerificationError:
        return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_: Any) -> None:
        """Who hangs up is no news."""


def _handler(subscriber: Subscriber) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:  # who sends it was killed meanwhile
                self.close_connection = True
                return
            self.send_response(subscriber.take(body, {name.lower(): value for name, value in self.headers.items()}))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """No line on stderr."""

    return Handler


@contextmanager
def subscribing() -> Iterator[Subscriber]:
    """A subscriber who listens until the test ends."""
    subscriber = Subscriber("")
    server = _Server(("127.0.0.1", 0), _handler(subscriber))
    subscriber.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield subscriber
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def in_crisp(crisp: Crisp, method: str, path: str, **body: Any) -> None:
    """Somebody at Crisp does this."""
    said = crisp.running.said
    url, headers = f"{said['url']}/v1/website/{said['website_id']}/{path}", {"X-Crisp-Tier": said["tier"]}
    answer = requests.request(
        method, url, json=body, headers=headers, auth=(said["identifier"], said["key"]), timeout=20
    )
    assert answer.ok, answer.text
