"""Traces: whether the bytes of a file name somebody, wherever in it and however it is encoded and packed."""

import re
import unicodedata
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from xml.sax.saxutils import escape
from zipfile import ZipFile

import idna

from connector.files.content import CHUNK, Content
from connector.files.unpack import unpacked

_CODECS = ("utf-8", "cp1252", "utf-16-le", "utf-16-be")
_LONGEST = 4_096
# Characters that an address may have inside without being another one (`convert.text.clean`), in any encoding.
_INVISIBLE = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\xad]|\xe2\x80\x8b|\xe2\x81\xa0|(?<!^)\xef\xbb\xbf")


def spellings(names: Collection[str]) -> frozenset[str]:
    """Email addresses in every way in which they are the same: with the domain in ASCII too, and accents apart."""
    found = {*names}
    for name in names:
        local, _, domain = name.rpartition("@")
        with suppress(UnicodeError):
            found.add(f"{local}@{idna.encode(domain, uts46=True).decode()}")
    return frozenset({*found, *(unicodedata.normalize("NFD", name) for name in found)})


def named_in(path: Path, names: Collection[str]) -> bool | None:
    """Whether one of these addresses stands in the file; None when only its rows can tell.

    Raises `Problem` as `unpacked` does.
    """
    content, kind = unpacked(path)
    needles = _needles(names)
    whole = _whole(needles)
    unsure = kind != "text" or not all(map(str.isascii, names))
    try:
        for piece in _overlapping(content.chunks() if kind in ("text", "xls") else _parts(content)):
            plain = piece.translate(None, b"\0").lower()  # UTF-16 without its NULs is one byte for each letter
            if any(needle in plain for needle in needles) and whole.search(plain):
                return True
            unsure = unsure or _INVISIBLE.search(piece) is not None
    finally:
        content.close()
    return None if unsure else False


def _parts(content: Content) -> Iterator[bytes]:
    """The bytes of everything in a workbook; how much that may be was seen to when it was opened."""
    with content.open() as file, ZipFile(file) as archive:
        for member in archive.infolist():
            with archive.open(member) as part:
                while chunk := part.read(CHUNK):
                    yield chunk


def _overlapping(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Each chunk behind the end of the one before it: what stands across their border is in one of them."""
    rest = b""
    for chunk in chunks:
        yield rest + chunk
        rest = (rest + chunk)[-_LONGEST:]


def _needles(names: Collection[str]) -> frozenset[bytes]:
    """The addresses as they may stand in a file, in small letters."""
    found = set()
    for written in (each for name in spellings(names) for each in (name, name.upper(), escape(name))):
        for codec in _CODECS:
            with suppress(UnicodeError):
                found.add(written.encode(codec).replace(b"\0", b"").lower())
    return frozenset(found)


def _whole(needles: Collection[bytes]) -> re.Pattern[bytes]:
    """Finds a name that stands by itself, as far as ASCII tells."""
    either = b"|".join(map(re.escape, needles))
    return re.compile(rb"(?<![^\W_])(?:" + either + rb")(?![^\W_]|\.[^\W\d_])")
