"""The survey: one pass over all the bytes of a text, to know what the reading of it must care for."""

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass

from connector.errors import Problem
from connector.files.limits import MOST_CHARACTERS, MOST_COLUMNS

SEPARATORS = ",;\t|"
# A quotation mark behind a backslash inside a cell, and a doubled one; neither at the end of a cell, where both
# ways of quoting write `\"` and `""`.
_ESCAPED = re.compile(rb'\\"(?![,;\t|\r\n"])')
_DOUBLED = re.compile(rb'(?<![,;\t|\r\n"\\ ])""(?!")')
# In bytes. A line may be twice as long before it is met.
LONGEST_LINE = 1_000_000


@dataclass(slots=True)
class Survey:
    """`ascii`, `utf8`: all of it is; `nul`: it has NULs; `escaped`, `doubled`: how many quotation marks are
    so, counted only where there are backslashes."""

    ascii: bool = True
    utf8: bool = True
    nul: bool = False
    escaped: int = 0
    doubled: int = 0


def surveyed(chunks: Iterable[bytes]) -> Survey:
    """What is in these bytes, ASCII or an extension of it.

    Raises `Problem` file_too_many_columns or cell_too_long when a line is too long to be read whole.
    """
    survey, decoder = Survey(), codecs.getincrementaldecoder("utf-8")()
    lines = _Lines()
    for chunk in chunks:
        lines.see(chunk)
        survey.ascii = survey.ascii and chunk.isascii()
        survey.nul = survey.nul or b"\0" in chunk
        if survey.utf8:
            survey.utf8 = _decodes(decoder, chunk)
        if b"\\" in chunk:
            survey.escaped += len(_ESCAPED.findall(chunk))
            survey.doubled += len(_DOUBLED.findall(chunk))
    survey.utf8 = survey.utf8 and _decodes(decoder, b"", final=True)
    return survey


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


class _Lines:
    """Counts lines, and meets the one that is too long."""

    def __init__(self) -> None:
        self._ended, self._open = 0, b""

    def see(self, chunk: bytes) -> None:
        """The next bytes. Raises `Problem` when they are in the middle of a line that goes on for too long."""
        end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
        if end < 0 and len(self._open) + len(chunk) >= LONGEST_LINE:
            raise _too_long(self._open + chunk, self._ended + 1)
        self._ended += chunk.count(b"\n") or chunk.count(b"\r")
        self._open = chunk[end + 1 :] if end >= 0 else self._open + chunk


def _too_long(begin: bytes, line: int) -> Problem:
    """The problem of a line by how it begins: too many cells, or one that is too long."""
    outside = b"".join(begin.split(b'"')[::2])
    if max(outside.count(separator.encode()) for separator in SEPARATORS) >= MOST_COLUMNS:
        return Problem("file_too_many_columns", line=line, limit=MOST_COLUMNS)
    return Problem("cell_too_long", line=line, limit=MOST_CHARACTERS)
