"""Receiving other systems' webhooks durably (200), against the same service with the commit removed."""

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlencode, urlsplit

from benchmarks.clients import rate
from benchmarks.databases import SQLITE, opened
from benchmarks.report import Figure
from benchmarks.servers import Said, environment, sandbox, service
from connector.samples import sample
from tests.app.inbound import proof

_SECONDS, _ROUNDS = 0.6, 5
_NUMBERS = count(1)
_ORGANISATION = "00D5e0000012AbCEAU"


def _hubspot(number: int, _secret: str) -> bytes:
    told = {"subscriptionType": "contact.propertyChange", "propertyName": "email", "propertyValue": "a@example.com"}
    return json.dumps([{"eventId": number, "subscriptionId": 3, "portalId": 7, "objectId": 51, **told}]).encode()


def _salesforce(number: int, _secret: str) -> bytes:
    return sample("salesforce", "outbound_message").body.replace(b"<Id>04l5e00002nr", b"<Id>04l%09d" % number, 1)


def _shopify(number: int, _secret: str) -> bytes:
    return json.dumps({**sample("shopify", "customers_update_2025").value, "number": number}).encode()


def _zoho(number: int, secret: str) -> bytes:
    return json.dumps({**sample("zoho", "notification_edit").value, "server_time": number, "token": secret}).encode()


_BODIES: Mapping[str, Callable[[int, str], bytes]] = {
    "hubspot": _hubspot,
    "salesforce": _salesforce,
    "shopify": _shopify,
    "zoho": _zoho,
}


@dataclass(frozen=True)
class _Place:
    """An inbound address of a service that listens."""

    source: str
    url: str
    secret: str


def measure(on: Sequence[str] = (SQLITE,)) -> Iterator[Figure]:
    """Webhooks per second with and without the commit, in turns, source by source; on each of these databases."""
    for name in on:
        with opened(name) as database, ExitStack() as stack:
            crisp, folder = stack.enter_context(sandbox()), Path(stack.enter_context(TemporaryDirectory()))
            durable, bare = (
                _places(stack, crisp, folder / module, module, database())
                for module in ("connector", "benchmarks.uncommitted")
            )
            for source in _BODIES:
                yield _figure(durable[source], bare[source], name)


def _places(stack: ExitStack, crisp: Said, folder: Path, module: str, database: str) -> dict[str, _Place]:
    """The addresses of a service on a database of its own. Nobody takes in what comes, so that receiving alone is
    measured; the addresses are made by a command, which commits."""
    folder.mkdir()
    made = {source: _made(crisp, folder, source, database) for source in _BODIES}
    web = stack.enter_context(service(crisp, folder, "-m", module, "web", database=database))
    return {source: _Place(source, f"{web}/in/{source}/{said['id']}", said["secret"]) for source, said in made.items()}


def _made(crisp: Said, folder: Path, source: str, database: str) -> Said:
    more = ["--sender", _ORGANISATION] if source == "salesforce" else []
    command = [sys.executable, "-m", "connector", "inbound", "add", source, "--json", *more]
    env = {**os.environ, **environment(crisp, folder, database)}
    said: Said = json.loads(subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE).stdout)
    return said


def _figure(durable: _Place, bare: _Place, name: str) -> Figure:
    _rate(durable, 0.3), _rate(bare, 0.3)
    rounds = [(_rate(durable, _SECONDS), _rate(bare, _SECONDS)) for _ in range(_ROUNDS)]
    ratio = sorted(mine / theirs for mine, theirs in rounds)[_ROUNDS // 2]
    beside = f"{sorted(mine for mine, _ in rounds)[_ROUNDS // 2]:,.0f} webhooks/s"
    return Figure(f"receiving {durable.source}, of the same without commit", ratio, "×", 0.5, "more", beside, name)


def _rate(place: _Place, seconds: float) -> float:
    """Webhooks per second of a few senders at once."""
    return rate(partial(_send, place), seconds)


def _send(place: _Place, until: float, counts: list[int], index: int) -> None:
    """Another event each time."""
    address = urlsplit(place.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    kind = "text/xml" if place.source == "salesforce" else "application/json"
    while time.perf_counter() < until:
        number = next(_NUMBERS)
        body = _BODIES[place.source](number, place.secret)
        proved = proof(place.source, body, place.secret)
        path = f"{address.path}?{urlencode(proved.get('query_string', {}))}"
        headers = {"Content-Type": kind, "X-Shopify-Topic": "customers/update", **proved.get("headers", {})}
        connection.request("POST", path, body, {**headers, "X-Shopify-Webhook-Id": str(number)})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
        counts[index] += 1
    connection.close()
