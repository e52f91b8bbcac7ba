"""The script of Google Sheets against Google's own description of Apps Script, as its type declarations have it."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.platforms import tools
from tests.process.running import ROOT

PACKAGE = ROOT / "manifests" / "platforms" / "google_sheets"
SCRIPT = (PACKAGE / "Code.gs").read_text()


@pytest.fixture(scope="module")
def declared() -> Path:
    """Where the declarations are installed."""
    return tools.installed("apps-script")


@pytest.fixture
def checked(declared: Path, tmp_path: Path) -> Callable[[str], None]:
    """Fails when a script calls what is not declared, or calls it otherwise."""
    place = shutil.copytree(declared, tmp_path / "checked", symlinks=True)

    def check(script: str) -> None:
        (place / "Code.ts").write_text(typed(script))
        tools.ran(place / "node_modules" / ".bin" / "tsc", cwd=place, PATH=tools.path())

    return check


def test_everything_that_is_called_exists_and_is_given_what_it_takes(checked: Callable[[str], None]) -> None:
    checked(SCRIPT)


@pytest.mark.parametrize(
    ("right", "wrong"), [(".setNotes(", ".setNodes("), ("waitLock(30000)", "waitLock()"), ("getSheetId()", "getGid()")]
)
def test_a_call_that_google_does_not_have_would_be_found(
    checked: Callable[[str], None], right: str, wrong: str
) -> None:
    with pytest.raises(AssertionError, match="error TS"):
        checked(SCRIPT.replace(right, wrong))


def test_the_manifest_asks_for_what_is_needed_and_for_no_more(declared: Path) -> None:
    asked = set(json.loads((PACKAGE / "appsscript.json").read_text())["oauthScopes"])
    called = set(re.findall(r"\.(\w+\(\)?)", SCRIPT))
    wanted = [(name, scopes) for name, scopes in scopes_of(declared) if name in called]
    assert [name for name, scopes in wanted if not scopes & asked] == []
    assert asked <= set().union(*(scopes for _, scopes in wanted))
    assert "https://www.googleapis.com/auth/spreadsheets" not in asked, "which are all spreadsheets of an account"


def test_pasted_without_the_manifest_it_asks_for_this_spreadsheet_alone() -> None:
    """Apps Script guides, authorization scopes: the annotation narrows what Google finds out by itself."""
    assert SCRIPT.startswith("/** @OnlyCurrentDoc */\n")


def typed(script: str) -> str:
    """The script with the types of what its functions are given, so that calls on it are checked."""
    types = {"sheet": "Spreadsheet.Sheet", "range": "Spreadsheet.Range", "event": "Events.SheetsOnEdit"}

    def told(function: re.Match[str]) -> str:
        return re.sub(
            r"\b(sheet|range|event)\b", lambda name: f"{name[0]}: GoogleAppsScript.{types[name[0]]}", function[0]
        )

    return re.sub(r"^function \w+\(.*\) \{$", told, script, flags=re.MULTILINE)


def scopes_of(declared: Path) -> Iterator[tuple[str, set[str]]]:
    """Methods of the services that the script uses, as `name()` or `name(` where they take something, with the scopes
    of which one is needed."""
    for service in ("spreadsheet", "script", "url-fetch", "base", "properties", "lock", "utilities"):
        text = (declared / "node_modules" / "gas-types-detailed" / f"google-apps-script.{service}.d.ts").read_text()
        for comment, name in re.findall(r"/\*\*((?:(?!\*/).)*)\*/\s*(\w+\(\)?)", text, re.DOTALL):
            if scopes := set(re.findall(r"^\s*\* - (https://www\.googleapis\.com/auth/\S+)$", comment, re.MULTILINE)):
                yield name, scopes
