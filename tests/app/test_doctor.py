"""The doctor and the probe over HTTP, for the connection of the key."""

import pytest
from flask.testing import FlaskClient

from tests.app.stack import WEBSITE, Stack, problem


@pytest.fixture(autouse=True)
def _mended(stack: Stack) -> None:
    """Each test has the sandbox as new."""


def test_it_says_what_is_well(api: FlaskClient, stack: Stack) -> None:
    found = {each["check"]: each for each in api.post("/v1/doctor").get_json()}
    assert {name.partition(" · ")[0] for name in found} >= {"queue", "secret key", "credential", "quota", "workers"}
    assert found[f"credential · {WEBSITE}"] == {
        "check": f"credential · {WEBSITE}",
        "ok": True,
        "found": "Crisp accepts it",
        "remedy": "",
    }
    assert stack.crisp.calls == 1


def test_it_says_what_is_wrong_and_what_to_do(api: FlaskClient, stack: Stack) -> None:
    stack.crisp.switch(key="another")
    found = {each["check"]: each for each in api.post("/v1/doctor").get_json()}[f"credential · {WEBSITE}"]
    assert (found["ok"], found["found"]) == (False, "crisp_credential_refused")
    assert found["remedy"]


def test_the_probe_finds_out_and_leaves_nobody(api: FlaskClient, stack: Stack) -> None:
    told = api.post("/v1/probe").get_json()
    assert told["calls"] == stack.crisp.calls > 5
    assert (told["left_behind"], stack.crisp.people()) == ([], {})
    assert told["findings"]["segments"]
    assert api.get(f"/v1/connections/{WEBSITE}").get_json()["probed_at"] == told["probed_at"]


@pytest.mark.parametrize("path", ["/v1/doctor", "/v1/probe"])
def test_both_need_an_admin(stack: Stack, path: str) -> None:
    problem(stack.client(stack.key("write")).post(path), 403, "scope_missing")
    assert stack.crisp.calls == 0
