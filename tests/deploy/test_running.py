"""The very commands that image, compose, units and pods run, as processes: they start, deliver, and end in time."""

import re
import socket
import subprocess
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import requests

from tests.deploy import declared
from tests.deploy.declared import Declared
from tests.process.running import Crisp, Running, Service, run, running

_UNITS = declared.started()
SETUPS: dict[str, Mapping[str, Declared]] = {
    "image": {"serve": declared.image()[0]},
    "compose": declared.composed(),
    "systemd together": {name: _UNITS[f"crisp-connector-{name}"] for name in ("migrate", "serve")},
    "systemd apart": {name: _UNITS[f"crisp-connector-{name}"] for name in ("migrate", "web", "work@")},
    "kubernetes": declared.scheduled(),
}
# Who shares a directory keeps SQLite in it.
_ONE_MACHINE = ("image", "systemd together", "systemd apart")


@dataclass(frozen=True)
class Place:
    """What stands where the files name something that is not here: servers, directories, what a user fills in."""

    folder: Path
    settings: Mapping[str, str]
    database: str
    redis: str
    shared: bool

    def env(self, name: str, each: Declared) -> dict[str, str]:
        """The environment of a process."""
        given = {variable: self._filled(value) for variable, value in each.env.items() if value}
        env = {**self.settings, **given, "CONNECTOR_DATA_DIR": str(self.folder / ("data" if self.shared else name))}
        for variable, ours in (("CONNECTOR_DATABASE_URL", self.database), ("CONNECTOR_QUEUE_URL", self.redis)):
            if variable in given:
                assert given[variable].partition("://")[0] == ours.partition("://")[0]
                env[variable] = ours
        return env

    def _filled(self, value: str) -> str:
        return re.sub(r"\$\{(\w+):\?[^}]*\}", lambda found: self.settings[found[1]], value)


def command_of(each: Declared) -> list[str]:
    """Its arguments, with a port that is free instead of the declared one."""
    args = list(each.args)
    if "--port" in args:
        del args[args.index("--port") : args.index("--port") + 2]
    return [*args, *(("--port", "0") if each.listens else ()), "--json"]


@pytest.fixture
def place(
    request: pytest.FixtureRequest, tmp_path: Path, settings: dict[str, str], database: str, redis_url: str
) -> Place:
    """The place of the set-up that is tested."""
    return Place(tmp_path, settings, database, redis_url, request.getfixturevalue("setup") in _ONE_MACHINE)


@pytest.mark.parametrize("setup", SETUPS)
def test_it_starts_delivers_and_ends_in_time(setup: str, place: Place, crisp: Crisp, program: str) -> None:
    for name, each in SETUPS[setup].items():
        if each.ends:
            ended = run(*command_of(each), env=place.env(name, each), program=[program], cwd=place.folder)
            assert ended.returncode == 0, ended.stderr
    begun = partial(_begun, place, program)
    with ExitStack() as stack:
        started = [
            (each, stack.enter_context(begun(f"{name}-{number}", each)))
            for name, each in SETUPS[setup].items()
            for number in range(0 if each.ends else each.replicas)
        ]
        urls = [process.url for each, process in started if each.listens]
        assert urls
        for number, url in enumerate(urls):
            _check(url, f"p{number}@example.com")
        assert set(crisp.people()) == {f"p{number}@example.com" for number in range(len(urls))}
        for each, process in started:
            assert process.stop(each.grace) == 0, process.messages()
            assert "Traceback" not in process.messages()


def _begun(place: Place, program: str, name: str, each: Declared) -> AbstractContextManager[Running]:
    return running(*command_of(each), env=place.env(name, each), folder=place.folder, program=[program])


def _check(url: str, email: str) -> None:
    """It lives, it is ready, and what it takes reaches Crisp while it waits."""
    paths = {probe["httpGet"]["path"] for probe in _probes()}
    assert paths == {"/healthz", "/readyz?queue=0"}
    for path in paths:
        assert requests.get(url + path, timeout=10).status_code == 200, path
    answer = Service(url).post("/v1/contacts", json={"email": email, "first_name": "P"})
    assert (answer.status_code, answer.json()["status"]) == (200, "created"), answer.text


def _probes() -> list[dict[str, dict[str, str]]]:
    [container] = declared.pods()["crisp-connector-web"]["containers"]
    return [container[name] for name in ("startupProbe", "livenessProbe", "readinessProbe")]


@pytest.mark.parametrize(
    "name", [name for name, each in declared.units().items() if each["Service"]["Type"] == "notify"]
)
def test_a_unit_that_systemd_waits_for_says_that_it_is_ready(name: str, tmp_path: Path, program: str) -> None:
    path = tmp_path / "notify"
    env = {"CONNECTOR_DATA_DIR": str(tmp_path / "data"), "NOTIFY_SOCKET": str(path)}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(path))
        told.settimeout(20)
        with running(*command_of(_UNITS[name]), env=env, folder=tmp_path, program=[program]) as process:
            assert b"READY=1" in told.recv(1000).split(b"\n")
            assert process.stop() == 0


# Everything but the given directory is read-only, files in memory too, and no memory is ever writable and
# executable: arguments are the directory and the command. 65 is PR_SET_MDWE, which Linux has since 6.3; systemd
# forbids the same with a filter.
_JAIL = (
    'mount --bind "$1" "$1" && mount -o remount,ro,bind / && '
    '{ ! mountpoint -q /dev/shm || mount -o remount,ro,bind /dev/shm; } && shift && exec "$@"'
)
_NO_NEW_CODE = (
    "import ctypes, os, sys; assert ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) == 0; os.execv(sys.argv[1], sys.argv[1:])"
)


def jail(folder: Path, python: str) -> list[str]:
    """What to put before a command; left out loudly where Linux does not allow it."""
    closed = ["unshare", "--map-root-user", "--mount", "sh", "-c", _JAIL, "sh", str(folder), python, "-c", _NO_NEW_CODE]
    tried = subprocess.run([*closed, "/bin/true"], capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"LEFT OUT: no read-only root here: {tried.stderr.strip().splitlines()[-1]}")
    return closed


def test_it_works_with_a_read_only_root(crisp: Crisp, tmp_path: Path, image: Path, program: str) -> None:
    open_ = tmp_path / "writable"
    (open_ / "tmp").mkdir(parents=True)
    closed = jail(open_, str(image / "opt" / "crisp-connector" / "bin" / "python"))
    refused = subprocess.run([*closed, "/usr/bin/touch", str(tmp_path / "file")], capture_output=True, text=True)
    assert refused.returncode != 0, "the jail is one"
    env = {**crisp.env, "CONNECTOR_DATA_DIR": str(open_ / "data"), "TMPDIR": str(open_ / "tmp")}
    with running("serve", "--port", "0", "--json", env=env, folder=tmp_path, program=[*closed, program]) as process:
        _check(process.url, "ada@example.com")
        assert process.stop() == 0
        assert "Traceback" not in process.messages()
