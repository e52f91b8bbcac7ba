"""Commands that end by themselves, and what they said."""

import csv
import io
import json
from pathlib import Path
from typing import Any

from tests.process.running import run

Env = dict[str, str]

# A file with which nothing is wrong: three people, custom data of two.
GOOD = "Email,First name,data.plan\nada@example.com,Ada,pro\nbo@example.com,Bo,\ncy@example.com,Cy,free\n"


def result(*command: str, env: Env, code: int = 0, **more: Any) -> Any:
    """The JSON on stdout of a command that ends with this exit code."""
    ended = run(*command, "--json", env=env, **more)
    assert ended.returncode == code, ended.stderr + ended.stdout
    return json.loads(ended.stdout)


def refused(*command: str, env: Env, **more: Any) -> str:
    """What a command says that ends with 1: one sentence on stderr, nothing on stdout."""
    ended = run(*command, env=env, **more)
    assert (ended.returncode, ended.stdout) == (1, ""), ended.stderr + ended.stdout
    assert ended.stderr.startswith("Error: "), ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stderr


def written(path: Path, value: Any) -> str:
    """A JSON file with this in it."""
    path.write_text(json.dumps(value))
    return str(path)


def people(count: int) -> list[dict[str, str]]:
    """So many records."""
    return [{"email": f"p{number}@example.com", "first_name": "P"} for number in range(count)]


def outcomes(shown: dict[str, Any]) -> dict[str, int]:
    """The totals of an import that are not 0, without the calls."""
    return {key: count for key, count in shown["totals"].items() if count and key != "calls"}


def cells(text: str) -> list[list[str]]:
    """The records of a CSV text."""
    return list(csv.reader(io.StringIO(text)))
