"""A server that says exactly what a test says, byte by byte: what a well-behaved one never would."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

Talk = Callable[[socket.socket, Event], None]


@contextmanager
def talking(talk: Talk, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port where one client after the other is talked to, once its request's head has been read.

    `talk` is given the connection, and an event that is set when the test is over.
    """
    over = Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.02)
        thread = Thread(target=_serve, args=(listening, talk, tls, over))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            thread.join()


def _serve(listening: socket.socket, talk: Talk, tls: ssl.SSLContext | None, over: Event) -> None:
    while not over.is_set():
        with suppress(OSError):  # nobody came yet, or the client went away
            connection, _ = listening.accept()
            with connection:
                connection.settimeout(5)
                with tls.wrap_socket(connection, server_side=True) if tls else connection as line:
                    _hear(line)
                    talk(line, over)


def _hear(line: socket.socket) -> None:
    heard = b""
    while b"\r\n\r\n" not in heard:
        if not (more := line.recv(65_536)):
            raise ConnectionError("nothing was asked")
        heard += more


def saying(*pieces: bytes) -> Talk:
    """Says this and hangs up."""

    def talk(line: socket.socket, _over: Event) -> None:
        for piece in pieces:
            line.sendall(piece)

    return talk


def redirecting(location: str) -> Talk:
    """A redirect whose address is sent as it is."""
    return saying(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location.encode() + b"\r\n\r\n")


def dripping(head: bytes, piece: bytes) -> Talk:
    """Says `head`, then `piece` ten times a second, without end."""

    def talk(line: socket.socket, over: Event) -> None:
        line.sendall(head)
        while not over.wait(0.1):
            line.sendall(piece)

    return talk
