"""Everything that can be wrong with a file, in one table: what is told, and that nothing of it is left."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from flask.testing import FlaskClient

from tests.app.files import (
    IMPORTS,
    PREVIEW,
    deliver,
    imported,
    nothing_left,
    outcomes,
    send,
)
from tests.app.stack import Crisp, Stack, problem
from tests.files.writing import gzipped, sheet_xml, xlsx, zipped

GOOD = "email,city\nada@example.com,Rome\n"
BOTH = pytest.mark.parametrize("to", [PREVIEW, IMPORTS], ids=["preview", "import"])


@dataclass(frozen=True)
class Case:
    """A bad file: what it is told as, and what the message names. `fields`: what is sent beside it."""

    id: str
    code: str
    content: bytes | str | Callable[[Path], bytes]
    says: tuple[str, ...] = ()
    status: int = 422
    fields: dict[str, Any] = field(default_factory=dict)

    def made(self, folder: Path) -> bytes | str:
        return self.content(folder) if callable(self.content) else self.content


def garbage(size: int = 20_000) -> bytes:
    return random.Random(7).randbytes(size)


def workbook(folder: Path) -> bytes:
    return xlsx(folder / "book.xlsx", {"People": sheet_xml([["Email"], ["ada@example.com"]])}).read_bytes()


def encrypted(_: Path) -> bytes:
    """The beginning of what Excel makes of a workbook with a password: an OLE file with this stream."""
    name = "EncryptedPackage\0".encode("utf-16-le")
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + name + bytes(3_000)


@cache
def gzip_bomb() -> bytes:
    """210 MB, of members that are alike."""
    return gzipped(b"0" * 10_000_000) * 21


@cache
def zip_bomb() -> bytes:
    """210 MB."""
    return zipped({"a.csv": b"0" * 210_000_000})


def workbook_bomb(folder: Path) -> bytes:
    """A workbook with a part that says it has 600 MB."""
    path = folder / "bomb.xlsx"
    with ZipFile(path, "w") as archive:
        for name in ("[Content_Types].xml", "xl/workbook.xml", "xl/worksheets/sheet1.xml"):
            archive.writestr(name, b"<x/>")
        archive.getinfo(name).file_size = 600_000_000
    return path.read_bytes()


MAP: dict[str, Any] = {"mapping": {"email": "Courriel", "phone": "Tel"}}

FILES = [
    Case("empty", "file_empty", "", ("Export it again",)),
    Case("only empty lines", "file_empty", "\n \r\n\n", ("Export it again",)),
    Case("header only", "file_no_rows", "email,name\n", ("no rows", "Export it again")),
    Case("no email column", "email_column_missing", "name,phone\nAda,7\n", ("name, phone", "in the mapping")),
    Case(
        "a column that may be it",
        "email_column_missing",
        "name,kontakt\nAda,ada@example.com\nBob,bob@example.com\n",
        ("kontakt", "look like email addresses", "Name it in the mapping"),
    ),
    Case("binary garbage", "file_kind_unknown", garbage(), ("a binary file", "Export it as CSV")),
    Case("a PDF", "file_kind_unknown", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", ("a PDF document",)),
    Case("HTML saved as XLS", "file_kind_unknown", "<html><table><tr><td>Email", ("a web page (HTML)",)),
    Case("a password", "file_password", encrypted, ("Save it without one",)),
    Case("no workbook inside", "file_broken", lambda folder: workbook(folder)[:-40], ("save it again",)),
    Case("gzip cut off", "file_broken", gzipped(GOOD.encode() * 99)[:-9], ("a gzip archive",)),
    Case("several in a ZIP", "zip_several", zipped({"a.csv": b"x", "b.csv": b"y"}), ("2 files (a.csv, b.csv)",)),
    Case("a name that leads out", "zip_unsafe", zipped({"../a.csv": GOOD.encode()}), ("Send the file itself",)),
    Case("a ZIP bomb", "file_bomb", lambda _: zip_bomb(), ("200 MB", "in parts"), 413),
    Case("a gzip bomb", "file_bomb", lambda _: gzip_bomb(), ("200 MB", "in parts"), 413),
    Case("a workbook bomb", "file_bomb", workbook_bomb, ("500 MB", "in parts"), 413),
    Case("a million columns", "file_too_many_columns", "email" + "," * 1_000_000 + "\na@b.co\n", ("Line 1", "2000")),
    Case("too many columns below", "file_too_many_columns", GOOD + "x" + "," * 3_000 + "\n", ("Line 3", "2000")),
    Case(
        "a cell of 200 kB",
        "cell_too_long",
        f"{GOOD}bob@example.com,{'x' * 200_000}\n",
        ("line 3", "100000 characters", "Shorten it"),
    ),
    Case("an unclosed header", "header_unclosed", 'email,"city\nada@example.com,Rome\n', ("line 1", "Close it")),
    Case("no such sheet", "sheet_missing", workbook, ("The workbook has: People",), fields={"options": {"sheet": "x"}}),
    Case("no such mapping", "mapping_missing", GOOD, ("/v1/mappings/",), 404, {"mapping": "shop"}),
    Case("a mapping to a missing column", "mapping_column_missing", GOOD, ("Courriel", "email, city"), 422, MAP),
    Case("a mapping without email", "email_column_missing", "a,b\nx,y\n", ("a, b",), 422, {"mapping": {"city": "a"}}),
    Case("a mapping to no field", "mapping_field_unknown", GOOD, ("emial",), 422, {"mapping": {"emial": "email"}}),
    Case("a mapping that is a list", "mapping_invalid", GOOD, ("as an object",), 422, {"mapping": ["email"]}),
    Case("a line without a header", "parameter_invalid", GOOD, ("line 9",), 422, {"options": {"header": 9}}),
    Case("no such encoding", "parameter_invalid", GOOD, ("cp1252",), 422, {"options": {"encoding": "klingon"}}),
]  # fmt: skip


@BOTH
@pytest.mark.parametrize("case", FILES, ids=[case.id for case in FILES])
def test_a_bad_file_is_told_and_leaves_nothing(
    api: FlaskClient, stack: Stack, tmp_path: Path, case: Case, to: str
) -> None:
    told = problem(send(api, case.made(tmp_path), to=to, **case.fields), case.status, case.code)
    for said in case.says:
        assert said in told["message"], told["message"]
    assert nothing_left(stack)


@BOTH
def test_every_column_that_is_missing_is_named(api: FlaskClient, to: str) -> None:
    told = problem(send(api, GOOD, to=to, **MAP), 422, "mapping_column_missing")
    assert [error["field"] for error in told["errors"]] == ["email", "phone"]


@BOTH
def test_a_file_of_too_many_rows_is_not_begun(
    api: FlaskClient, stack: Stack, monkeypatch: pytest.MonkeyPatch, to: str
) -> None:
    monkeypatch.setattr("connector.file_imports.accepting.MOST_ROWS", 1_000)
    told = problem(send(api, "email\n" + "a@x.org\n" * 1_001, to=to), 413, "file_too_many_rows")
    assert "more than 1,000 rows. Split it into several files." in told["message"]
    assert nothing_left(stack)


def test_a_file_without_a_valid_row_is_not_imported(api: FlaskClient, stack: Stack) -> None:
    """The preview shows what is wrong with each; the import says how many of which."""
    content = "email,city\nnobody,Rome\n,Bern\nno@body@x,Oslo\n"
    shown = send(api, content, to=PREVIEW).get_json()
    assert [(each["code"], each["rows"]) for each in shown["problems"]] == [
        ("email_invalid", [1, 3]),
        ("email_missing", [2]),
    ]
    told = problem(send(api, content), 422, "file_no_valid_row")
    assert "None of the 3 rows can be imported: 2 × email_invalid, 1 × email_missing." in told["message"]
    assert nothing_left(stack)


def test_two_columns_of_one_field_are_both_used(api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
    """The first filled one counts, and the preview shows it of both."""
    content = "E-mail,Email\n,ada@example.com\nbob@example.com,cy@example.com\n"
    shown = send(api, content, to=PREVIEW).get_json()
    assert [column["field"] for column in shown["columns"]] == ["email", "email"]
    imported(api, content)
    deliver(stack)
    assert set(crisp.people()) == {"ada@example.com", "bob@example.com"}


def test_mixed_encodings_are_read_and_told(api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
    content = "email,city\nada@example.com,Zürich\nbob@example.com,".encode() + "Genève\n".encode("cp1252")
    shown = send(api, content, to=PREVIEW).get_json()
    assert [(each["code"], each["rows"]) for each in shown["problems"]] == [("encoding_mixed", [2])]
    imported(api, content)
    deliver(stack)
    cities = {email: card["person"]["geolocation"]["city"] for email, card in crisp.people().items()}
    assert cities == {"ada@example.com": "Zürich", "bob@example.com": "Genève"}


def test_an_unclosed_quote_at_the_end_costs_its_row_alone(api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
    content = 'email,city\nada@example.com,Rome\nbob@example.com,"Bern\ncy@example.com,Oslo\n'
    import_id = imported(api, content)
    deliver(stack)
    assert outcomes(api, import_id) == [(1, "created", None), (2, "rejected", "quote_unclosed")]
    assert set(crisp.people()) == {"ada@example.com"}


OPTIONS: list[tuple[str, Any, str]] = [
    ("no object", [], "options"),
    ("a text", "upsert", "options"),
    ("broken JSON", "{", "options"),
    ("half a character", '{"sheet": "\\ud800"}', "options"),
    ("half a character as a name", '{"\\ud800": 1}', "options"),
    ("not a number", '{"limit": NaN}', "options"),
    ("deep", "[" * 100_000, "options"),
    ("a long number", '{"limit": ' + "9" * 5_000 + "}", "options"),
    ("unknown", {"colour": "red"}, "options.colour"),
    ("mode", {"mode": "delete"}, "options.mode"),
    ("limit of none", {"limit": 0}, "options.limit"),
    ("half a limit", {"limit": 1.5}, "options.limit"),
    ("separator", {"separator": "#"}, "options.separator"),
    ("header in line 0", {"header": 0}, "options.header"),
    ("header in a far line", {"header": 10**9}, "options.header"),
    ("header in words", {"header": "yes"}, "options.header"),
    ("country", {"country": "XX"}, "options.country"),
    ("zone", {"timezone": "Mars/Olympus"}, "options.timezone"),
    ("sheet", {"sheet": 7}, "options.sheet"),
    ("sheet of a text", {"sheet": "People"}, "options.sheet"),
    ("forget", {"forget": "perhaps"}, "options.forget"),
]


@BOTH
@pytest.mark.parametrize(("options", "names"), [each[1:] for each in OPTIONS], ids=[each[0] for each in OPTIONS])
def test_a_bad_option_is_named(api: FlaskClient, stack: Stack, options: Any, names: str, to: str) -> None:
    sent = options if isinstance(options, str) else json.dumps(options)
    told = problem(send(api, GOOD, to=to, options=sent), 422, "parameter_invalid")
    assert [error["field"] for error in told["errors"]] == [names]
    assert nothing_left(stack)


MAPPINGS: list[tuple[str, str, str]] = [
    ("broken JSON", '{"email": ', "parameter_invalid"),
    ("half a character", '{"email": "\\ud800"}', "parameter_invalid"),
    ("empty", "{}", ""),
    ("an empty list", '{"email": []}', "mapping_invalid"),
    ("a number", '{"email": 1}', "mapping_invalid"),
    ("NUL", '{"email": "a\\u0000b"}', "mapping_invalid"),
    ("a name with NUL", "a\0b", "mapping_missing"),
    ("a long name", "x" * 5_000, "mapping_missing"),
]


@BOTH
@pytest.mark.parametrize(("mapping", "code"), [each[1:] for each in MAPPINGS], ids=[each[0] for each in MAPPINGS])
def test_a_bad_mapping_is_told(api: FlaskClient, stack: Stack, mapping: str, code: str, to: str) -> None:
    answer = send(api, GOOD, to=to, mapping=mapping)
    if not code:
        assert answer.status_code < 300, "as if none were given"
        return
    problem(answer, 404 if code == "mapping_missing" else 422, code)
    assert nothing_left(stack)
