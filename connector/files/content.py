"""Content: the bytes of one file, that can be read several times and by several readers at once."""

import errno
import io
import mmap
import os
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from connector.errors import Problem

CHUNK = 1 << 20


class Content:
    """An open file. It is closed, and gone when it was temporary, by `close` or when nobody holds it any more."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.size = os.fstat(descriptor).st_size
        self.close = weakref.finalize(self, os.close, descriptor)

    @classmethod
    def of(cls, path: Path) -> "Content":
        """The file at this path, as it is now."""
        return cls(os.open(path, os.O_RDONLY | os.O_CLOEXEC))

    @classmethod
    def stored(cls, chunks: Iterable[bytes]) -> "Content":
        """A temporary file without a name of what these chunks hold: nothing is left of it, not even by a kill.

        Raises `Problem` files_unavailable when there is no place for it.
        """
        try:
            with temporary() as file:
                for chunk in chunks:
                    file.write(chunk)
                file.flush()
                return cls.shared(file)
        except OSError as problem:
            raise Problem("files_unavailable", reason=problem.strerror or "no place") from None

    @classmethod
    def shared(cls, file: IO[bytes]) -> "Content":
        """What is in this open file; the file may be closed."""
        return cls(os.dup(file.fileno()))

    def open(self) -> io.BufferedReader:
        """A reader of its own, at the beginning."""
        return io.BufferedReader(_Reader(self), CHUNK)

    def head(self, size: int) -> bytes:
        """The first bytes."""
        return os.pread(self.descriptor, size, 0)

    def chunks(self) -> Iterator[bytes]:
        """All bytes, in pieces of at most `CHUNK`."""
        with self.open() as reader:
            while chunk := reader.read(CHUNK):
                yield chunk

    def mapped(self) -> mmap.mmap:
        """All bytes as memory that the system pages in and out. Not for an empty file."""
        return mmap.mmap(self.descriptor, 0, access=mmap.ACCESS_READ)


def temporary() -> IO[bytes]:
    """A temporary file without a name. Raises `Problem` files_unavailable when there is no place for one."""
    try:
        return tempfile.TemporaryFile(prefix="crisp-connector-")
    except OSError as problem:
        raise Problem("files_unavailable", reason=problem.strerror or "no place") from None


class _Reader(io.RawIOBase):
    """Reads a content at a position of its own, and keeps it open."""

    def __init__(self, content: Content) -> None:
        super().__init__()
        self._content, self._at = content, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._content.size}[whence]
        if start + offset < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))  # as a file does
        self._at = start + offset
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # a Buffer in typeshed
        if not self._content.close.alive:
            raise ValueError("the file was closed")
        read = os.pread(self._content.descriptor, len(buffer), self._at)
        buffer[: len(read)] = read
        self._at += len(read)
        return len(read)
