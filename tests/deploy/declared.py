"""What the files of `deploy/` say: which processes run, with which settings, and how long they may take to end."""

import re
import shlex
from configparser import RawConfigParser
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.process.running import ROOT

DEPLOY = ROOT / "deploy"
DOCKERFILE, COMPOSE, UNITS, KUBERNETES = (
    DEPLOY / name for name in ("Dockerfile", "compose.yaml", "systemd", "kubernetes")
)
TARGET = UNITS / "crisp-connector.target"
COMMON = UNITS / "crisp-connector-.service.d" / "50-common.conf"
PROGRAM = "/opt/crisp-connector/bin/crisp-connector"
# `docker stop` waits so long when nothing else is said.
_DOCKER_GRACE = 10.0
_SECONDS = {"": 1, "s": 1, "m": 60}


@dataclass(frozen=True)
class Declared:
    """One process: arguments of the program, settings, seconds that it may take to end, how many of it run."""

    args: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)
    grace: float = _DOCKER_GRACE
    replicas: int = 1

    @property
    def command(self) -> str:
        """The program's command."""
        return self.args[0]

    @property
    def ends(self) -> bool:
        """Whether it ends by itself."""
        return self.command == "migrate"

    @property
    def listens(self) -> bool:
        """Whether it answers HTTP."""
        return self.command in ("serve", "web")

    @property
    def port(self) -> int:
        """Where it listens; 8080 when nothing is said."""
        return int(self.args[self.args.index("--port") + 1]) if "--port" in self.args else 8080


def documents(path: Path) -> list[Any]:
    """Every document of a YAML file; a key that stands twice is refused."""
    return list(YAML(typ="safe", pure=True).load_all(path))


def instructions(stage: int | None = None) -> list[tuple[str, str]]:
    """The Dockerfile's instructions; of one stage, counted from 0, when that is asked for."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    found = re.findall(r"^([A-Z]+) (.*)$", "\n".join(lines).replace("\\\n", " "), re.MULTILINE)
    starts = [number for number, (name, _) in enumerate(found) if name == "FROM"] + [len(found)]
    return found if stage is None else found[starts[stage] : starts[stage + 1]]


def instruction(name: str) -> str:
    """The one instruction of this name in the image's last stage."""
    [found] = [text for each, text in instructions(-2) if each == name]
    return found


def image() -> list[Declared]:
    """What a container of the image runs when nothing else is said."""
    words = [shlex.split(instruction(name).strip("[]").replace(",", " ")) for name in ("ENTRYPOINT", "CMD")]
    assert words[0] == ["crisp-connector"]
    env = dict(re.findall(r"(CONNECTOR_\w+)=(\S+)", instruction("ENV")))
    return [Declared(tuple(words[1]), env)]


def compose() -> dict[str, Any]:
    """The services of compose.yaml."""
    [read] = documents(COMPOSE)
    services: dict[str, Any] = read["services"]
    return services


def composed() -> dict[str, Declared]:
    """Our processes in compose.yaml, by the name of their service."""
    ours = {name: each for name, each in compose().items() if each["image"].startswith("crisp-connector:")}
    return {name: _of_service(each) for name, each in ours.items()}


def _of_service(service: dict[str, Any]) -> Declared:
    grace = _in_seconds(service["stop_grace_period"]) if "stop_grace_period" in service else _DOCKER_GRACE
    env = {name: str(value) for name, value in service["environment"].items()}
    return Declared(tuple(service["command"]), env, grace, service.get("deploy", {}).get("replicas", 1))


def _in_seconds(text: str) -> float:
    number, unit = re.fullmatch(r"(\d+)([a-z]*)", text).groups()  # type: ignore[union-attr] # the schema says so
    return float(number) * _SECONDS[unit]


def unit(path: Path) -> RawConfigParser:
    """A unit, or a drop-in; of keys that stand twice the last counts."""
    parser = RawConfigParser(strict=False, delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment,method-assign] # keys are as they are written
    parser.read(path)
    return parser


def units() -> dict[str, RawConfigParser]:
    """Every unit by its name."""
    return {path.stem: unit(path) for path in sorted(UNITS.glob("*.service"))}


def started() -> dict[str, Declared]:
    """What the units run, by the name of the unit."""
    env = dict(re.findall(r"(CONNECTOR_\w+)=(\S+)", unit(COMMON)["Service"]["Environment"]))
    return {name: _of_unit(each, env) for name, each in units().items()}


def _of_unit(read: RawConfigParser, env: dict[str, str]) -> Declared:
    program, *args = shlex.split(read["Service"]["ExecStart"])
    assert program == PROGRAM
    return Declared(tuple(args), env, _in_seconds(read["Service"].get("TimeoutStopSec", "90s")))


def kustomization() -> Any:
    """The kustomization."""
    [read] = documents(KUBERNETES / "kustomization.yaml")
    return read


def object_files() -> list[str]:
    """The files that the kustomization names, and the example of the secret."""
    return [*kustomization()["resources"], "secret.example.yaml"]


def objects() -> list[Any]:
    """Every object of these files."""
    return [each for name in object_files() for each in documents(KUBERNETES / name)]


def object_of(kind: str) -> Any:
    """The only object of a kind."""
    [found] = [each for each in objects() if each["kind"] == kind]
    return found


def pods() -> dict[str, Any]:
    """The pod of every deployment and job, by its name."""
    found = [each for each in objects() if each["kind"] in ("Deployment", "Job")]
    return {each["metadata"]["name"]: each["spec"]["template"]["spec"] for each in found}


def scheduled() -> dict[str, Declared]:
    """What the pods run, by the name of their deployment or job, with configuration and secret."""
    env = {**object_of("ConfigMap")["data"], **object_of("Secret")["stringData"]}
    found = {}
    for name, pod in pods().items():
        [container] = pod["containers"]
        # The time before SIGTERM is a part of it.
        pause = container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", ["sleep", "0"])
        grace = pod.get("terminationGracePeriodSeconds", 30) - int(pause[1])
        found[name] = Declared(tuple(container["args"]), env, grace)
    return found
