"""The databases that benchmarks run on: the embedded one, and a PostgreSQL of our own that waits for its disk."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests import postgres

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
ALL = (SQLITE, POSTGRESQL)


class _Durable(postgres.Own):
    """As in operation, where the tests' gains time."""

    def _run(self, program: str, *flags: str) -> "subprocess.Popen[bytes]":
        kept = [flag.replace("full_page_writes=off", "full_page_writes=on") for flag in flags if flag != "-F"]
        return super()._run(program, *kept)


@contextmanager
def opened(name: str) -> Iterator[Callable[[], str]]:
    """What tells the URL of a new, empty database; none for SQLite, which is a file in each data directory."""
    with ExitStack() as stack:
        if name == SQLITE:
            yield lambda: ""
            return
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="connector-postgres-")))
        server = _Durable(postgres._binaries(), folder)
        stack.callback(server.stop)
        server.start()
        yield lambda: stack.enter_context(postgres.database(server.url))


def present(names: Sequence[str]) -> Sequence[str]:
    """Those of them that there are here; what is left out is told."""
    if POSTGRESQL not in names:
        return names
    try:
        postgres._binaries()
    except postgres.NoServer as problem:
        print(f"LEFT OUT: {POSTGRESQL}: {problem}", file=sys.stderr)
        return [name for name in names if name != POSTGRESQL]
    return names
