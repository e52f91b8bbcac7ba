"""Unpacking: from a file as it came to the one table that is in it, and never more of it than the limits say."""

import copy
import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from struct import unpack_from
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from connector.body import size
from connector.errors import Problem
from connector.files.content import CHUNK, Content
from connector.files.kinds import kind_of
from connector.files.limits import LIMITS, Limits
from connector.saying import say

# A directory longer than this holds far more files than any workbook has. Reading it takes ten times its length.
_LONGEST_DIRECTORY = 5_000_000
_SHOWN_NAMES, _SHOWN_CHARACTERS = 5, 60
_END, _END_64 = b"PK\x05\x06", b"PK\x06\x07"
# What `zipfile` raises over an archive that is damaged, or made to mislead.
_BROKEN = (BadZipFile, EOFError, zlib.error, OSError, ValueError, OverflowError, RuntimeError, KeyError)

# Folder of such a file → what has it.
_OF_OFFICE = (
    ("xl/", "xlsx"),
    ("word/", say("a Word document")),
    ("ppt/", say("a PowerPoint presentation")),
    ("", say("an Office document")),
)


def unpacked(path: Path, limits: Limits = LIMITS) -> tuple[Content, str]:
    """The content of a file, out of its archive if it is in one, and its kind: `text`, `xlsx`, `xls` or `ods`.

    Raises `Problem`: file_empty, file_kind_unknown, file_password, file_broken, file_bomb, file_too_large,
    zip_several, zip_unsafe.
    """
    content = Content.of(path)
    try:
        return _opened(content, limits, packed=True)
    except BaseException:
        content.close()
        raise


def _opened(content: Content, limits: Limits, *, packed: bool) -> tuple[Content, str]:
    kind = kind_of(content)
    if kind == "xls":
        _check_size(content, limits)
    if kind in ("text", "xls"):
        return content, kind
    if kind == "gzip":
        return _inner(_gunzipped(content), limits, packed=packed)
    try:
        return _zipped(content, limits, packed=packed)
    except _BROKEN:
        raise _broken_zip() from None


def _broken_zip() -> Problem:
    return Problem("file_broken", found=say("a workbook or a ZIP archive"))


def _inner(chunks: Iterable[bytes], limits: Limits, *, packed: bool) -> tuple[Content, str]:
    """What was in an archive. An archive in it again is not looked into."""
    if not packed:
        raise Problem("file_kind_unknown", found=say("an archive in an archive"))
    content = Content.stored(_bounded(chunks, limits.unpacked))
    try:
        return _opened(content, limits, packed=False)
    except BaseException:
        content.close()
        raise


def _bounded(chunks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > limit:
            raise Problem("file_bomb", limit=size(limit))
        yield chunk


def _gunzipped(content: Content) -> Iterator[bytes]:
    try:
        with content.open() as packed, gzip.GzipFile(fileobj=packed) as archive:
            while chunk := archive.read(CHUNK):
                yield chunk
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise Problem("file_broken", found=say("a gzip archive")) from None


def _zipped(content: Content, limits: Limits, *, packed: bool) -> tuple[Content, str]:
    """A workbook as it is, or the one file of an archive."""
    _check_directory(content)
    with content.open() as file, ZipFile(file) as archive:
        members = archive.infolist()
        kind = _workbook_kind(archive, {member.filename for member in members})
        if any(member.flag_bits & 1 for member in members):
            raise Problem("file_password")
        if kind is None:
            return _inner(_inflated(archive, _only(members), limits.unpacked), limits, packed=packed)
        _check_size(content, limits)
        _check_parts(archive, members, limits.inflated)
    return content, kind


def _check_size(content: Content, limits: Limits) -> None:
    if content.size > limits.workbook:
        raise Problem("file_too_large", limit=size(limits.workbook))


def _check_parts(archive: ZipFile, members: list[ZipInfo], limit: int) -> None:
    """The parts together, first as the archive says, then as they really are: who makes a bomb also lies."""
    if sum(member.file_size for member in members) > limit:
        raise Problem("file_bomb", limit=size(limit))
    for _ in _bounded((chunk for member in members for chunk in _inflated(archive, member, limit)), limit):
        pass


def _inflated(archive: ZipFile, member: ZipInfo, limit: int) -> Iterator[bytes]:
    """The bytes of a member up to a little over the limit, however many it says that there are."""
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise Problem("file_kind_unknown", found=say("an archive packed in an unusual way"))
    whole = copy.copy(member)
    whole.file_size = limit + CHUNK
    try:
        with archive.open(whole) as part:
            while chunk := part.read(CHUNK):
                yield chunk
    except _BROKEN:
        raise _broken_zip() from None


def _workbook_kind(archive: ZipFile, names: set[str]) -> str | None:
    """`xlsx` or `ods`; None for an ordinary archive. Raises file_kind_unknown for what other programs save as ZIP."""
    if "[Content_Types].xml" in names:
        found = next((found for folder, found in _OF_OFFICE if any(name.startswith(folder) for name in names)), None)
    elif "mimetype" in names:
        with archive.open("mimetype") as part:
            is_sheet = part.read(200).startswith(b"application/vnd.oasis.opendocument.spreadsheet")
        found = "ods" if is_sheet else say("an OpenDocument text or an e-book")
    else:
        found = say("a document of Apple Numbers") if any(name.endswith(".iwa") for name in names) else None
    if found not in (None, "xlsx", "ods"):
        raise Problem("file_kind_unknown", found=found)
    return found


def _only(members: list[ZipInfo]) -> ZipInfo:
    """The one file in an archive; folders and what macOS adds are none."""
    if any(_leads_out(member.filename) for member in members):
        raise Problem("zip_unsafe")
    files = [member for member in members if not member.is_dir() and not _is_junk(member.filename)]
    if not files:
        raise Problem("file_empty")
    if len(files) > 1:
        raise Problem("zip_several", count=len(files), names=_named(files))
    return files[0]


def _leads_out(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return ".." in parts or parts[0] == "" or parts[0].endswith(":")


def _is_junk(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rpartition("/")[2] in (".DS_Store", "Thumbs.db", "desktop.ini")


def _named(files: list[ZipInfo]) -> str:
    """Some of the names, as they can be shown."""
    shown = [file.filename[:_SHOWN_CHARACTERS] for file in files[:_SHOWN_NAMES]]
    plain = ["".join(char if char.isprintable() else "?" for char in name) for name in shown]
    return ", ".join(plain) + (", …" if len(files) > _SHOWN_NAMES else "")


def _check_directory(content: Content) -> None:
    """The length of the directory, before `zipfile` takes all of it into memory."""
    with content.open() as file:
        start = max(0, content.size - 65_557)
        file.seek(start)
        tail = file.read()
        at = tail.rfind(_END)
        if at < 0 or len(tail) < at + 22:
            raise BadZipFile
        (length,) = unpack_from("<L", tail, at + 12)
        if at >= 20 and tail.startswith(_END_64, at - 20):
            file.seek(unpack_from("<Q", tail, at - 12)[0])
            (length,) = unpack_from("<Q", file.read(56).ljust(56, b"\0"), 40)
    if length > _LONGEST_DIRECTORY:
        raise Problem("file_bomb", limit=say("a reasonable number of files"))
