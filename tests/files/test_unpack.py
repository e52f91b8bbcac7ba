"""Unpacking: what a file is, by its bytes, and the one table that an archive may hold."""

import bz2
import gc
import lzma
import os
import random
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from connector.errors import Problem
from connector.files.content import Content
from connector.files.reading import read_table

from .writing import cells_of, gzipped, ole, problem_of, read, text_file, zipped

CSV = b"Email,Name\r\na@x.com,Ada\r\n"
ROWS = [("a@x.com", "Ada")]


@pytest.mark.parametrize(
    "content",
    [
        CSV,
        gzipped(CSV),
        gzipped(CSV[:12]) + gzipped(CSV[12:]),
        zipped({"contacts.csv": CSV}),
        zipped({"export/": b"", "export/contacts.csv": CSV, "__MACOSX/export/._contacts.csv": b"x", ".DS_Store": b"x"}),
        gzipped(CSV.decode().encode("utf-16")),
    ],
    ids=["plain", "gzip", "gzip of two parts", "zip", "zip with folders and what macOS adds", "gzip of utf-16"],
)
def test_a_text_is_read_out_of_its_archive(tmp_path: Path, content: bytes) -> None:
    assert cells_of(read(text_file(tmp_path, content))) == ROWS


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ({"a.csv": CSV, "b.csv": CSV}, "zip_several"),
        ({"../a.csv": CSV}, "zip_unsafe"),
        ({"x/../../a.csv": CSV}, "zip_unsafe"),
        ({"/etc/passwd": CSV}, "zip_unsafe"),
        ({"C:\\a.csv": CSV}, "zip_unsafe"),
        ({"..\\a.csv": CSV}, "zip_unsafe"),
        ({"a.csv": CSV, "../b.csv": CSV}, "zip_unsafe"),
        ({}, "file_empty"),
        ({"folder/": b""}, "file_empty"),
        ({"a.csv": b""}, "file_empty"),
    ],
)
def test_an_archive_that_is_not_of_one_file_is_refused(tmp_path: Path, files: dict[str, bytes], code: str) -> None:
    assert problem_of(text_file(tmp_path, zipped(files))).code == code


def test_the_files_of_an_archive_are_named_as_far_as_they_can_be_shown(tmp_path: Path) -> None:
    names = ["a.csv", "b\x1b[31m.csv", "c" * 100, "d.csv", "e.csv", "f.csv"]
    problem = problem_of(text_file(tmp_path, zipped(dict.fromkeys(names, CSV))))
    assert problem.facts == {"count": 6, "names": f"a.csv, b?[31m.csv, {'c' * 60}, d.csv, e.csv, …"}


@pytest.mark.parametrize(
    "content",
    [gzipped(gzipped(CSV)), zipped({"a.zip": zipped({"a.csv": CSV})}), gzipped(zipped({"a.csv": CSV}))],
    ids=["gzip in gzip", "zip in zip", "zip in gzip"],
)
def test_an_archive_in_an_archive_is_not_looked_into(tmp_path: Path, content: bytes) -> None:
    problem = problem_of(text_file(tmp_path, content))
    assert (problem.code, problem.facts["found"]) == ("file_kind_unknown", "an archive in an archive")


def _with_password() -> bytes:
    """A ZIP archive whose file is marked as encrypted, in both places."""
    packed = bytearray(zipped({"contacts.csv": CSV}))
    packed[6] |= 1
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    return bytes(packed)


def test_an_archive_with_a_password_is_told(tmp_path: Path) -> None:
    assert problem_of(text_file(tmp_path, _with_password())).code == "file_password"


def _packed_with(method: int) -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr("contacts.csv", CSV)
    return packed.getvalue()


def _tar() -> bytes:
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("contacts.csv"), BytesIO(b""))
    return packed.getvalue()


RANDOM = random.Random(7).randbytes(5_000)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a picture (PNG)"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "a picture (JPEG)"),
        (b"<!DOCTYPE html>\n<html><body><table>", "a web page (HTML)"),
        (b"\xef\xbb\xbf\r\n  <html xmlns:o='urn'>\n<table>", "a web page (HTML)"),
        ("<html><table><tr><td>Email".encode("utf-16"), "a web page (HTML)"),
        (b"<table><tr><td>a@x.com</td></tr></table>", "a web page (HTML)"),
        (b"MIME-Version: 1.0\nContent-Type: multipart/related", "a web page (MHTML)"),
        (b"<?xml version='1.0'?><?mso-application progid='Excel.Sheet'?>", "an XML spreadsheet of Excel 2003"),
        (b"<?xml version='1.0'?><contacts/>", "an XML file"),
        (b'[{"email": "a@x.com"}]', "a JSON file"),
        (b'{\n "contacts": []}', "a JSON file"),
        (b"BEGIN:VCARD\r\nVERSION:3.0", "a vCard or a calendar"),
        (bz2.compress(CSV), "a bzip2 archive"),
        (lzma.compress(CSV), "an XZ archive"),
        (_tar(), "a tar archive"),
        (gzipped(_tar()), "a tar archive"),
        (_packed_with(zipfile.ZIP_BZIP2), "an archive packed in an unusual way"),
        (_packed_with(zipfile.ZIP_LZMA), "an archive packed in an unusual way"),
        (RANDOM, "a binary file"),
        (gzipped(RANDOM), "a binary file"),
        (b"\0\1\2\3" * 500, "a binary file"),
        (b"SQLite format 3\0" + b"\0" * 100, "an SQLite database"),
        (ole("Root"), "an old Office document"),
    ],
)
def test_what_is_no_table_is_told_by_its_name(tmp_path: Path, content: bytes, found: str) -> None:
    problem = problem_of(text_file(tmp_path, content))
    assert (problem.code, problem.facts["found"]) == ("file_kind_unknown", found)
    assert problem.message.startswith(f"This is {found}, not a table.")


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(
    "begin", [b"", b"PK\x03\x04", b"\x1f\x8b", b"\x1f\x8b\x08\0\0\0\0\0\0\x03", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"]
)
def test_garbage_of_any_kind_is_a_problem(tmp_path: Path, begin: bytes, seed: int) -> None:
    content = begin + random.Random(seed).randbytes(3_000)
    assert problem_of(text_file(tmp_path, content)).code in ("file_kind_unknown", "file_broken")


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_archive_is_a_problem_or_is_read(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    content = bytearray(zipped({"contacts.csv": CSV * 20}))
    for _ in range(3):
        content[chance.randrange(len(content))] = chance.randrange(256)
    try:
        read(text_file(tmp_path, bytes(content)))
    except Problem as problem:
        code = problem.code
    else:
        code = "file_read"
    assert code.startswith(("file_", "zip_"))


@pytest.mark.parametrize("content", [gzipped(CSV * 100)[:-20], gzipped(CSV * 100)[:-1], zipped({"a.csv": CSV})[:-10]])
def test_an_archive_that_was_cut_off_is_broken(tmp_path: Path, content: bytes) -> None:
    assert problem_of(text_file(tmp_path, content)).code == "file_broken"


def _open_files() -> int:
    gc.collect()  # what tests of before have left
    return len(os.listdir("/proc/self/fd"))


def test_nothing_stays_open_and_nothing_stays_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    path = text_file(tmp_path, gzipped(CSV))
    before = _open_files()
    table = read_table(path)
    assert [each.name for each in tmp_path.iterdir()] == ["contacts.csv"]
    rows = table.rows()
    del table
    assert cells_of(rows) == ROWS
    del rows
    assert _open_files() == before


@pytest.mark.parametrize(
    "content", [b"", gzipped(b""), gzipped(RANDOM), zipped({"a": CSV, "b": CSV}), b"Email\n", RANDOM]
)
def test_nothing_stays_open_after_a_problem(tmp_path: Path, content: bytes) -> None:
    path = text_file(tmp_path, content)
    before = _open_files()
    problem_of(path)
    assert _open_files() == before


def test_a_closed_table_is_not_read_from_another_file(tmp_path: Path) -> None:
    table = read_table(text_file(tmp_path, CSV))
    table.close()
    with Content.of(text_file(tmp_path, b"other")).open(), pytest.raises(ValueError, match="closed"):
        list(table.rows())
    table.close()


def test_a_full_disk_is_a_problem_for_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/proc/no such folder")
    problem = problem_of(text_file(tmp_path, gzipped(CSV)))
    assert (problem.code, problem.status) == ("files_unavailable", 503)
