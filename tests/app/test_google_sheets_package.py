"""The package for Google Sheets: what is made of the manifests. tests/platforms runs its script."""

import json
import re

import pytest

from connector import packages, sources
from connector.app import openapi
from connector.manifest import shipped
from connector.platforms import Files, google_sheets
from tests.core.contract import translated

ADDRESS = "https://connector.example.com/in/google_sheets/"


@pytest.fixture(scope="module")
def package() -> Files:
    """Made for nobody in particular."""
    return google_sheets.build(packages.told(shipped(), openapi()))


def columns(package: Files) -> list[tuple[str, str, str]]:
    rows = re.findall(r"^\| ([^|]+) \| `([^`]+)` \| (.+) \|$", package["README.md"].decode(), re.MULTILINE)
    return [(label, key, help_) for label, key, help_ in rows]


def test_it_tells_of_every_field(package: Files) -> None:
    told = [(label, help_) for label, _, help_ in columns(package)]
    assert told == [(field.label, field.help) for field in shipped().fields.values()]
    assert google_sheets.count(package) == (1, 0, len(told))


@pytest.mark.parametrize("key", [each.key for each in shipped().fields.values() if each.type != "data"])
def test_a_column_may_be_called_as_it_says(package: Files, key: str) -> None:
    [label] = [label for label, also, _ in columns(package) if also == key]
    example = shipped().fields[key].example
    cell = ", ".join(example) if isinstance(example, list) else example
    for name in (label, key):
        row = {"Email": "ada@example.com", name: cell}
        sent = {"sheetName": "CRM", "headers": list(row), "rowNumbers": [2], "rows": [list(row.values())]}
        [read] = translated(sources.read(sent, "google_sheets"))
        assert read.contact.flat().get(key) not in (None, [], {}), (name, read.notes)


@pytest.mark.parametrize(
    "address", [ADDRESS, f"{ADDRESS}0123", "https://a.example/'\"\\\u2028</script>/in/google_sheets/1"]
)
def test_any_address_is_one_text_in_the_script(address: str) -> None:
    line = google_sheets.script(address).splitlines()[1]
    assert line.startswith("const ADDRESS = ")
    assert json.loads(line.removeprefix("const ADDRESS = ").removesuffix(";")) == address


def test_nothing_else_in_the_script_is_anybodys(package: Files) -> None:
    assert package["Code.gs"].decode().count("connector.example.com") == 1
    assert len(re.findall(r"^function onOpen\(\)", package["Code.gs"].decode(), re.MULTILINE)) == 1
