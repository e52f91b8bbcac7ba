"""The image's program: what the Dockerfile makes is whole, and its checks tell whether it lives."""

import re
import shlex
import subprocess
from pathlib import Path

from tests.deploy import declared
from tests.process.running import clean, running


def test_it_has_all_that_it_asks_for_and_every_driver(image: Path) -> None:
    python = image / "opt" / "crisp-connector" / "bin" / "python"
    code = "import connector, psycopg, redis; print(connector.__file__)"
    told = subprocess.run([python, "-c", code], capture_output=True, text=True, env=clean({}), cwd=image)
    assert told.returncode == 0, told.stderr
    assert Path(told.stdout.strip()).is_relative_to(image), "it is the wheel's, not the checkout's"
    pip = subprocess.run([python, "-m", "pip", "check"], capture_output=True, text=True, env=clean({}))
    assert pip.returncode == 0, pip.stdout


def test_the_checks_see_whether_it_answers(image: Path, program: str, tmp_path: Path) -> None:
    written = declared.instruction("HEALTHCHECK").partition("CMD ")[2]
    ours = shlex.split(written.strip("[]").replace('", "', '" "'))
    kind, *composed = declared.compose()["web"]["healthcheck"]["test"]
    assert kind == "CMD"
    env = {"CONNECTOR_DATA_DIR": str(tmp_path / "data")}
    with running("web", "--port", "0", "--json", env=env, folder=tmp_path, program=[program]) as process:
        port = process.url.rpartition(":")[2]
        assert [_code(image, each, port) for each in (ours, composed)] == [0, 0]
        assert process.stop() == 0
    assert 0 not in [_code(image, each, port) for each in (ours, composed)]


def _code(image: Path, command: list[str], port: str) -> int:
    """The exit code of a check, sent to this port instead."""
    there = [re.sub(r":8080/", f":{port}/", word) for word in command]
    assert there != command
    path = f"{image}/opt/crisp-connector/bin"
    return subprocess.run([f"{path}/{there[0]}", *there[1:]], capture_output=True, env=clean({})).returncode
