"""A credential that stops working, while the service runs: it is said loudly and once, nothing is lost, and it goes on
by itself."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.process.commands import Env, result
from tests.process.running import Crisp, Running, Service, run, running, until


@pytest.fixture
def serve(env: Env, tmp_path: Path) -> Iterator[Running]:
    with running("serve", "--port", "0", "--json", env=env, folder=tmp_path) as process:
        yield process


def halted(serve: Running, crisp: Crisp) -> str:
    """Crisp refuses the key; an import of 50 waits. Its id."""
    crisp.set(key="another")
    import_id: str = Service(serve.url).batch(
        [{"email": f"p{number}@example.com", "first_name": "P"} for number in range(50)]
    )["import_id"]
    until(lambda: ready(serve)["halted"] == 1, what="the halt")
    return import_id


def ready(serve: Running) -> dict[str, Any]:
    answer = requests.get(f"{serve.url}/readyz", timeout=10)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def totals(serve: Running, import_id: str) -> dict[str, int]:
    found: dict[str, int] = Service(serve.url).get(f"/v1/imports/{import_id}").json()["totals"]
    return found


def test_a_halt_is_said_everywhere_once_and_keeps_the_work(serve: Running, crisp: Crisp, env: Env) -> None:
    import_id = halted(serve, crisp)
    assert ready(serve)["reasons"] == {"crisp_credential_refused": 1}
    assert totals(serve, import_id)["waiting"] == 50
    assert Service(serve.url).get("/v1/me").json()["halted"] == "crisp_credential_refused"
    doctor = run("doctor", "--json", env=env)
    found = next(each for each in json.loads(doctor.stdout) if each["check"].startswith("credential"))
    assert (doctor.returncode, found["found"]) == (1, "crisp_credential_refused")
    said = [line for line in serve.messages().splitlines() if "connection_halted" in line]
    assert len(said) == 1, "once, not for each record"
    assert "error" in said[0]
    calls = crisp.calls
    assert calls <= 40 + 1, "those that were in flight, and doctor's"
    Service(serve.url).post("/v1/contacts?wait=1", json={"email": "ada@example.com"})
    assert crisp.calls == calls


def test_a_running_service_goes_on_when_doctor_sees_that_it_works(serve: Running, crisp: Crisp, env: Env) -> None:
    import_id = halted(serve, crisp)
    crisp.set(key=env["CRISP_KEY"])
    assert all(each["ok"] for each in result("doctor", env=env))
    assert Service(serve.url).finished(import_id, 5)["totals"]["created"] == 50
    assert (ready(serve)["halted"], ready(serve)["reasons"]) == (0, {})


def test_a_running_service_goes_on_when_the_credential_is_replaced(serve: Running, crisp: Crisp, env: Env) -> None:
    import_id = halted(serve, crisp)
    replaced = {**env, "CRISP_KEY": "another"}
    token = ("--website-id", env["CRISP_WEBSITE_ID"], "--identifier", env["CRISP_IDENTIFIER"])
    assert result("connect", "add", *token, env=replaced)["key"] is None
    assert Service(serve.url).finished(import_id, 5)["totals"]["created"] == 50
    assert set(crisp.stats()["creations"].values()) == {1}
