"""Files that are kept: a person is taken out of them, and after a while they go."""

import io
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from connector.errors import Problem
from connector.ledger.tables import file_parts, imports
from connector.uploads.store import Directory
from tests.app.files import IMPORTS, deliver, fetched, imported, kept, outcomes
from tests.app.stack import API_KEY, DATABASES, Stack, problem
from tests.files.writing import gzipped, sheet_xml, xlsx, zipped

pytestmark = pytest.mark.parametrize("database", DATABASES, indirect=True)

GONE, STAYS = "zebra@example.com", "ada@example.com"
FILE = f"email,name\nnobody,First\n{GONE},Zebra Quagga\nnowhere,Third\n{STAYS},Ada\n"


def known(api: FlaskClient, stack: Stack, content: bytes | str = FILE, *args: Any, **more: Any) -> str:
    """The import of a file that is delivered."""
    import_id = imported(api, content, *args, **more)
    deliver(stack)
    return import_id


def erased(api: FlaskClient, who: str = GONE) -> int:
    """Erases a person; how many files were changed."""
    answer = api.delete(f"/v1/contacts/{who}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    count: int = answer.get_json()["files"]
    return count


def text(content: bytes) -> str:
    """Everything that is in a file, unpacked, in small letters."""
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = b"".join(archive.read(name) for name in archive.namelist())
    return (content.decode("utf-16") if content[:2] == b"\xff\xfe" else content.decode("latin-1")).casefold()


def failed_rows(stack: Stack, import_id: str, key: str = API_KEY) -> list[str]:
    """The first cell of each row that failed."""
    lines = text(fetched(stack, import_id, key=key)).splitlines()
    return [line.split(",")[0] for line in lines[1:]]


def workbook(folder: Path, **more: list[list[str | float | bool]]) -> bytes:
    rows: list[list[str | float | bool]] = [[*line.split(",")] for line in FILE.splitlines()]
    return xlsx(
        folder / "b.xlsx", {"People": sheet_xml(rows), **{n: sheet_xml(r) for n, r in more.items()}}
    ).read_bytes()


KINDS: list[tuple[str, Callable[[Path], bytes]]] = [
    ("plain", lambda _: FILE.encode()),
    ("mark of UTF-8", lambda _: b"\xef\xbb\xbf" + FILE.encode()),
    ("UTF-16", lambda _: FILE.encode("utf-16")),
    ("Windows-1252", lambda _: FILE.replace("Third", "Thérèse").encode("cp1252")),
    ("gzip", lambda _: gzipped(FILE.encode())),
    ("zip", lambda _: zipped({"people.csv": FILE.encode()})),
    ("workbook", workbook),
]


@pytest.mark.parametrize("make", [each[1] for each in KINDS], ids=[each[0] for each in KINDS])
def test_nothing_of_the_person_is_left_in_any_kind_of_file(
    api: FlaskClient, stack: Stack, tmp_path: Path, make: Callable[[Path], bytes]
) -> None:
    import_id = known(api, stack, make(tmp_path))
    assert erased(api) == 1
    (left,) = kept(stack)
    assert not [trace for trace in ("zebra", "quagga") if trace in text(left)]
    assert STAYS in text(left)
    assert outcomes(api, import_id)[1][1] == "created", "the row keeps its number and its outcome"
    assert failed_rows(stack, import_id) == ["nobody", "nowhere"]


SPELT = [
    ("capitals", GONE, "ZEBRA@Example.COM"),
    ("with a name", GONE, '"Quagga, Z. <zebra@example.com>"'),
    ("among others", GONE, "zebra@example.com; second@example.com"),
    ("as a link", GONE, "mailto:zebra@example.com"),
    ("with a character that nobody sees", GONE, "zebra\u200b@example.com"),
    ("with a soft hyphen", GONE, "ze\u00adbra@example.com"),
    ("domain in ASCII", "zebra@bücher.example", "zebra@xn--bcher-kva.example"),
    ("domain in capitals", "zebra@bücher.example", "ZEBRA@BÜCHER.EXAMPLE"),
    ("accents apart", "zebra@bücher.example", unicodedata.normalize("NFD", "zebra@bücher.example")),
]


@pytest.mark.parametrize(("who", "written"), [each[1:] for each in SPELT], ids=[each[0] for each in SPELT])
def test_the_person_is_found_however_the_address_is_spelt(
    api: FlaskClient, stack: Stack, who: str, written: str
) -> None:
    known(api, stack, f"email,name\n{written},Quagga\n{STAYS},Ada\n")
    assert erased(api, who) == 1
    (left,) = kept(stack)
    assert left.decode().splitlines() == ["email,name", "(erased),", f"{STAYS},Ada"]


OTHERS = ["megazebra@example.com", "zebra@example.com.au", "zebra@example.community", "zebra2@example.com"]


@pytest.mark.parametrize("other", OTHERS)
def test_whoever_is_called_nearly_alike_stays(api: FlaskClient, stack: Stack, other: str) -> None:
    known(api, stack, f"email\n{other}\n")
    api.post("/v1/contacts?wait=0", json={"email": GONE})
    deliver(stack)
    assert erased(api) == 0
    assert other in kept(stack)[0].decode()


HIDDEN: list[tuple[str, Callable[[Path], bytes], dict[str, Any]]] = [
    ("above the column names", lambda _: f"Exported by {GONE}\n\nemail,name\n{STAYS},Ada\n".encode(), {}),
    ("below the rows", lambda _: f"email,name\n{STAYS},Ada\n\nTotal 1\n(c) {GONE} etc\n".encode(), {}),
    ("among the column names", lambda _: f"email,name,{GONE}\n{STAYS},Ada,x\n".encode(), {}),
    ("in a cell that feeds nothing", lambda _: f"email,remark\n{STAYS},ask {GONE}\n".encode(), {}),
    ("in another sheet", lambda folder: workbook(folder, More=[[GONE]]), {"options": {"sheet": "People"}}),
]


@pytest.mark.parametrize(("make", "more"), [each[1:] for each in HIDDEN], ids=[each[0] for each in HIDDEN])
def test_an_address_is_found_wherever_it_stands(
    api: FlaskClient, stack: Stack, tmp_path: Path, make: Callable[[Path], bytes], more: dict[str, Any]
) -> None:
    known(api, stack, make(tmp_path), **more)
    api.post("/v1/contacts?wait=0", json={"email": GONE})
    deliver(stack)
    assert erased(api) == 1
    assert GONE not in text(kept(stack)[0])


def test_what_a_file_was_called_is_forgotten_too(api: FlaskClient, stack: Stack) -> None:
    import_id = known(
        api,
        stack,
        FILE.replace("name\n", f"about {GONE}\n", 1),
        f"for {GONE}.csv",
        mapping={"data.about": f"about {GONE}"},
    )
    erased(api)
    with stack.services.ledger.read() as connection:
        found = str(connection.execute(select(imports)).all())
    assert GONE not in found
    assert api.get(f"{IMPORTS}/{import_id}").get_json()["file_name"] == "for (erased).csv"


def test_a_file_without_column_names_stays_readable(api: FlaskClient, stack: Stack) -> None:
    """Most of its rows are the person's: the others keep their columns."""
    import_id = known(api, stack, f"{GONE},Z\nnobody@,B\n{GONE},Q\n{GONE},X\n{STAYS},Ada\n")
    assert erased(api) == 1
    assert failed_rows(stack, import_id) == ["nobody@"]


def test_every_import_of_the_file_goes_on_with_the_new_one(api: FlaskClient, stack: Stack) -> None:
    first, second = known(api, stack), known(api, stack)
    assert first != second
    assert erased(api) == 1
    assert len(kept(stack)) == 1
    assert failed_rows(stack, first) == failed_rows(stack, second) == ["nobody", "nowhere"]


def test_two_people_are_erased_one_after_the_other(api: FlaskClient, stack: Stack) -> None:
    import_id = known(api, stack)
    assert (erased(api), erased(api, STAYS)) == (1, 1)
    assert kept(stack)[0].decode().count("(erased)") == 2
    assert failed_rows(stack, import_id) == ["nobody", "nowhere"]


def test_short_rows_stay_short(api: FlaskClient, stack: Stack) -> None:
    """What is not there is not empty."""
    known(api, stack, f"email,name,data.plan\n{GONE},Z,pro\n{STAYS},Ada\n")
    erased(api)
    assert kept(stack)[0].decode().splitlines() == ["email,name,data.plan", "(erased),,", f"{STAYS},Ada"]


def test_what_waits_of_others_still_goes_out(api: FlaskClient, stack: Stack) -> None:
    import_id = imported(api, FILE, options={"limit": 1})
    deliver(stack)
    assert erased(api) == 1
    api.post(f"{IMPORTS}/{import_id}/resume")
    deliver(stack)
    assert set(stack.crisp.people()) == {STAYS}


def test_a_person_who_waits_is_rejected_and_not_listed(api: FlaskClient, stack: Stack) -> None:
    import_id = imported(api, FILE)
    erased(api)
    deliver(stack)
    assert outcomes(api, import_id)[1] == (2, "rejected", "contact_erased")
    assert failed_rows(stack, import_id) == ["nobody", "nowhere"]
    assert set(stack.crisp.people()) == {STAYS}


def test_the_files_of_others_are_not_touched(api: FlaskClient, stack: Stack) -> None:
    known(api, stack)
    other = stack.other_client()
    theirs = imported(other, FILE)
    erased(api)
    assert FILE.encode() in kept(stack)
    assert failed_rows(stack, theirs, "ck_another-connection") == ["nobody", "nowhere"]
    store = stack.services.store
    with store.local("another", next(digest for who, digest, _ in store.every() if who == "another")) as path:
        assert path.read_bytes() == FILE.encode()


def test_a_file_that_cannot_be_read_any_more_is_dropped(api: FlaskClient, stack: Stack) -> None:
    import_id = known(api, stack)
    _overwrite(stack, b"PK\x03\x04 and then nothing")
    assert erased(api) == 1
    assert kept(stack) == []
    problem(api.get(f"{IMPORTS}/{import_id}/failures.csv"), 404, "file_forgotten")


def test_a_disk_that_is_full_loses_no_file(api: FlaskClient, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    known(api, stack)

    def full(*_: object, **__: object) -> None:
        raise Problem("files_unavailable", reason="no space left on device", retry_after=60)

    with monkeypatch.context() as without_room:
        without_room.setattr("connector.uploads.forgetting._rewritten", full)
        problem(api.delete(f"/v1/contacts/{GONE}"), 503, "files_unavailable")
    assert kept(stack) == [FILE.encode()]
    assert erased(api) == 1
    assert GONE.encode() not in b"".join(kept(stack))


def _overwrite(stack: Stack, content: bytes) -> None:
    store = stack.services.store
    (found,) = store.every()
    if isinstance(store, Directory):
        (store._folder(found[0]) / found[1]).write_bytes(content)
    with stack.services.ledger.write() as connection:
        connection.execute(update(file_parts).values(bytes=content))
