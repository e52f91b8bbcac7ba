"""`gunicorn -c deploy/gunicorn.conf.py 'connector:create_app()'`, as the file says that it is started."""

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests import postgres
from tests.deploy import declared
from tests.process.running import Crisp, Running, Service, clean, running, until

CONFIGURATION = declared.DEPLOY / "gunicorn.conf.py"


@pytest.fixture
def command(image: Path) -> list[str]:
    """The command of the file's first line, with the image's gunicorn."""
    written = re.search(r"`(gunicorn .+?)`", CONFIGURATION.read_text())
    assert written is not None
    words = shlex.split(written[1])
    assert words[1:3] == ["-c", "deploy/gunicorn.conf.py"]
    return [f"{image}/opt/crisp-connector/bin/gunicorn", "-c", str(CONFIGURATION), *words[3:]]


@contextmanager
def started(command: list[str], env: dict[str, str], folder: Path) -> Iterator[Running]:
    """gunicorn at a free port; killed with its workers when the test left it running."""
    url = f"127.0.0.1:{postgres.free_port()}"
    stderr = folder / "gunicorn.log"
    with (
        stderr.open("w") as messages,
        subprocess.Popen(
            [*command, "--bind", url], env=clean(env), stderr=messages, cwd=folder, start_new_session=True, text=True
        ) as process,
    ):
        running_ = Running(process, stderr, {"url": f"http://{url}"})
        try:
            until(lambda: _answers(running_), what="gunicorn")
            yield running_
        finally:
            if process.poll() is None:
                running_.kill()


def _answers(process: Running) -> bool:
    assert process.process.poll() is None, process.messages()
    try:
        return requests.get(f"{process.url}/healthz", timeout=10).ok
    except requests.ConnectionError:
        return False


def test_it_takes_records_and_work_delivers_them(
    command: list[str], crisp: Crisp, tmp_path: Path, program: str
) -> None:
    env = {**crisp.env, "CONNECTOR_DATA_DIR": str(tmp_path / "data")}
    with started([*command, "--workers", "2"], env, tmp_path) as web:
        service = Service(web.url)
        early = service.post("/v1/contacts?wait=0", json={"email": "early@example.com", "first_name": "E"})
        assert (early.status_code, early.json()["status"]) == (202, "waiting")
        assert crisp.calls == 0, "it delivers nothing itself"
        with running("work", "--json", env=env, folder=tmp_path, program=[program]) as work:
            late = service.post("/v1/contacts", json={"email": "late@example.com", "first_name": "L"})
            assert (late.status_code, late.json()["status"]) == (200, "created")
            assert work.stop() == 0
        assert web.stop() == 0
        assert "Traceback" not in web.messages()


def test_it_logs_json_without_anybody_s_address_and_refuses_long_lines(
    command: list[str], crisp: Crisp, tmp_path: Path
) -> None:
    env = {**crisp.env, "CONNECTOR_DATA_DIR": str(tmp_path / "data")}
    with started(command, env, tmp_path) as web:
        assert requests.get(f"{web.url}/healthz?{'x' * 9000}", timeout=10).status_code in (400, 414)
        assert requests.get(f"{web.url}/v1/contacts/ada@example.com", timeout=10).status_code == 401
        assert web.stop() == 0
        told = [json.loads(line) for line in web.messages().splitlines() if line.startswith("{")]
        assert 401 in {line.get("status") for line in told}
        assert "ada@example.com" not in web.messages()
        assert all("127.0.0.1" not in json.dumps(line) for line in told)


def test_stopping_answers_who_waits(command: list[str], crisp: Crisp, tmp_path: Path, program: str) -> None:
    """Without its hooks gunicorn would let everybody wait for as long as they asked."""
    env = {**crisp.env, "CONNECTOR_DATA_DIR": str(tmp_path / "data")}
    with started(command, env, tmp_path) as web, ThreadPoolExecutor() as threads:
        service = Service(web.url)
        asked = threads.submit(service.post, "/v1/contacts?wait=25", json={"email": "slow@example.com"})
        until(lambda: service.get("/v1/outcomes").json(), what="the record")
        assert web.stop(seconds=20) == 0
        answer = asked.result()
        assert (answer.status_code, answer.json()["status"]) == (202, "waiting")


def test_what_is_wrong_is_said_in_one_sentence(command: list[str], tmp_path: Path) -> None:
    env = {"CONNECTOR_DATA_DIR": str(tmp_path / "data"), "CONNECTOR_DRAINS": "0"}
    ended = subprocess.run(command, env=clean(env), cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert ended.returncode == 1
    assert ended.stderr.strip().startswith("Error: CONNECTOR_DRAINS makes no sense")
    assert len(ended.stderr.strip().splitlines()) == 1
