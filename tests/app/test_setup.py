"""The first start over HTTP: only the code of the log opens a service that nobody has a key of."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector import first_start
from connector.app import create_app
from connector.services import Services, open_services
from connector.settings import Settings
from tests.app.openapi import CheckedClient
from tests.app.stack import CRISP_KEY, IDENTIFIER, WEBSITE, Crisp, problem, settings_for

TOKEN = {"website_id": WEBSITE, "identifier": IDENTIFIER, "key": CRISP_KEY}


class Fresh:
    """A service at its first start."""

    def __init__(self, services: Services) -> None:
        self.services, app = services, create_app(services)
        app.test_client_class = CheckedClient
        self.client = app.test_client()

    def post(self, code: Any, **sent: Any) -> Any:
        return self.client.post("/v1/setup", json={"code": code, **sent})


@pytest.fixture
def fresh(tmp_path: Path, sandboxed: Crisp) -> Iterator[Fresh]:
    """Without a website."""
    sandboxed.reset()
    services = open_services(Settings(data_dir=tmp_path, crisp_api_url=f"{sandboxed.url}/v1"))
    yield Fresh(services)
    services.close()


def test_the_code_connects_a_website_and_gives_a_key(fresh: Fresh) -> None:
    code = first_start.new_code(fresh.services)
    made = fresh.post(code and code.lower().replace("-", " "), **TOKEN, label="My Shop")
    assert made.status_code == 201, made.get_json()
    me = fresh.client.get("/v1/me", headers={"X-API-Key": made.get_json()["key"]}).get_json()
    assert (me["id"], me["label"], me["scopes"]) == (WEBSITE, "My Shop", ["read", "write", "admin"])
    problem(fresh.post(code, **TOKEN), 409, "setup_done")
    assert first_start.new_code(fresh.services) is None


def test_a_wrong_code_and_the_one_of_an_earlier_start_open_nothing(fresh: Fresh) -> None:
    earlier, _ = first_start.new_code(fresh.services), first_start.new_code(fresh.services)
    for code in (earlier, "AAAA-AAAA-AAAA", "é\u202e"):
        problem(fresh.post(code, **TOKEN), 401, "setup_code_wrong")
    for wrong in ("", None, 7):
        problem(fresh.post(wrong, **TOKEN), 422, "parameter_invalid")
    assert first_start.is_open(fresh.services)


def test_guessing_is_slowed_down(fresh: Fresh) -> None:
    code = first_start.new_code(fresh.services)
    for _ in range(10):
        problem(fresh.post("AAAA-AAAA-AAAA"), 401, "setup_code_wrong")
    refused = fresh.post(code, **TOKEN)
    problem(refused, 429, "key_slowed")
    assert 0 < int(refused.headers["Retry-After"]) <= 60


def test_a_token_that_crisp_refuses_leaves_the_code_good(fresh: Fresh) -> None:
    code = first_start.new_code(fresh.services)
    problem(fresh.post(code, **{**TOKEN, "key": "wrong"}), 422, "credential_refused")
    problem(fresh.post(code), 422, "setup_token_missing")
    half = problem(fresh.post(code, website_id=WEBSITE), 422, "parameter_invalid")
    assert {each["field"] for each in half["errors"]} == {"identifier", "key"}
    assert fresh.post(code, **TOKEN).status_code == 201


def test_a_website_that_is_connected_only_needs_a_key(tmp_path: Path, sandboxed: Crisp) -> None:
    services = open_services(settings_for(tmp_path, sandboxed.url, api_key=""))
    fresh = Fresh(services)
    made = fresh.post(first_start.new_code(services))
    assert (made.status_code, made.get_json()["id"]) == (201, WEBSITE)
    services.close()
