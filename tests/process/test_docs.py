"""Promise 24: documents do not drift from the code."""

import ast
import re
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import click
import pytest

from connector import create_app
from connector.cli import main
from connector.services import open_services
from connector.settings import Settings
from tests.process.running import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
WRITTEN = [page for page in PAGES if "Written by docs/generate.py" not in page.read_text()]
# What stands between backticks, and the lines of fenced blocks.
_FENCED = re.compile(r"^```[a-z]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SPANS = re.compile(r"`([^`\n]+)`")
_PROGRAM = re.compile(r"crisp-connector((?: [^\s|;&)`]+)*)")


def code_of(page: Path) -> list[str]:
    """Every line of code of a page."""
    text = page.read_text()
    blocks = [line for block in _FENCED.findall(text) for line in block.splitlines()]
    return [*blocks, *_SPANS.findall(_FENCED.sub("", text))]


def commands_of(page: Path) -> list[list[str]]:
    """Every use of the program in a page, as its words."""
    lines = [line.partition(" #")[0] for line in code_of(page)]
    return [found.split() for line in lines for found in _PROGRAM.findall(line) if found.strip()]


def logged() -> set[tuple[str, str]]:
    """Event and level of every line that the program can log by itself."""
    found = set[tuple[str, str]]()
    for path in (ROOT / "connector").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())) if "sandbox" not in path.parts else ():
            if isinstance(call, ast.Call) and ast.unparse(call.func).startswith("log."):
                level, event = ast.unparse(call.func).removeprefix("log."), ast.literal_eval(call.args[0])
                found.add((event, {"exception": "error"}.get(level, level)))
    return found


def test_every_event_of_the_log_is_explained_with_its_level_and_no_other() -> None:
    """Events of one row have one level, one each in their order, or all of those that are named."""
    text = (ROOT / "docs" / "operating.md").read_text().partition("## The log")[2]
    told = set[tuple[str, str]]()
    for names, levels in re.findall(r"^\| (`.+?`) \| ([a-z, ]+) \|", text, re.MULTILINE):
        events, ranks = re.findall(r"`(\w+)`", names), levels.split(", ")
        told |= set(zip(events, ranks, strict=True)) if len(events) == len(ranks) else set(product(events, ranks))
    assert len(logged()) > 25
    assert {each for each in told if each[0] != "library"} == logged()


def test_generated_pages_are_up_to_date() -> None:
    """As promise 24 says: settings, commands, notes and errors are what the code says that they are."""
    script = [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"]
    checked = subprocess.run(script, capture_output=True, text=True, cwd=ROOT)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_make_targets_that_are_named_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {found for line in code_of(page) for found in re.findall(r"\bmake ([a-z]+)", line)}
    assert named <= targets
    assert page.name != "README.md" or {"demo", "test", "bench"} <= named


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_commands_that_are_named_exist_with_their_options(page: Path) -> None:
    commands = commands_of(page)
    assert page.name != "README.md" or len(commands) > 5
    for words in commands:
        command: click.Command = main
        context = click.Context(main)
        for word in words:
            if word.startswith("-"):
                known = {option for each in command.get_params(context) for option in each.opts}
                assert word.partition("=")[0] in known, f"{' '.join(words)}: there is no {word}"
            elif isinstance(command, click.Group):
                found = command.get_command(context, word)
                assert found is not None, f"there is no command {' '.join(words)}"
                command = found


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_variables_that_are_named_exist(page: Path) -> None:
    declared = {each.metadata["variable"] for each in Settings.__dataclass_fields__.values()}
    named = {found for line in code_of(page) for found in re.findall(r"\b(?:CONNECTOR|CRISP)_[A-Z_]+", line)}
    assert named <= declared


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, str]]:
    """Method and address of every route; what is variable in it as {}."""
    services = open_services(Settings(data_dir=tmp_path_factory.mktemp("routes")))
    rules: Any = create_app(services).url_map.iter_rules()
    services.close()
    return {(method, re.sub(r"<[^>]+>", "{}", rule.rule)) for rule in rules for method in rule.methods or ()}


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_routes_that_are_named_exist(page: Path, routes: set[tuple[str, str]]) -> None:
    for line in code_of(page):
        for method, path in re.findall(r"\b(GET|POST|PUT|PATCH|DELETE) (/[^\s?`,;:]*)", line):
            named = re.sub(r"\{[^}]+\}|\b[A-Z]{3,}\b", "{}", path)
            fits = [rule for rule in routes if rule[0] == method and _fits(rule[1], named)]
            assert fits, f"{method} {path} is not there"


def _fits(rule: str, named: str) -> bool:
    return re.fullmatch(re.escape(rule).replace(r"\{\}", "[^/]+"), named) is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{target} is not there"
