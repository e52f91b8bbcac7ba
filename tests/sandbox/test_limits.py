"""Quota and rate: what is refused, how, and what a refused call costs."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

STATS = "/v1/website/W/people/stats"
Start = Callable[..., FlaskClient]


def statuses(client: FlaskClient, count: int) -> list[int]:
    return [client.get(STATS).status_code for _ in range(count)]


def test_the_quota_is_per_utc_day(start: Start, clock: Any) -> None:
    client = start(daily_quota=3)
    assert statuses(client, 5) == [200, 200, 200, 429, 429]
    clock.now += 43_199  # 23:59:59
    assert statuses(client, 1) == [429]
    clock.now += 1
    assert statuses(client, 4) == [200, 200, 200, 429]


def test_the_rate_is_a_bucket_that_fills_evenly(start: Start, clock: Any) -> None:
    client = start(rate=4)
    assert statuses(client, 5) == [200, 200, 200, 200, 429]
    clock.now += 0.25
    assert statuses(client, 2) == [200, 429]
    clock.now += 60
    assert statuses(client, 5) == [200, 200, 200, 200, 429]


def test_an_even_sender_is_never_refused(start: Start, clock: Any) -> None:
    client = start(rate=10)
    for _ in range(50):
        assert statuses(client, 1) == [200]
        clock.now += 0.101


def test_a_rate_below_one(start: Start, clock: Any) -> None:
    client = start(rate=0.5)
    assert statuses(client, 2) == [200, 429]
    clock.now += 2
    assert statuses(client, 2) == [200, 429]


@pytest.mark.parametrize(
    ("switches", "reason"),
    [({"daily_quota": 0}, "quota_limit_exceeded"), ({"rate": 0.001}, "rate_limited")],
    ids=["quota", "rate"],
)
@pytest.mark.parametrize("status", [429, 420])
@pytest.mark.parametrize("retry_after", [None, 7])
def test_the_answer_over_a_limit(
    start: Start, switches: dict[str, Any], reason: str, status: int, retry_after: int | None
) -> None:
    client = start(**switches, limit_status=status, retry_after=retry_after)
    client.get(STATS)
    answer = client.get(STATS)
    assert answer.status_code == status
    assert answer.get_json() == {"error": True, "reason": reason, "data": {}}
    assert answer.headers.get("Retry-After") == (str(retry_after) if retry_after else None)


def test_a_refused_call_is_counted_but_costs_nothing(start: Start) -> None:
    client = start(daily_quota=2)
    statuses(client, 5)
    client.post("/_sandbox", json={"daily_quota": 3})
    assert statuses(client, 2) == [200, 429]
    calls = client.get("/_sandbox/stats").get_json()["calls"]
    assert (calls["total"], calls["over_limit"]) == (7, 4)


def test_calls_that_are_refused_earlier_cost_nothing(start: Start) -> None:
    client = start(daily_quota=1)
    for _ in range(3):
        assert client.get(STATS, headers={"X-Crisp-Tier": "user"}).status_code == 401
        assert client.get("/v1/nothing").status_code == 404
    assert statuses(client, 2) == [200, 429]


def test_a_refused_change_is_not_applied(start: Start) -> None:
    client = start(daily_quota=0)
    answer = client.post(
        "/v1/website/W/people/profile", json={"email": "ada@example.com", "person": {"nickname": "Ada"}}
    )
    assert answer.status_code == 429
    assert client.get("/_sandbox/people").get_json() == []
