"""One service with many Crisp websites, so that every case begins with one of which nothing is known."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.process.running import PROGRAM, Crisp, Service, run, running

# All of them are connected in one process.
_CONNECT = """
import sys
from connector.cli import main
for number in range(int(sys.argv[1])):
    add = ["connect", "add", "--website-id", f"W{number}", "--identifier", sys.argv[2], "--key", sys.argv[3]]
    add += ["--no-check", "--json"]
    main(add, standalone_mode=False)
    print(",")
"""


@contextmanager
def websites(count: int, sandbox: Crisp, folder: Path) -> Iterator[list[Service]]:
    """A running service as seen by each of so many websites: with the API key of that one."""
    said = sandbox.running.said
    env = {"CONNECTOR_DATA_DIR": str(folder / "data"), "CRISP_API_URL": f"{said['url']}/v1"}
    program = (PROGRAM[0], "-c", _CONNECT)
    connected = run(str(count), said["identifier"], said["key"], env=env, program=program)
    assert connected.returncode == 0, connected.stderr
    keys = [each["key"] for each in json.loads(f"[{connected.stdout.rstrip().removesuffix(',')}]")]
    with running("serve", "--port", "0", "--json", env=env, folder=folder) as process:
        yield [Service(process.url, key) for key in keys]


def fresh(sandbox: Crisp, number: int) -> None:
    """An empty Crisp with the website of this number."""
    sandbox.reset()
    sandbox.set(website_id=f"W{number}")
