"""What the tests of inbound addresses share: making them, sending to them, and taking in what came."""

import hashlib
import hmac
import json
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import delete
from werkzeug.test import TestResponse

from connector.inbound import Arrivals
from connector.ledger.tables import inbounds
from tests.app.stack import Stack

SIGNED = {"notion": "X-Notion-Signature", "google_sheets": "X-Connector-Signature", "generic": "X-Connector-Signature"}
ADA = {"email": "ada@example.com", "first_name": "Ada"}
# The same answer carries the same id of the request, so that answers can be compared whole.
ONE_ID = {"X-Request-Id": "one-and-the-same"}


def cleared(stack: Stack) -> None:
    """No inbound address is left of another test."""
    with stack.services.ledger.write() as connection:
        connection.execute(delete(inbounds))


def made(api: FlaskClient, source: str = "generic", **more: Any) -> dict[str, Any]:
    """A new inbound address, as it is answered."""
    answer = api.post("/v1/inbound", json={"source": source, **more})
    assert answer.status_code == 201, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def body_of(value: Any) -> bytes:
    """The value as the senders write it."""
    return value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def signature(body: bytes, secret: str) -> str:
    """What a sender who knows the secret puts into the header."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def proof(source: str, body: bytes, secret: str) -> dict[str, Any]:
    """Headers and query of a true request."""
    if source == "dynamics":
        return {"query_string": {"code": secret}}
    return {"headers": {SIGNED[source]: signature(body, secret)}}


def path(inbound: dict[str, Any]) -> str:
    """Where the other system sends."""
    return f"/in/{inbound['source']}/{inbound['id']}"


def send(stack: Stack, inbound: dict[str, Any], value: Any, secret: str = "", **more: Any) -> TestResponse:
    """A true request with this body."""
    body = body_of(value)
    proved = proof(inbound["source"], body, secret or inbound["secret"])
    headers = {**proved.pop("headers", {}), **more.pop("headers", {})}
    more = {"content_type": "application/json", **more}
    return stack.client(None).post(path(inbound), data=body, headers=headers, **proved, **more)


def stored(answer: TestResponse) -> bool:
    """Whether it was answered that it is kept."""
    return answer.status_code == 200 and answer.get_json() == {"stored": True}


def took_in(stack: Stack) -> int:
    """Takes in all that is due; how much that was."""
    runner, count = Arrivals(stack.services), 0
    while runner.run_one():
        count += 1
    return count


def arrivals_of(api: FlaskClient, inbound: dict[str, Any]) -> list[dict[str, Any]]:
    """What came to the address, newest first."""
    found: list[dict[str, Any]] = api.get(f"/v1/inbound/{inbound['id']}/arrivals").get_json()
    return found


def outcomes_of(api: FlaskClient, inbound: dict[str, Any]) -> list[str | None]:
    """What became of all that came, newest first."""
    return [each["outcome"] for each in arrivals_of(api, inbound)]
