"""A sandbox in this process, spoken to through Flask's test client, and one in a process of its own."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from flask.testing import FlaskClient
from pytest_httpserver import HTTPServer

from connector.sandbox import Options, create_app
from tests.sandbox.receiver import Receiver


class Clock:
    """A clock that a test sets: noon UTC of some day, until it is moved."""

    def __init__(self) -> None:
        self.now = 20_000 * 86_400 + 43_200.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def start(clock: Clock) -> Callable[..., FlaskClient]:
    """`start(segments="append")`: a client of a new sandbox with these switches, website W and the right token."""

    def start(**switches: Any) -> FlaskClient:
        options = Options(**{"website_id": "W", "identifier": "I", "key": "K", **switches})
        client = create_app(options, clock=clock).test_client()
        token = base64.b64encode(f"{options.identifier}:{options.key}".encode()).decode()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Basic {token}"
        client.environ_base["HTTP_X_CRISP_TIER"] = options.tier
        return client

    return start


@pytest.fixture
def client(start: Callable[..., FlaskClient]) -> FlaskClient:
    return start()


@pytest.fixture
def add(client: FlaskClient) -> Callable[..., str]:
    """`add("ada@example.com", segments=["vip"])`: the people_id of a new profile."""

    def add(email: str = "ada@example.com", nickname: str = "Ada", **fields: Any) -> str:
        person = {"nickname": nickname, **fields.pop("person", {})}
        body = {"email": email, "person": person, **fields}
        answer = client.post("/v1/website/W/people/profile", json=body)
        assert answer.status_code == 201, answer.get_json()
        people_id: str = answer.get_json()["data"]["people_id"]
        return people_id

    return add


@pytest.fixture
def receiver(httpserver: HTTPServer) -> Receiver:
    return Receiver(httpserver)


@pytest.fixture
def serve() -> Callable[..., AbstractContextManager[tuple[dict[str, str], "subprocess.Popen[str]"]]]:
    """`with serve("--rate", "5") as (address, process)`: a sandbox under gunicorn; the address is its first line."""

    @contextmanager
    def serve(*flags: str) -> Iterator[tuple[dict[str, str], "subprocess.Popen[str]"]]:
        command = [sys.executable, "-m", "connector.sandbox", "--port", "0", *flags]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                yield json.loads(process.stdout.readline()), process
            finally:
                process.terminate()

    return serve
