"""docs/platforms/google-sheets.md: every snippet is run, and the sheet that it shows becomes what it shows."""

import json
import re
from pathlib import Path

from tests.platforms.spreadsheets import ALL, CONNECT, SELECTED, Cell, Spreadsheet
from tests.platforms.tools import ran
from tests.process.running import ROOT, Crisp, Service

PAGE = (ROOT / "docs" / "platforms" / "google-sheets.md").read_text()
MAKE, FETCH, PACKAGE = re.findall(r"^```bash\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
[SHOWN] = re.findall(r"^```\n(Email .*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def cells(line: str) -> list[Cell]:
    """A line of the sheet that the page shows, by the places of the names."""
    places = [match.start() for match in re.finditer(r"\S+", SHOWN.splitlines()[0])]
    return [line[first:last].strip() for first, last in zip(places, [*places[1:], None], strict=True)]


def test_from_nothing_to_the_first_contact(service: Service, crisp: Crisp, tmp_path: Path) -> None:
    inbound = json.loads(ran("bash", "-euc", MAKE, cwd=tmp_path, URL=service.url, KEY=service.key))
    ran("bash", "-euc", FETCH, cwd=tmp_path, URL=service.url, KEY=service.key, ID=inbound["id"])
    header, *lines = [cells(line) for line in SHOWN.splitlines()]
    sheet = Spreadsheet((tmp_path / "Code.gs").read_text(), [header[:-1], *(line[:-1] for line in lines)])
    assert sheet.choose(CONNECT, inbound["secret"]).said[-1].startswith("Connected.")
    sheet.choose(SELECTED, selected=[[2, 1]])
    assert sheet.column()[0] == "created"
    assert [*crisp.people()] == ["ada@example.com"]
    sheet.choose(ALL)
    assert sheet.header() == header
    assert sheet.column() == ["unchanged", *(line[-1] for line in lines[1:])]


def test_the_package_is_handed_out_with_the_address(service: Service, tmp_path: Path) -> None:
    ran("bash", "-euc", PACKAGE, cwd=tmp_path, URL=service.url)
    [*names] = sorted(each.name for each in (tmp_path / "send-to-crisp").iterdir())
    assert names == ["Code.gs", "README.md", "appsscript.json"]
    assert all(service.url in (tmp_path / "send-to-crisp" / name).read_text() for name in names[:2])


def test_it_takes_fewer_than_ten_steps() -> None:
    steps = PAGE.partition("\n## ")[0]
    assert [int(number) for number in re.findall(r"^(\d+)\. ", steps, re.MULTILINE)] == [*range(1, 8)]


def test_every_item_of_the_menu_and_every_word_of_the_script_is_explained() -> None:
    script = (ROOT / "manifests" / "platforms" / "google_sheets" / "Code.gs").read_text()
    items = re.findall(r"\.addItem\('([^']+)'", script)
    assert [item for item in items if item != "Help" and f"| {item} |" not in PAGE] == []
    assert "Send rows that failed or wait again" in PAGE
    words = ("created", "updated", "unchanged", "superseded", "rejected", "waiting", "failed", "not sent")
    assert [word for word in words if not re.search(rf"^\|.*`{word}(: …)?`.*\|.*\|$", PAGE, re.MULTILINE)] == []
