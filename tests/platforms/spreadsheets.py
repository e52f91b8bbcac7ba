"""A spreadsheet with our Apps Script in it, and people who use it."""

import json
import re
import subprocess
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from connector.notes import CODES as NOTES
from tests.platforms import tools
from tests.process.running import Service

Cell = Any
HEADER: list[Cell] = ["Email", "Name", "City"]
NOBODY: list[Cell] = ["", "Nobody", "Nowhere"]
ALL, SELECTED, AGAIN = "Send all rows", "Send selected rows", "Send rows that failed or wait again"
START, STOP, CONNECT = "Send changes by itself", "Stop sending by itself", "Connect…"
NO_EMAIL = "rejected: " + NOTES["email_missing"][1]
_STAND_IN = Path(__file__).with_name("apps_script.cjs")
_TESTS = count()


@dataclass(frozen=True, slots=True)
class Seen:
    """What a person saw, and what was asked of the connector meanwhile. `slept`: milliseconds."""

    said: list[str]
    toasts: list[str]
    requests: list[dict[str, Any]]
    slept: list[int]
    menu: dict[str, Any] | None

    @property
    def rows(self) -> list[int]:
        """Numbers of the rows that were sent, in all requests."""
        return [number for each in self.requests for number in json.loads(each["payload"]).get("rowNumbers", [])]


@dataclass
class Spreadsheet:
    """`cells` of its first sheet, CRM: texts, numbers, `{"date": …}` or `{"formula": …, "value": …}`."""

    script: str
    cells: list[list[Cell]]
    zone: str = "Europe/Paris"
    state: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.state = {"zone": self.zone, "properties": {}, "users": {}, "triggers": [], "sheets": []}
        self.add("CRM", self.cells)

    def add(self, name: str, cells: list[list[Cell]], columns: int = 26) -> None:
        """One more sheet, with so many columns in all."""
        more = {"id": len(self.state["sheets"]), "name": name, "columns": columns}
        self.state["sheets"].append({**more, "cells": cells, "notes": [], "colours": []})

    def short(self) -> None:
        """Two rows in a request from now on, so that few rows are many."""
        self.script, found = re.subn(r"(?m)^const MOST_ROWS = \d+;$", "const MOST_ROWS = 2;", self.script)
        assert found == 1

    def choose(self, menu: str, *answers: str | None, **more: Any) -> Seen:
        """Somebody chooses an item of the menu, and answers what is asked: None cancels."""
        return self._does({"as": "ada", "menu": menu, "answers": list(answers), "sheet": "CRM", **more})

    def run(self, function: str, row: int) -> Seen:
        """Somebody runs a function of the script in its editor, with the cursor in this row."""
        return self._does({"as": "ada", "run": function, "cell": [row, 1], "sheet": "CRM"})

    def edit(self, row: int, column: int, *values: list[Cell], **more: Any) -> Seen:
        """Somebody types or pastes these rows there."""
        return self._does({"sheet": "CRM", **more, "edit": {"row": row, "column": column, "values": list(values)}})

    def submit(self, *answers: Cell, **more: Any) -> Seen:
        """Somebody answers the form of the sheet."""
        return self._does({"sheet": "CRM", **more, "submit": list(answers)})

    def sheet(self, name: str = "CRM") -> dict[str, Any]:
        """A sheet as it is."""
        found: dict[str, Any] = next(each for each in self.state["sheets"] if each["name"] == name)
        return found

    def header(self, name: str = "CRM") -> list[str]:
        """Its first row."""
        return [str(cell) for cell in self.sheet(name)["cells"][0]]

    def column(self, of: str = "cells") -> list[Any]:
        """The status column below its name, or its `notes` or `colours`; "" where there is nothing."""
        place, lines = self.header().index("Crisp"), self.sheet()["cells"][1:]
        held = self.sheet()[of][1:] + [[]] * len(lines)
        return [line[place] if place < len(line) else "" for line, _ in zip(held, lines, strict=False)]

    def _does(self, step: dict[str, Any]) -> Seen:
        said = json.dumps({"script": self.script, "state": self.state, "steps": [step]})
        command = [str(tools.node() / "node"), str(_STAND_IN)]
        done = subprocess.run(command, input=said, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        self.state = told["state"]
        [seen] = told["told"]
        return Seen(**seen)


@dataclass(frozen=True, slots=True)
class People:
    """People of one test's own, for the service remembers whom it has told Crisp of."""

    number: int

    def mail(self, name: str) -> str:
        """The address of somebody."""
        return f"{name}.{self.number}@example.com"

    @property
    def ada(self) -> list[Cell]:
        """A row."""
        return [self.mail("ada"), "Ada Lovelace", "London"]

    @property
    def grace(self) -> list[Cell]:
        """Another."""
        return [self.mail("grace"), "Grace Hopper", "Arlington"]

    def rows(self, count: int) -> list[list[Cell]]:
        """So many others."""
        return [[self.mail(f"p{number}"), f"Person {number}", "Paris"] for number in range(count)]


def address(service: Service) -> dict[str, Any]:
    """A new address for sheets, with its secret."""
    made = service.post("/v1/inbound", json={"source": "google_sheets"})
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def connected(service: Service, inbound: dict[str, Any], *cells: list[Cell]) -> Spreadsheet:
    """A spreadsheet with the script as it is served, and the secret."""
    script = service.get(f"/v1/inbound/{inbound['id']}/script").text
    made = Spreadsheet(script, [HEADER, *cells])
    assert made.choose(CONNECT, inbound["secret"]).said[-1].startswith("Connected.")
    return made


@pytest.fixture
def people() -> People:
    """Nobody knows them."""
    return People(next(_TESTS))


@pytest.fixture(scope="module")
def inbound(served: Service) -> dict[str, Any]:
    """An address for the sheets of a module."""
    return address(served)


@pytest.fixture
def sheet(service: Service, inbound: dict[str, Any], people: People) -> Spreadsheet:
    """Two people and, between them, somebody without an address."""
    return connected(service, inbound, people.ada, NOBODY, people.grace)
