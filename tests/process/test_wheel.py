"""The wheel by itself: installed where nothing of the checkout is, it has all it needs."""

import json
import re
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.process.running import ROOT, run


@pytest.fixture
def wheel(image: Path) -> Path:
    """The wheel of this checkout."""
    [found] = (image / "dist").glob("*.whl")
    return found


@pytest.fixture
def python(image: Path) -> Path:
    """The Python of a new environment with the wheel and what it asks for."""
    return image / "opt" / "crisp-connector" / "bin" / "python"


def shipped(folder: str, pattern: str) -> set[str]:
    """Files of the checkout, by their path below this folder."""
    root = ROOT / folder
    return {str(path.relative_to(root)) for path in root.glob(pattern) if path.is_file()}


def test_the_wheel_has_everything_that_is_needed_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {f"connector/_manifests/{name}" for name in shipped("manifests", "**/*")} <= names
    pages = {f"connector/web/{name}" for name in shipped("connector/web", "**/*") if "__pycache__" not in name}
    assert pages <= names
    assert {f"connector/{name}" for name in shipped("connector", "**/*.py")} <= names
    assert {"page.css", "connect.html", "messages.mo", "htmx-LICENSE.txt"} <= {Path(name).name for name in names}
    assert [name for name in names if not re.match(r"connector/|crisp_connector-[^/]+\.dist-info/", name)] == []
    assert [name for name in names if "test" in name.split("/") or "tests" in name.split("/")] == []


def test_the_demo_runs_from_the_wheel_alone(python: Path, tmp_path: Path) -> None:
    where = run("-c", "import connector; print(connector.__file__)", env={}, cwd=tmp_path, program=[str(python)])
    assert not Path(where.stdout.strip()).is_relative_to(ROOT), where.stdout + where.stderr
    program = [str(python.with_name("crisp-connector"))]
    shown = run("demo", "--once", "--json", env={}, cwd=tmp_path, program=program)
    assert shown.returncode == 0, shown.stderr
    told = json.loads(shown.stdout)
    assert told["problems"] == []
    assert set(told["first"]) == {path.stem for path in (ROOT / "manifests" / "sources").glob("*.json")}
    assert all(totals["created"] > 0 for totals in told["first"].values())
    assert all(totals["calls"] == 0 for totals in told["again"].values())
    assert list(tmp_path.iterdir()) == [], "it left nothing behind"
