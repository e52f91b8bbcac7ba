"""What a file may be, and what is said beside it."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.app.files import IMPORTS, deliver, imported, previewed, send
from tests.app.stack import Crisp, Stack
from tests.files.writing import gzipped, sheet_xml, xlsx, zipped

FILE = "Email,First name,City\nada@example.com,Ada,Rome\nbob@example.com,Bob,Bern\n"


def workbook(folder: Path) -> bytes:
    rows = [["Email", "First name", "City"], ["ada@example.com", "Ada", "Rome"], ["bob@example.com", "Bob", "Bern"]]
    sheets = {"Notes": sheet_xml([["Only text"]]), "People": sheet_xml(rows)}
    return xlsx(folder / "book.xlsx", sheets).read_bytes()


PACKED = ["plain", "gzip", "zip", "UTF-16", "workbook"]


@pytest.mark.parametrize("how", PACKED)
def test_a_file_may_be_packed_or_a_workbook(
    api: FlaskClient, stack: Stack, crisp: Crisp, tmp_path: Path, how: str
) -> None:
    made = {
        "plain": lambda: FILE.encode(),
        "gzip": lambda: gzipped(FILE.encode()),
        "zip": lambda: zipped({"people.csv": FILE.encode(), "__MACOSX/._people.csv": b"x"}),
        "UTF-16": lambda: FILE.replace(",", "\t").encode("utf-16"),
        "workbook": lambda: workbook(tmp_path),
    }[how]()
    options = {"sheet": "People"} if how == "workbook" else {}
    imported(api, made, options=options)
    deliver(stack)
    assert set(crisp.people()) == {"ada@example.com", "bob@example.com"}


NAMES = [
    ("folders", "C:/Users/ada/people.csv", "people.csv"),
    ("path", "../../etc/people.csv", "people.csv"),
    ("controls", "peo\x07ple\u202e.csv", "people.csv"),
    ("nothing", "", "file"),
    ("long", "x" * 400, "x" * 200),
]


@pytest.mark.parametrize(("sent", "shown"), [each[1:] for each in NAMES], ids=[each[0] for each in NAMES])
def test_a_name_is_made_harmless(api: FlaskClient, sent: str, shown: str) -> None:
    assert send(api, FILE, sent).get_json()["file_name"] == shown


OPTIONS: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("separator", "email|city\na@b.co|x,y\n", {"separator": "|"}, {"city": "x,y"}),
    ("no header", "a@b.co\n", {"header": False}, {}),
    ("header in a line", "a title\nmore\nemail,city\na@b.co,Rome\n", {"header": 3}, {"city": "Rome"}),
    ("encoding", "email,city\na@b.co,\xcd\n", {"encoding": "cp1251"}, {"city": "Н"}),
    ("country", "email,phone\na@b.co,01 42 68 53 77\n", {"country": "fr"}, {"phone": "+33142685377"}),
    (
        "timezone",
        "email,created at\na@b.co,2024-06-01 12:00\n",
        {"timezone": "Europe/Paris"},
        {"created_at": "2024-06-01T10:00:00Z"},
    ),
    ("nothing said", "email,city\na@b.co,Rome\n", {"sheet": None, "limit": None}, {"city": "Rome"}),
]


@pytest.mark.parametrize(
    ("content", "options", "expected"), [each[1:] for each in OPTIONS], ids=[each[0] for each in OPTIONS]
)
def test_options_say_how_a_file_is_read(
    api: FlaskClient, content: str, options: dict[str, Any], expected: dict[str, Any]
) -> None:
    shown = previewed(api, content.encode("latin-1"), options=options)
    contact = shown["contacts"][0]["contact"]
    assert contact["email"] == "a@b.co"
    assert {key: contact[key] for key in expected} == expected


def test_a_mapping_beats_what_the_names_say(api: FlaskClient) -> None:
    shown = previewed(api, "Email,Other\nada@example.com,bob@example.com\n", mapping={"email": "Other"})
    assert [each["contact"]["email"] for each in shown["contacts"]] == ["bob@example.com"]


def test_the_fields_of_a_form_come_in_any_order(api: FlaskClient) -> None:
    said = {"options": json.dumps({"mode": "update"}), "mapping": json.dumps({"email": "Kontakt"})}
    data = {**said, "file": (io.BytesIO(b"Kontakt\nada@example.com\n"), "strange.csv")}
    told = api.post(IMPORTS, data=data).get_json()
    assert (told["mode"], told["file_name"]) == ("update", "strange.csv")
