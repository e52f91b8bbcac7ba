"""HTTP to addresses that users name: judged first, connected to exactly as judged, within limits of time and size."""

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import IO
from urllib.parse import urljoin

import requests
from urllib3.exceptions import DecodeError, HTTPError, ReadTimeoutError, SSLError
from werkzeug.http import parse_options_header

from connector.body import size
from connector.hooks.addresses import Opened, Place, Refused, judge, opened, place
from connector.hooks.alarm import Alarm
from connector.hooks.pinned import Terms, sent
from connector.saying import say
from connector.version import __version__

__all__ = ["Answer", "Egress", "Failed", "Fetched", "Refused", "Terms", "TooLarge", "addresses_of"]

_CHUNK = 65_536
_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 5
_LONGEST_NAME = 255
# No compression: a size is then what it says, and a bomb has to be sent in full.
_HEADERS = {"User-Agent": f"crisp-connector/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity"}

# What can go wrong between here and there; the first that fits. Without one, the connection broke off.
_WORDS: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    (
        (requests.exceptions.SSLError, SSLError),
        say("it has no certificate that is valid for its host and trusted here"),
    ),
    ((requests.ConnectTimeout,), say("it cannot be connected to in time")),
    ((requests.ReadTimeout, ReadTimeoutError), say("it fell silent for too long")),
    ((DecodeError,), say("what it sends cannot be decompressed")),
    ((requests.exceptions.InvalidHeader,), say("the request cannot be written as HTTP")),
)


class Failed(Exception):
    """Something that was tried and did not work. `reason` holds nothing of the address but perhaps its host."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TooLarge(Failed):
    """What came was larger than it may be."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was fetched. `content_type`: without parameters, lower case, "" when not told; `size`: bytes written;
    `name`: of the file, as the other side calls it, without directories."""

    content_type: str
    size: int
    name: str | None
    final_url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `headers`: as they are, their names in lower case; `body`: its beginning, inflated."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def retry_after(self) -> str | None:
        """That header as it is."""
        return self.headers.get("retry-after")


def addresses_of(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, as the system knows them; none when it knows no such name."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True)
class Egress:
    """The way out to addresses that users name.

    `allow`: what an operator opened although it is private: `host:port`, `host`, an address or a network each; another
    thing raises ValueError. `resolve`: the addresses of a name. `allow_http`: also without TLS.
    """

    allow: frozenset[str] = frozenset()
    resolve: Callable[[str, int], Sequence[str]] = addresses_of
    allow_http: bool = False
    terms: Terms = field(default_factory=Terms)

    def __post_init__(self) -> None:
        _ = self._opened  # Nonsense is told at once.

    @cached_property
    def _opened(self) -> Opened:
        return opened(self.allow)

    def check(self, url: str) -> None:
        """Raises what a request there would raise before it connects: `Refused`, or `Failed` for an unknown host."""
        self._judged(place(url))

    def fetch(self, url: str, into: IO[bytes], *, most: int, seconds: float) -> Fetched:
        """Gets a file and writes it, inflated, to `into`, where a part of it may stay when something fails.

        At most `most` bytes and `seconds`, and 5 redirects, each judged like the first address. Raises `Refused`,
        `Failed`, `TooLarge`, and what `into` raises. The system's look-up of a name has its own time limit.
        """
        there = place(url)
        with Alarm(seconds) as alarm:
            for _ in range(_MOST_REDIRECTS + 1):
                with self._exchange("GET", there, alarm) as response:
                    onward = response.headers.get("Location")
                    if response.status_code not in _REDIRECTS or onward is None:
                        return _fetched(response, there, _written(response, into, alarm, most))
                    there = _next(there, onward)
        raise Failed(say("it redirects more than {count} times", count=_MOST_REDIRECTS))

    def post(self, url: str, body: bytes, headers: Mapping[str, str], *, seconds: float, most: int) -> Answer:
        """Posts the body, as `ask` does."""
        return self.ask("POST", url, body, headers, seconds=seconds, most=most)

    def ask(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], *, seconds: float, most: int
    ) -> Answer:
        """One request; a redirect is an answer like any other. Raises `Refused` or `Failed`.

        Once the status is known it counts, even if the answer's body is cut off: at `most` bytes, or by its sender.
        """
        with Alarm(seconds) as alarm, self._exchange(method, place(url), alarm, body, headers) as response:
            told = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status_code, told, _beginning(response, alarm, most))

    @contextmanager
    def _exchange(
        self,
        method: str,
        there: Place,
        alarm: Alarm,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[requests.Response]:
        addresses = self._judged(there)
        asked = {**(headers or {}), **_HEADERS, "Host": there.authority}
        with ExitStack() as until_read:
            with _in_words(alarm):
                request = requests.Request(method, there.url, headers=asked, data=body).prepare()
                response = until_read.enter_context(sent(request, there, addresses, alarm, self.terms))
            yield response

    def _judged(self, there: Place) -> Sequence[str]:
        """The addresses of the place, looked up this once. Raises `Refused` when one of them must not be contacted."""
        addresses = [there.host] if there.is_address else self.resolve(there.host, there.port)
        judge(there, addresses, self._opened, allow_http=self.allow_http)
        if not addresses:
            raise Failed(say("its host is not known"))
        return addresses


@contextmanager
def _in_words(alarm: Alarm) -> Iterator[None]:
    """What the network does, as `Failed`; not the exception itself, which quotes the whole address."""
    try:
        yield
    except (OSError, HTTPError) as problem:  # every exception of requests is an OSError
        if alarm.left:
            raise Failed(_words(problem, alarm)) from None
    if not alarm.left:
        whole = f"{alarm.seconds:g}"
        raise Failed(say("it takes longer than {seconds} seconds", seconds=whole))


def _words(problem: Exception, alarm: Alarm) -> str:
    for kinds, words in _WORDS:
        if isinstance(problem, kinds):
            return words
    return say("the connection broke off") if alarm.connected else say("it cannot be connected to")


def _next(there: Place, location: str) -> Place:
    """Where a redirect leads. Raises `Refused`."""
    try:
        onward = urljoin(there.url, _utf8(location))
    except ValueError:
        raise Refused(say("it redirects to something that is not a valid address")) from None
    found = place(onward)
    if (there.scheme, found.scheme) == ("https", "http"):
        raise Refused(say("it redirects from https to http"))
    return found


def _pieces(response: requests.Response, alarm: Alarm) -> Iterator[bytes]:
    """The body, inflated, piece by piece as it comes: a full piece is not waited for."""
    while True:
        with _in_words(alarm):
            piece = response.raw.read1(_CHUNK, decode_content=True)
        if not piece:
            return
        yield piece


def _written(response: requests.Response, into: IO[bytes], alarm: Alarm, most: int) -> int:
    """Writes the body; how many bytes it has."""
    if response.status_code not in range(200, 300):
        raise Failed(say("it answers {status}", status=response.status_code))
    total = 0
    _limit(response.raw.length_remaining or 0, most)
    for piece in _pieces(response, alarm):
        total += len(piece)
        _limit(total, most)
        into.write(piece)
    return total


def _limit(total: int, most: int) -> None:
    if total > most:
        raise TooLarge(say("it is larger than {limit}", limit=size(most)))


def _beginning(response: requests.Response, alarm: Alarm, most: int) -> bytes:
    body = bytearray()
    with suppress(Failed):
        for piece in _pieces(response, alarm):
            body += piece
            if len(body) >= most:
                break
    return bytes(body[:most])


def _fetched(response: requests.Response, there: Place, total: int) -> Fetched:
    kind, _, _ = response.headers.get("Content-Type", "").partition(";")
    return Fetched(kind.strip().lower(), total, _name(response.headers.get("Content-Disposition")), there.url)


def _name(disposition: str | None) -> str | None:
    """The last part of the name, without what cannot be shown."""
    _, options = parse_options_header(_utf8(disposition or ""))
    last = options.get("filename", "").replace("\\", "/").rpartition("/")[2]
    return "".join(each for each in last if each.isprintable()).strip()[:_LONGEST_NAME] or None


def _utf8(header: str) -> str:
    """A header that was taken for Latin-1, as HTTP once had it, is UTF-8 if it can be."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header
