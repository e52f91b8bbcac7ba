"""What Crisp tells in tests, and what those who poll find."""

import json
import time
from typing import Any

import requests
from flask.testing import FlaskClient

from connector.crisp.events import sign
from connector.events.finishing import Finishing
from connector.events.runner import Runner
from connector.ledger import tables
from tests.app.stack import CRISP_KEY, IDENTIFIER, WEBSITE, Crisp, Stack

SECRET = "the-hook-secret"
KEY = "the-key-of-the-address"
Event = dict[str, Any]


def _said(event: str, at: int | None, data: Any) -> bytes:
    said = {"website_id": WEBSITE, "event": event, "data": {"website_id": WEBSITE, **data}, "timestamp": at or now()}
    return json.dumps(said, separators=(",", ":")).encode()


def told(stack: Stack, event: str, *, at: int | None = None, **data: Any) -> None:
    """Crisp tells this, signed. `at`: when it happened (UNIX milliseconds)."""
    body, moment = _said(event, at, data), str(now())
    headers = {"X-Crisp-Request-Timestamp": moment, "X-Crisp-Signature": sign(body, moment, SECRET)}
    answer = stack.client(key=None).post(f"/crisp/{WEBSITE}", data=body, headers=headers)
    assert answer.get_json() == {"stored": True}


def claimed(stack: Stack, event: str, *, at: int | None = None, **data: Any) -> None:
    """Somebody who knows the address tells this, unsigned."""
    answer = stack.client(key=None).post(f"/crisp/{WEBSITE}?key={KEY}", data=_said(event, at, data))
    assert answer.get_json() == {"stored": True}


def now() -> int:
    return time.time_ns() // 1_000_000


def understand(stack: Stack, *, window: int = 0, finishing: Finishing | None = None) -> None:
    """What the background does, until nothing is left. `window`: milliseconds of a burst."""
    services = stack.services
    finishing = finishing or services.events._finishing
    runner = Runner(services.ledger, finishing, window, services.courier.clock, lambda: None)
    until = time.monotonic() + 60
    while runner.turn() or gathering(stack):
        assert time.monotonic() < until, "something is left"
        time.sleep(0.01)
    runner.stop()


def gathering(stack: Stack) -> bool:
    with stack.services.ledger.read() as connection:
        return connection.execute(tables.events.select().where(tables.events.c.told_at.is_(None))).first() is not None


def change(crisp: Crisp, people_id: str, **card: Any) -> None:
    """Somebody at Crisp changes a profile."""
    url = f"{crisp.url}/v1/website/{WEBSITE}/people/profile/{people_id}"
    answer = requests.patch(
        url, json=card, auth=(IDENTIFIER, CRISP_KEY), headers={"X-Crisp-Tier": "website"}, timeout=10
    )
    assert answer.ok, answer.text


def page(api: FlaskClient, query: str = "", event: str = "contact_updated") -> list[Event]:
    answer = api.get(f"/v1/events/{event}?{query}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    listed: list[Event] = answer.get_json()
    return listed
