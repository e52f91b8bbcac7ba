"""Commands that end by themselves, and what they said."""

import json
from pathlib import Path
from typing import Any

from tests.process.running import run

Env = dict[str, str]


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
