"""The sandbox stands alone: it is a stand-in for Crisp, so it must not share a mistake with the connector."""

import ast
import subprocess
import sys
from pathlib import Path

import connector.sandbox

PACKAGE = Path(connector.sandbox.__file__).parent


def test_it_imports_nothing_of_the_connector() -> None:
    """Every import of the package's own is relative with one dot: from a module beside it."""
    for path in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level < 2, f"{path.name}:{node.lineno}"
                names = [node.module or ""] if node.level == 0 else []
            assert not [name for name in names if name.split(".")[0] == "connector"], f"{path.name}:{names}"


def test_its_public_names() -> None:
    assert sorted(connector.sandbox.__all__) == ["Options", "command", "create_app"]


def test_it_can_be_run_as_a_module() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "connector.sandbox", "--help"], capture_output=True, text=True, check=True
    )
    assert "Usage: python -m connector.sandbox" in run.stdout
