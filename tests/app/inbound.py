"""What the tests of inbound addresses share: making them, sending to them, and taking in what came."""

import base64
import hashlib
import hmac
import json
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import delete, select
from werkzeug.test import TestResponse

from connector.inbound import Arrivals
from connector.inbound.erasures import Erasures
from connector.ledger.tables import arrivals, inbounds, metadata
from tests.app.stack import Stack, problem

Headers = dict[str, str]

SIGNED = {
    "notion": "X-Notion-Signature",
    "google_sheets": "X-Connector-Signature",
    "generic": "X-Connector-Signature",
    "hubspot": "X-HubSpot-Signature",
    "shopify": "X-Shopify-Hmac-SHA256",
    "woocommerce": "X-WC-Webhook-Signature",
}
# What goes with the proof, and proves nothing by itself.
BESIDE = {"hubspot": {"X-HubSpot-Signature-Version": "v1"}}
# Where the proof is of those who sign nothing; of some it may be in the address.
HEADERS = {**SIGNED, "dynamics": "X-Connector-Key", "pipedrive": "Authorization"}
IN_QUERY = {"dynamics": "code", "zoho": "key", "prestashop": "key", "salesforce": "key"}
# What an address must say besides.
_SAID = {"salesforce": {"sender": "00D5e0000012AbCEAU"}}
ADA = {"email": "ada@example.com", "first_name": "Ada"}
# The same answer carries the same id of the request, so that answers can be compared whole.
ONE_ID = {"X-Request-Id": "one-and-the-same"}


def cleared(stack: Stack) -> None:
    """No inbound address is left of another test."""
    with stack.services.ledger.write() as connection:
        connection.execute(delete(inbounds))


def made(api: FlaskClient, source: str = "generic", **more: Any) -> dict[str, Any]:
    """A new inbound address, as it is answered."""
    answer = api.post("/v1/inbound", json={"source": source, **_SAID.get(source, {}), **more})
    assert answer.status_code == 201, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def body_of(value: Any) -> bytes:
    """The value as the senders write it."""
    return value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def signature(body: bytes, secret: str) -> str:
    """What a sender who knows the secret puts into the header."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def told(source: str, body: bytes, secret: str) -> str:
    """The same, in the way of its source: signed, or the secret itself."""
    if source == "hubspot":
        return hashlib.sha256(secret.encode() + body).hexdigest()
    if source in ("shopify", "woocommerce"):
        return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    if source == "pipedrive":
        return "Basic " + base64.b64encode(f"pipedrive:{secret}".encode()).decode()
    return signature(body, secret) if source in SIGNED else secret


def proof(source: str, body: bytes, secret: str) -> dict[str, Any]:
    """Headers and query of a true request."""
    if source in IN_QUERY:
        return {"query_string": {IN_QUERY[source]: secret}}
    return {"headers": {HEADERS[source]: told(source, body, secret), **BESIDE.get(source, {})}}


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


def post(stack: Stack, one: dict[str, Any], body: Any, headers: Headers | None = None, query: str = "") -> TestResponse:
    """A request as it comes, whatever it has for a proof."""
    said = {"Content-Type": "application/json", **ONE_ID, **(headers or {})}
    return stack.client(None).post(path(one), data=body_of(body), headers=said, query_string=query)


def refused(stack: Stack, *answers: TestResponse) -> None:
    """Each is answered as an address that is not there, and nothing is kept."""
    nowhere = stack.client(None).post("/in/shopify/nobody", data=b"{}", headers=ONE_ID)
    problem(nowhere, 401, "arrival_refused")
    for answer in answers:
        assert (answer.status_code, answer.get_json()) == (401, nowhere.get_json())
    assert count(stack) == 0


def count(stack: Stack) -> int:
    """How many arrivals are kept."""
    with stack.services.ledger.read() as connection:
        return len(connection.execute(select(arrivals.c.id)).all())


def kept(stack: Stack) -> str:
    """Everything in the database, whole: a row by itself is shown cut."""
    with stack.services.ledger.read() as connection:
        rows = (row for table in metadata.sorted_tables for row in connection.execute(select(table)))
        return repr([tuple(row) for row in rows])


def stored(answer: TestResponse) -> bool:
    """Whether it was answered that it is kept."""
    return answer.status_code == 200 and answer.get_json() == {"stored": True}


def took_in(stack: Stack) -> int:
    """Takes in all that is due; how much that was."""
    runner, count = Arrivals(stack.services), 0
    while runner.run_one():
        count += 1
    return count


def carried_out(stack: Stack) -> int:
    """Carries out every erasure that is due; how many that were."""
    erasures, count = Erasures(stack.services), 0
    while erasures.run_one():
        count += 1
    return count


def arrivals_of(api: FlaskClient, inbound: dict[str, Any]) -> list[dict[str, Any]]:
    """What came to the address, newest first."""
    found: list[dict[str, Any]] = api.get(f"/v1/inbound/{inbound['id']}/arrivals").get_json()
    return found


def outcomes_of(api: FlaskClient, inbound: dict[str, Any]) -> list[str | None]:
    """What became of all that came, newest first."""
    return [each["outcome"] for each in arrivals_of(api, inbound)]
