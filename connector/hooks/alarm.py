"""An alarm that ends a conversation when its time is up."""

import socket
from contextlib import suppress
from threading import Lock, Timer
from time import monotonic
from types import TracebackType
from typing import Self


class Alarm:
    """Ends a conversation when its time is up, whatever the other side is busy with.

    A time limit of the socket is one for the next byte only: an answer whose headers drip would take for ever.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._ends_at = monotonic() + seconds
        self._lock = Lock()
        self._line: socket.socket | None = None
        self._timer = Timer(seconds, self._ring)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, at: TracebackType | None
    ) -> None:
        self._timer.cancel()
        self.hang_up()

    @property
    def left(self) -> float:
        """Seconds until it rings; 0 when it has rung."""
        return max(0.0, self._ends_at - monotonic())

    @property
    def connected(self) -> bool:
        """Whether there is a connection to end."""
        return self._line is not None

    def watch(self, connection: socket.socket) -> None:
        """Takes hold of the connection by a second handle, so that it can never cut one that came after it."""
        self.hang_up()
        with self._lock:
            self._line = socket.fromfd(connection.fileno(), connection.family, connection.type)
        if not self.left:
            self._ring()

    def hang_up(self) -> None:
        """The connection is no longer watched."""
        with self._lock:
            if self._line is not None:
                self._line.close()
            self._line = None

    def _ring(self) -> None:
        with self._lock:
            if self._line is not None:
                with suppress(OSError):  # the other side may have been quicker
                    self._line.shutdown(socket.SHUT_RDWR)
