"""Zapier's core with the app in it: what Zapier would run, and what it would show."""

import io
import json
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.platforms import tools
from tests.process.running import Service

RUNNER = tools.HERE / "npm" / "zapier" / "run.cjs"


class Failed(Exception):
    """What a Zap's owner is shown; `name`: the kind of error."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name
        self.told = json.loads(message) if message.startswith("{") else {"message": message}


@dataclass
class App:
    """The app in a folder, with a connection to the service."""

    folder: Path
    auth: dict[str, str]
    definition: dict[str, Any] = field(default_factory=dict)

    def run(self, method: str, **bundle: Any) -> Any:
        """What Zapier's core gives for one call. Raises `Failed`."""
        answer = self.asked({"method": method, "bundle": {"authData": self.auth, **bundle}})
        if "error" in answer:
            raise Failed(**answer["error"])
        return answer["results"]

    def do(self, action: str, **given: Any) -> dict[str, Any]:
        """One action with these inputs."""
        done: dict[str, Any] = self.run(f"creates.{action}.operation.perform", inputData=given)
        return done

    def find(self, who: str) -> list[dict[str, Any]]:
        """The search."""
        found: list[dict[str, Any]] = self.run("searches.find_contact.operation.perform", inputData={"who": who})
        return found

    def asked(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer of the runner."""
        command, sent = (tools.node() / "node", RUNNER), json.dumps(request)
        done = subprocess.run(command, input=sent, cwd=self.folder, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        return answer


def failure(act: Callable[[], Any]) -> Failed:
    """How it fails."""
    with pytest.raises(Failed) as caught:
        act()
    return caught.value


@pytest.fixture(scope="module")
def zapier_package(served: Service, folder: Path) -> Path:
    """What the service itself hands out, with Zapier's packages beside it."""
    place = folder / "zapier"
    with zipfile.ZipFile(io.BytesIO(served.get("/manifests/zapier").content)) as archive:
        archive.extractall(place)
    (place / "node_modules").symlink_to(tools.installed("zapier") / "node_modules")
    return place


@pytest.fixture
def zapier(zapier_package: Path, service: Service) -> App:
    """The app, connected."""
    definition = json.loads((zapier_package / "definition.json").read_text())
    return App(zapier_package, {"base_url": service.url, "api_key": service.key}, definition)
