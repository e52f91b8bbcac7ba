"""Hooks: each event posted to an address, signed and tried again (plugin hooks) or neither (website hooks)."""

import hashlib
import hmac
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import requests
import urllib3

from .events import EVERYTHING, FOR_WEBSITE_HOOKS, Notice
from .javascript import stringify
from .options import Options
from .outbox import Outbox
from .store import Clock

# The sandbox's own choice: Crisp documents none.
SECONDS_FOR_AN_ANSWER = 5


@dataclass(frozen=True)
class Kind:
    """What tells the two kinds of hooks apart: which events, and from which switches come the address, the secret that
    signs, and how often an event is tried."""

    origin: str
    events: frozenset[str]
    url: Callable[[Options], str | None]
    secret: Callable[[Options], str | None]
    limit: Callable[[Options], int]


PLUGIN = Kind(
    "plugin/rtm sandbox",
    EVERYTHING,
    url=lambda options: options.hook_url,
    secret=lambda options: options.hook_secret,
    limit=lambda options: 1 + options.hook_retries,
)
# Crisp's website hooks guide: not signed (the secret is in the address), not tried again.
WEBSITE = Kind(
    "website/rtm sandbox",
    FOR_WEBSITE_HOOKS,
    url=lambda options: options.website_hook_url,
    secret=lambda _options: None,
    limit=lambda _options: 1,
)


class Counts:
    """`sent` attempts, events `answered` with 2xx, and events that `failed` in every attempt."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counter: Counter[str] = Counter()

    def add(self, name: str) -> None:
        with self._lock:
            self._counter[name] += 1

    def clear(self) -> None:
        with self._lock:
            self._counter.clear()

    def all(self) -> dict[str, int]:
        with self._lock:
            return {name: self._counter[name] for name in ("sent", "answered", "failed")}


class Hooks:
    """The hooks of one kind. The switches are read anew for each attempt: they act on what waits, too."""

    def __init__(self, options: Callable[[], Options], kind: Kind, clock: Clock, counts: Counts) -> None:
        self._options = options
        self._kind = kind
        self._clock = clock
        self._counts = counts
        self._outbox: Outbox[Notice] = Outbox(self._deliver)
        self._session = requests.Session()
        self._session.trust_env = False

    @property
    def waiting(self) -> int:
        return self._outbox.waiting

    def wants(self, event: str) -> bool:
        return self._kind.url(self._options()) is not None and event in self._kind.events

    def put(self, notice: Notice) -> None:
        self._outbox.put(notice)

    def clear(self) -> None:
        self._outbox.clear()

    def _deliver(self, notice: Notice) -> None:
        """Try until one attempt is answered with 2xx, or the limit is reached."""
        text = stringify(notice.body)
        for attempt in count(1):
            options = self._options()
            if self._post(options, text, attempt):
                self._counts.add("answered")
                return
            if attempt >= self._kind.limit(options):
                self._counts.add("failed")
                return
            time.sleep(options.hook_pause_ms / 1000)

    def _post(self, options: Options, text: str, attempt: int) -> bool:
        """One attempt; whether it was answered with 2xx. A redirect is not followed."""
        url = self._kind.url(options)
        if url is None:  # Switched off meanwhile.
            return False
        self._counts.add("sent")
        headers = self._headers(options, text, attempt)
        try:
            answer = self._session.post(
                url, text.encode(), headers=headers, timeout=SECONDS_FOR_AN_ANSWER, allow_redirects=False
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError):  # The latter for a host that is no name.
            return False
        return 200 <= answer.status_code < 300

    def _headers(self, options: Options, text: str, attempt: int) -> dict[str, str]:
        """Crisp's web hooks reference. The timestamp is that of the attempt, as its name says."""
        timestamp, secret = str(int(self._clock() * 1000)), self._kind.secret(options)
        signed = {} if secret is None else {"X-Crisp-Signature": signature(secret, timestamp, text)}
        return {
            "Content-Type": "application/json",
            # What is kept open may be closed at the other end, and such a failure would not be theirs.
            "Connection": "close",
            "X-Crisp-Hook-Origin": self._kind.origin,
            "X-Crisp-Request-Timestamp": timestamp,
            "X-Delivery-Attempt-Limit": str(self._kind.limit(options)),
            "X-Delivery-Attempt-Count": str(attempt),
            **signed,
        }


def signature(secret: str, timestamp: str, text: str) -> str:
    """Hex HMAC-SHA256 of `[timestamp;body]`, as the official Node client's `verifyHook` computes it."""
    return hmac.new(secret.encode(), f"[{timestamp};{text}]".encode(), hashlib.sha256).hexdigest()
