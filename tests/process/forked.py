"""Commands in processes of their own, forked from one that has loaded the program: most take less time than that."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path

# Everything that a command loads, so that it is loaded once.
_LOADED = ["connector.cli", "connector.cli.importing", "connector.cli.serve", "connector.cli.inbound", __name__]
# What is read when a module is loaded, not when a command runs, is none of ours.
_OURS = ("CONNECTOR_", "CRISP_")


def fits(env: Mapping[str, str]) -> bool:
    """Whether nothing is wanted of the environment that is looked at while the program is loaded."""
    return all(name.startswith(_OURS) for name in env)


def run(command: Sequence[str], env: Mapping[str, str], stdin: str, seconds: float) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own; its whole environment is `env`. Raises `subprocess.TimeoutExpired`."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("stdin", "stdout", "stderr")]
        paths[0].write_text(stdin)
        process = _server().Process(target=_command, args=(list(command), dict(env), [str(path) for path in paths]))
        process.start()
        process.join(seconds)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(list(command), seconds)
        said = [path.read_text() for path in paths[1:]]
    return subprocess.CompletedProcess(list(command), process.exitcode, *said)


@cache
def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_LOADED)
    return context


def _command(command: list[str], env: dict[str, str], paths: list[str]) -> None:
    os.environ.clear()
    os.environ.update(env)
    for number, (path, flags) in enumerate(zip(paths, (os.O_RDONLY, _NEW, _NEW), strict=True)):
        os.dup2(os.open(path, flags), number)
    sys.stdin, sys.stdout, sys.stderr = (open(number, mode) for number, mode in enumerate("rww"))  # noqa: SIM115
    from connector.cli import main

    main(command, prog_name="crisp-connector")


_NEW = os.O_WRONLY | os.O_CREAT | os.O_APPEND
