"""Kinds: what a file is, by its bytes; its name is never asked."""

import codecs
import re
from mmap import mmap

from connector.errors import Problem
from connector.files.content import Content
from connector.saying import say

_HEAD = 65_536

# Offset, signature, what has it. Of what is no table.
_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF-", say("a PDF document")),
    (0, b"\x89PNG\r\n\x1a\n", say("a picture (PNG)")),
    (0, b"\xff\xd8\xff", say("a picture (JPEG)")),
    (0, b"GIF89a", say("a picture (GIF)")),
    (0, b"GIF87a", say("a picture (GIF)")),
    (8, b"WEBPVP8", say("a picture (WebP)")),
    (0, b"7z\xbc\xaf\x27\x1c", say("a 7-Zip archive")),
    (0, b"Rar!\x1a\x07", say("a RAR archive")),
    (4, b"1AY&SY", say("a bzip2 archive")),
    (0, b"\xfd7zXZ\x00", say("an XZ archive")),
    (0, b"\x28\xb5\x2f\xfd", say("a Zstandard archive")),
    (257, b"ustar", say("a tar archive")),
    (0, b"SQLite format 3\x00", say("an SQLite database")),
    (0, b"\x7fELF", say("a program")),
    (0, b"{\\rtf", say("an RTF document")),
)

# How the text begins, white space and case aside.
_BEGINNINGS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"<(?:!doctype html|html|head|body|table|meta|style)\b"), say("a web page (HTML)")),
    (re.compile(rb"<\?xml.{0,2000}<html\b", re.DOTALL), say("a web page (HTML)")),
    (
        re.compile(rb"<\?xml.{0,2000}(?:excel\.sheet|office:spreadsheet)", re.DOTALL),
        say("an XML spreadsheet of Excel 2003"),
    ),
    (re.compile(rb"<(?:\?xml|!--|!doctype)"), say("an XML file")),
    (re.compile(rb"mime-version:|from: <saved by "), say("a web page (MHTML)")),
    (re.compile(rb"\[\s*[{\[]|\{\s*\"[^\"]*\"\s*:"), say("a JSON file")),
    (re.compile(rb"begin:v(?:card|calendar)\b"), say("a vCard or a calendar")),
)

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Streams of such a file → what has them.
_OF_OLE = (
    ("Workbook", "xls"),
    ("Book", "xls"),
    ("WordDocument", say("a Word document")),
    ("PowerPoint Document", say("a PowerPoint presentation")),
    ("__properties_version1.0", say("an Outlook message")),
)
_UTF16 = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_CONTROLS = bytes([*range(1, 8), *range(14, 27), *range(28, 32), 127])


def kind_of(content: Content) -> str:
    """`text`, `gzip`, `zip` (a workbook too) or `xls`.

    Raises `Problem`: file_empty; file_kind_unknown, which says what it is; file_password.
    """
    head = content.head(_HEAD)
    if content.size <= _HEAD and not head.strip(b"\0 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise Problem("file_empty")
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if head.startswith(_OLE):
        return _of_ole(content)
    if found := _known(head):
        raise Problem("file_kind_unknown", found=found)
    return "text"


def _known(head: bytes) -> str | None:
    """What these first bytes are of, when it is no table."""
    for offset, signature, found in _SIGNATURES:
        if head.startswith(signature, offset):
            return found
    plain = _as_ascii(head)
    begins = plain.lstrip().lower()
    for pattern, found in _BEGINNINGS:
        if pattern.match(begins):
            return found
    return say("a binary file") if _is_binary(plain) else None


def _as_ascii(head: bytes) -> bytes:
    """One byte for each character, as far as it is ASCII, whichever way the text is encoded."""
    codec = utf16_of(head)
    if codec is None:
        return head.removeprefix(codecs.BOM_UTF8)
    return head.decode(codec, "replace").lstrip("\ufeff").encode("ascii", "replace")


def utf16_of(head: bytes) -> str | None:
    """The codec of a text in UTF-16: by its byte order mark or, without one, by where the NULs of its ASCII are."""
    for mark, codec in _UTF16:
        if head.startswith(mark):
            return codec
    pairs = len(head) // 2
    even, odd = head[: pairs * 2 : 2].count(0), head[1 : pairs * 2 : 2].count(0)
    if pairs and max(even, odd) > pairs // 2 and min(even, odd) <= pairs // 20:
        return "utf-16-le" if odd > even else "utf-16-be"
    return None


def _is_binary(head: bytes) -> bool:
    """Whether there are control characters, or NULs, as no text has them."""
    controls = len(head) - len(head.translate(None, _CONTROLS))
    return (controls > 2 and controls * 50 > len(head)) or head.count(0) * 4 > len(head)


def _of_ole(content: Content) -> str:
    with content.mapped() as mapped:
        names = [name for name, _ in _OF_OLE if _has_stream(mapped, name)]
        if _has_stream(mapped, "EncryptedPackage"):
            raise Problem("file_password")
    found = dict(_OF_OLE)[names[0]] if names else say("an old Office document")
    if found != "xls":
        raise Problem("file_kind_unknown", found=found)
    return found


def _has_stream(mapped: mmap, name: str) -> bool:
    """Whether a stream has this name: an entry of the directory, which are 128 bytes each, begins with it."""
    wanted = (name + "\0").encode("utf-16-le")
    at = mapped.find(wanted)
    while at != -1 and at % 128:
        at = mapped.find(wanted, at + 1)
    return at != -1
