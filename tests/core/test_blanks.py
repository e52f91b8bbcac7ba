"""Blanks: absent, null and empty are three things, and none of them destroys what is there by accident."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from connector.contact import Contact, merge
from connector.convert import Given
from connector.manifest import Manifest, load, manifests_root, shipped
from connector.mapping import Rules, translate
from connector.record import Record

ABSENT = object()
EMPTY = {"empty": "", "spaces": "  ", "no-break": "\u00a0", "empty-list": [], "empty-object": {}, "blanks": ["", None]}
BLANKS = {"absent": ABSENT, "null": None, **EMPTY, "dash": "-", "n-a": "N/A", "null-text": "null"}
FIELDS = [key for key in shipped().fields if key not in ("email", "segments", "data")]


def contact_of(name: str, value: Any, manifest: Manifest | None = None) -> Contact:
    """What a record says that has an email and this value; ABSENT leaves the name out."""
    manifest = manifest or shipped()
    values = {"email": "ada@example.com"} | ({} if value is ABSENT else {name: value})
    return translate(Record(values), manifest.sources["generic"], manifest, Rules(Given())).contact


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize("key", FIELDS)
def test_promise_6_a_blank_keeps_every_field(key: str, blank: str) -> None:
    known = Contact({"email": "ada@example.com", key: shipped().fields[key].example})
    assert merge(known, contact_of(key, BLANKS[blank])) == known


@pytest.mark.parametrize("blank", BLANKS)
def test_promise_6_a_blank_keeps_the_segments(blank: str) -> None:
    known = Contact({"email": "ada@example.com"}, ("vip",))
    assert merge(known, contact_of("segments", BLANKS[blank])) == known


@pytest.mark.parametrize(
    ("blank", "data"),
    [
        ("absent", {"plan": "pro"}),
        ("null", {"plan": None}),
        *((blank, {"plan": None}) for blank in EMPTY),
        *((blank, {"plan": "pro"}) for blank in ("dash", "n-a", "null-text")),
    ],
)
def test_promise_6_an_explicit_blank_removes_a_custom_data_key(blank: str, data: dict[str, Any]) -> None:
    known = Contact({"email": "ada@example.com"}, data={"plan": "pro"})
    assert merge(known, contact_of("data.plan", BLANKS[blank])).data == data


def with_clearing(folder: Path, *clears_on: str) -> Manifest:
    """The manifests, with the city cleared by these."""
    shutil.copytree(Path(str(manifests_root())), folder, dirs_exist_ok=True)
    declared = json.loads((folder / "fields.json").read_text(encoding="utf-8"))
    next(row for row in declared["fields"] if row["key"] == "city")["clears_on"] = list(clears_on)
    (folder / "fields.json").write_text(json.dumps(declared), encoding="utf-8")
    return load(folder)


KEEP: dict[str, Any] = {}
CLEAR: dict[str, Any] = {"city": None}


@pytest.mark.parametrize(
    ("clears_on", "absent", "null", "empty"),
    [
        ((), KEEP, KEEP, KEEP),
        (("null",), KEEP, CLEAR, KEEP),
        (("empty",), KEEP, KEEP, CLEAR),
        (("null", "empty"), KEEP, CLEAR, CLEAR),
    ],
)
def test_promise_6_absent_null_and_empty_are_three_things(
    clears_on: tuple[str, ...], absent: dict[str, Any], null: dict[str, Any], empty: dict[str, Any], tmp_path: Path
) -> None:
    manifest = with_clearing(tmp_path, *clears_on)
    for value, said in ((ABSENT, absent), (None, null), ("", empty), ("Nantes", {"city": "Nantes"})):
        assert contact_of("city", value, manifest).fields == {"email": "ada@example.com", **said}


@pytest.mark.parametrize(("key", "value"), [("phone", "call me"), ("website", "javascript:1"), ("country", "XX")])
def test_promise_6_a_value_that_cannot_be_read_does_not_clear(key: str, value: str) -> None:
    assert key not in contact_of(key, value).fields


@pytest.mark.parametrize("value", [0, False, "0", "no"])
def test_zero_and_no_are_values(value: Any) -> None:
    assert contact_of("data.answer", value).data == {"answer": value}
    assert contact_of("city", value).fields["city"] == ("false" if value is False else str(value))
