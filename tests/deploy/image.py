"""The first stage of the Dockerfile, carried out here: its COPY and RUN lines, in a directory that stands for `/`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.deploy import declared
from tests.process.running import ROOT, clean


def build(root: Path) -> None:
    """Makes the wheel in `dist` and the environment in `opt`, from what the Dockerfile copies and nothing else."""
    source = root / "src"
    source.mkdir()
    for name, text in declared.instructions(0):
        if name == "COPY":
            for each in text.split()[:-1]:
                _copy(ROOT / each, source / each)
        elif name == "RUN":
            _run(_below(root, text), source)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def _below(root: Path, text: str) -> str:
    """A shell line with the directories of the image below this one."""
    for name in ("/opt/", "/dist"):
        text = text.replace(f" {name}", f" {root}{name}")
    return text


def _run(line: str, cwd: Path) -> None:
    python = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # Kept downloads, and nothing compiled ahead, make it faster here.
    shell = ["sh", "-c", line.replace("--no-cache-dir ", "")]
    env = clean({"PATH": python, "PIP_NO_COMPILE": "1"})
    made = subprocess.run(shell, cwd=cwd, env=env, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
