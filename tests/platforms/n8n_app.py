"""The real n8n: things are imported by its command line, and the rest is done as its editor does it."""

import json
import os
import secrets
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from tests.platforms.tools import installed, node, path, ran
from tests.postgres import free_port
from tests.process.running import until

_OWNER = {
    "email": "owner@example.com",
    "firstName": "Ada",
    "lastName": "Owner",
    "password": secrets.token_urlsafe(16) + "aA1",
}


@dataclass
class N8n:
    """An n8n with a folder of its own, and the community nodes of `package` beside its own."""

    folder: Path
    package: Path
    port: int = field(default_factory=free_port)
    broker: int = field(default_factory=free_port)
    session: requests.Session = field(default_factory=lambda: _session())
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        """Its settings: nothing is asked of the world."""
        quiet = ("DIAGNOSTICS", "VERSION_NOTIFICATIONS", "TEMPLATES", "PERSONALIZATION")
        return {
            **{f"N8N_{each}_ENABLED": "false" for each in quiet},
            "PATH": path(),
            "DB_TYPE": "sqlite",
            "N8N_USER_FOLDER": str(self.folder),
            "N8N_ENCRYPTION_KEY": "for the tests",
            "N8N_CUSTOM_EXTENSIONS": str(self.package),
            "N8N_LISTEN_ADDRESS": "127.0.0.1",
            "N8N_PORT": str(self.port),
            "N8N_RUNNERS_BROKER_PORT": str(self.broker),
            "N8N_SECURE_COOKIE": "false",
            # As docs/subscriptions.md says for the Code node that checks signatures.
            "NODE_FUNCTION_ALLOW_BUILTIN": "crypto",
            "WEBHOOK_URL": f"{self.url}/",
        }

    def take(self, what: str, things: list[Mapping[str, Any]]) -> str:
        """Imports workflows or credentials by the command line; what it printed."""
        file = self.folder / f"{what}.json"
        file.write_text(json.dumps(things))
        return ran(*_program(), f"import:{what}", f"--input={file}", cwd=self.folder, seconds=180, **self.env)

    def start(self) -> None:
        """Starts it, or starts it again."""
        with (self.folder / "n8n.log").open("a") as log:
            command, env = [*_program(), "start"], {**os.environ, **self.env}
            self.process = subprocess.Popen(command, cwd=self.folder, env=env, stdout=log, stderr=log)
        until(self._is_ready, 120, "n8n")

    def stop(self) -> None:
        """Ends it as a machine that is shut down does."""
        if self.process:
            self.process.terminate()
            self.process.wait(60)

    def restart(self) -> None:
        """Ends it and starts it again."""
        self.stop()
        self.start()

    def sign_up(self) -> None:
        """Makes its owner, who is signed in from then on."""
        self.ask("POST", "/owner/setup", json=_OWNER)

    def cookies(self) -> dict[str, str]:
        """What makes a browser signed in as its owner."""
        return {each.name: str(each.value) for each in self.session.cookies}

    def ask(self, method: str, path: str, **more: Any) -> Any:
        """What the editor is answered."""
        answer = self.session.request(method, f"{self.url}/rest{path}", timeout=60, **more)
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text[:1_000]}"
        return answer.json()["data"]

    def activate(self, workflow: str) -> None:
        """Switches a workflow on, as its editor does."""
        shown = self.ask("GET", f"/workflows/{workflow}")
        self.ask("POST", f"/workflows/{workflow}/activate", json={"versionId": shown["versionId"]})

    def deactivate(self, workflow: str) -> None:
        """Switches it off."""
        self.ask("POST", f"/workflows/{workflow}/deactivate", json={})

    def run(self, workflow: str, start: str) -> None:
        """Runs it by hand from one of its triggers, to its end."""
        made = self.ask("POST", f"/workflows/{workflow}/run", json={"triggerToStartFrom": {"name": start}})
        until(lambda: self.ask("GET", f"/executions/{made['executionId']}")["status"] == "success", 40, workflow)

    def options(
        self, kind: str, form: Mapping[str, Any], name: str, credentials: Mapping[str, Any], **more: Any
    ) -> Any:
        """The choices of a dropdown in a form, as the editor loads them."""
        asked = {"path": f"parameters.{name}", "nodeTypeAndVersion": {"name": kind, "version": 1}}
        body = {**asked, "currentNodeParameters": form, "credentials": credentials, **more}
        return self.ask("POST", "/dynamic-node-parameters/options", json=body)

    def call(self, hook: str, body: Any) -> requests.Response:
        """Posts something to a webhook of an active workflow; a moment after it was switched on it is there."""

        end = time.monotonic() + 20
        while (answer := requests.post(f"{self.url}/webhook/{hook}", json=body, timeout=60)).status_code == 404:
            assert time.monotonic() < end, f"{hook} is not there"
            time.sleep(0.1)
        return answer

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz/readiness", timeout=2).ok
        except requests.RequestException:
            return False


def _session() -> requests.Session:
    """It closes what was idle for 5 seconds, maybe just as it is asked again: what only reads is then asked anew."""
    session = requests.Session()
    session.mount("http://", HTTPAdapter(max_retries=3))
    return session


def _program() -> tuple[str, str]:
    place = installed("n8n", "--ignore-scripts", built=("sqlite3",))
    return str(node() / "node"), str(place / "node_modules" / "n8n" / "bin" / "n8n")
