"""A way to a server whose other end can lose its power: from then on nothing comes back, not even that it is gone."""

import ctypes
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

import pytest

# Of Linux: a program that looks at what arrives at a socket, here one instruction that lets nothing through. What the
# kernel then does not see it does not acknowledge either, as a proxy's that only stops reading would be.
_SO_ATTACH_FILTER = 26
_NOTHING = struct.pack("HBBI", 0x06, 0, 0, 0)

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="LEFT OUT: only Linux can let a socket fall silent")


class Way:
    """Forwards both ways until it falls silent; `port`: where to connect to."""

    def __init__(self, listening: socket.socket, target: tuple[str, int]) -> None:
        self.port: int = listening.getsockname()[1]
        self._listening, self._target = listening, target
        self._near, self._far = [listening], list[socket.socket]()

    def fall_silent(self) -> None:
        """Nothing that is sent from now on arrives, nor does anybody get a connection."""
        program = ctypes.create_string_buffer(_NOTHING)
        for each in self._near:
            each.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(program)))

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection(self._target)
                self._near.append(near)
                self._far.append(far)
                for pair in ((near, far), (far, near)):
                    Thread(target=_forward, args=pair, daemon=True).start()

    def close(self) -> None:
        for each in (*self._near, *self._far):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


def _forward(here: socket.socket, there: socket.socket) -> None:
    with suppress(OSError):
        while said := here.recv(65_536):
            there.sendall(said)
    with suppress(OSError):
        there.shutdown(socket.SHUT_RDWR)


@contextmanager
def way_to(host: str, port: int) -> Iterator[Way]:
    """A way to this server."""
    way = Way(socket.create_server(("127.0.0.1", 0)), (host, port))
    Thread(target=way.serve, daemon=True).start()
    try:
        yield way
    finally:
        way.close()
