"""Who is let in, and the one shape in which everything else is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

STATS = "/v1/website/W/people/stats"
Start = Callable[..., FlaskClient]


def reason(answer: Any) -> tuple[int, str]:
    assert answer.get_json().keys() == {"error", "reason", "data"}
    assert answer.get_json()["error"] is True
    return answer.status_code, answer.get_json()["reason"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": ""},
        {"Authorization": "Basic"},
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic STpY"},  # I:X
        {"Authorization": "Basic WDpL"},  # X:K
        {"Authorization": "Bearer K"},
        {"X-Crisp-Tier": ""},
        {"X-Crisp-Tier": "plugin"},
        {"X-Crisp-Tier": "user"},
    ],
    ids=str,
)
def test_401(client: FlaskClient, headers: dict[str, str]) -> None:
    assert reason(client.get(STATS, headers=headers)) == (401, "invalid_session")


def test_a_plugin_token_needs_the_plugin_tier(start: Start) -> None:
    client = start(tier="plugin")
    assert client.get(STATS).status_code == 200
    assert client.get(STATS, headers={"X-Crisp-Tier": "website"}).status_code == 401


def test_another_website_is_404(client: FlaskClient) -> None:
    assert reason(client.get("/v1/website/X/people/stats")) == (404, "website_not_found")


@pytest.mark.parametrize("tier", ["website", "plugin"])
@pytest.mark.parametrize("route", ["import", "export"])
def test_import_and_export_are_for_users(start: Start, tier: str, route: str) -> None:
    answer = start(tier=tier).post(f"/v1/website/W/people/{route}/profiles", json={})
    assert reason(answer) == (403, "not_allowed")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/",
        "/v1/nothing",
        "/v1/website/W/people/nothing",
        "/v1/website/W/people//stats",
        "/v1/website/W/people/profiles/one",
        "/v1/website/W/people/profiles/-1",
        "/v1/website/W/connect/endpoints",
        "/v1/user/connect/endpoints",
        "/elsewhere",
        "/_sandbox/nothing",
    ],
)
def test_an_unknown_route_is_404(client: FlaskClient, path: str) -> None:
    assert reason(client.get(path)) == (404, "route_not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "people/data/ada@example.com"),
        ("DELETE", "people/data/ada@example.com"),
        ("GET", "people/profile"),
        ("POST", "people/profiles/1"),
        ("PUT", "batch/data"),
        ("OPTIONS", "people/profile"),
    ],
)
def test_a_wrong_method_is_405(client: FlaskClient, method: str, path: str) -> None:
    assert reason(client.open(f"/v1/website/W/{path}", method=method)) == (405, "method_not_allowed")


def test_a_mistake_of_ours_is_500_in_the_same_shape(client: FlaskClient) -> None:
    del client.application.extensions["sandbox"].store
    assert reason(client.get(STATS)) == (500, "server_error")


@pytest.mark.parametrize(("method", "status"), [("GET", "MISS"), ("HEAD", "MISS"), ("POST", "DIRECT")])
def test_the_edge_says_that_it_cached_nothing(client: FlaskClient, method: str, status: str) -> None:
    path = "/v1/website/W/people/profile" + ("" if method == "POST" else "s")
    assert client.open(path, method=method).headers["Bloom-Status"] == status
