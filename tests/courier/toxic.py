"""A server in front of the sandbox that spoils some answers, byte by byte, and lets all others through."""

import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from threading import Event, Thread
from urllib.parse import urlsplit

# What is done to one connection: it gets the socket and may let the sandbox do what was asked.
Toxin = Callable[[socket.socket, Callable[[], bytes]], None]


@dataclass
class Toxic:
    """`toxins`: what becomes of the next calls, in order; `seen`: the lines of all requests."""

    target: str
    toxins: list[Toxin] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    context: ssl.SSLContext | None = None
    url: str = ""
    over: Event = field(default_factory=Event)

    def serve(self, listening: socket.socket) -> None:
        while not self.over.is_set():
            with suppress(TimeoutError):
                connection, _ = listening.accept()
                Thread(target=self._handle, args=(connection,), daemon=True).start()

    def _handle(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        with suppress(OSError), self._secured(connection) as connection:
            head, body = _request(connection)
            self.seen.append(head.split("\r\n", 1)[0])
            toxin = self.toxins.pop(0) if self.toxins else _let_through
            toxin(connection, lambda: self._forwarded(head, body))

    def _secured(self, connection: socket.socket) -> socket.socket:
        if self.context is None:
            return connection
        try:
            return self.context.wrap_socket(connection, server_side=True)
        except OSError:
            connection.close()
            raise

    def _forwarded(self, head: str, body: bytes) -> bytes:
        """What the sandbox answers, as bytes."""
        line, *headers = head.split("\r\n")
        method, path, _ = line.split(" ")
        sandbox = HTTPConnection(urlsplit(self.target).netloc, timeout=10)
        sandbox.request(method, path, body, dict(each.split(": ", 1) for each in headers if each))
        answer = sandbox.getresponse()
        said = answer.read()
        sandbox.close()
        return response(answer.status, said.decode())


def _request(connection: socket.socket) -> tuple[str, bytes]:
    received = b""
    while b"\r\n\r\n" not in received:
        if not (more := connection.recv(65_536)):
            raise ConnectionError("nothing was asked")
        received += more
    head, body = received.split(b"\r\n\r\n", 1)
    length = next((int(each[16:]) for each in head.split(b"\r\n") if each.lower().startswith(b"content-length: ")), 0)
    while len(body) < length:
        body += connection.recv(65_536)
    return head.decode(), body


def _let_through(connection: socket.socket, forwarded: Callable[[], bytes]) -> None:
    connection.sendall(forwarded())


def response(status: int, body: str = "", **headers: str) -> bytes:
    """An answer after which the connection is closed."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body.encode())}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def answer(status: int, body: str = "", *, applied: bool = False, **headers: str) -> Toxin:
    """This answer in place of Crisp's; `applied`: Crisp did what was asked."""

    def toxin(connection: socket.socket, forwarded: Callable[[], bytes]) -> None:
        if applied:
            forwarded()
        connection.sendall(response(status, body, **headers))

    return toxin


def raw(said: bytes, *, applied: bool = False, resets: bool = False, waits: Event | None = None) -> Toxin:
    """These bytes, and the end of the connection; or a reset; or nothing until the event."""

    def toxin(connection: socket.socket, forwarded: Callable[[], bytes]) -> None:
        if applied:
            forwarded()
        connection.sendall(said)
        if waits is not None:
            waits.wait(5)
        if resets:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return toxin


@contextmanager
def toxic(target: str, *toxins: Toxin, context: ssl.SSLContext | None = None) -> Iterator[Toxic]:
    """A toxic server in front of this sandbox."""
    made = Toxic(target, list(toxins), context=context)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        made.url = f"http{'s' if context else ''}://127.0.0.1:{listening.getsockname()[1]}/v1"
        thread = Thread(target=made.serve, args=(listening,))
        thread.start()
        try:
            yield made
        finally:
            made.over.set()
            thread.join()
