"""Connections are tenants: with the key of one, nothing of another is shown, changed or known to be there."""

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from connector.ids import new_id
from connector.ledger import deliveries
from connector.ledger.tables import connections
from connector.sandbox import Options
from connector.sandbox import create_app as create_sandbox
from tests import postgres
from tests.app.openapi import document
from tests.app.stack import (
    CRISP_KEY,
    DATABASES,
    IDENTIFIER,
    WEBSITE,
    Crisp,
    Stack,
    finished,
    problem,
    running,
    settings_for,
)

OTHER = "other-website"
ADA, EVE = "ada@example.com", "eve@example.com"
# Erasing first: what was sent for a person in vain is the caller's own, and could be erased.
METHODS = ("get", "delete", "post", "put", "patch")
# What a route that creates or changes is sent; every other one is sent nothing.
BODIES: dict[str, Any] = {
    "POST /v1/contacts": {"email": ADA},
    "POST /v1/contacts/batch": [{"email": ADA}],
    "POST /v1/preview": {"email": EVE},
    "PATCH /v1/contacts/{who}": {"nickname": "Mallory"},
    "PATCH /v1/contacts/{who}/data": {"plan": "stolen"},
    "POST /v1/mappings": {"name": "mine", "mapping": {"email": "E"}},
    "PUT /v1/mappings/{name}": {"email": "E"},
    "POST /v1/keys": {},
    "POST /v1/connections": {"website_id": OTHER, "identifier": IDENTIFIER, "key": CRISP_KEY},
    "PATCH /v1/connections/{connection_id}": {"label": "mine"},
    "PATCH /v1/subscriptions/{subscription_id}": {"include_own": True},
    "PATCH /v1/sinks/{sink_id}": {"label": "mine"},
    "PATCH /v1/inbound/{inbound_id}": {"label": "mine"},
}
# Routes that make something of the caller's own under a name that another may have, too.
OWN = {
    "PUT /v1/mappings/{name}",
    "GET /v1/events/{event}",
    "GET /v1/events/{event}/sample",
    "GET /manifests/{platform}",
    "GET /manifests/schema/{schema}",
}
# Parts of addresses that mean the same to everybody.
_WORDS = {"platform": "openapi", "schema": "action"}
# Routes on which nobody's API key is asked for: who comes proves it by a signature.
PROVED = {"POST /crisp/{connection_id}", "GET /in/{source}/{inbound_id}", "POST /in/{source}/{inbound_id}"}


class Websites:
    """Two websites of one Crisp, each with people of its own: the address says which is meant."""

    def __init__(self) -> None:
        each = (Options(website_id=website, identifier=IDENTIFIER, key=CRISP_KEY) for website in (WEBSITE, OTHER))
        self.apps = {options.website_id: create_sandbox(options) for options in each}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        app: WSGIApplication = self.apps[OTHER if f"/website/{OTHER}/" in environ["PATH_INFO"] else WEBSITE]
        return app(environ, start_response)

    def people(self, website: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.apps[website].test_client().get("/_sandbox/people").get_json()
        return found


@contextmanager
def listening(websites: Websites) -> Iterator[Crisp]:
    server = make_server("127.0.0.1", 0, websites, threaded=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    crisp = Crisp(server)
    try:
        yield crisp
    finally:
        crisp.close()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def websites() -> Websites:
    return Websites()


@pytest.fixture(params=DATABASES)
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stack]:
    with ExitStack() as kept:
        url = ""
        if request.param == "postgresql":
            url = kept.enter_context(postgres.database(request.getfixturevalue("postgres_server")))
        crisp = kept.enter_context(listening(request.getfixturevalue("websites")))
        yield kept.enter_context(running(settings_for(tmp_path, crisp.url, database_url=url), crisp))


class Tenant:
    """The other connection, with one of everything that a route can name."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        new = {"website_id": OTHER, "identifier": IDENTIFIER, "key": CRISP_KEY, "label": "Other-label"}
        # By hand, as it were: nobody's key added it.
        adder = FlaskClient(stack.app)
        adder.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {stack.key('admin')}"
        made = adder.post("/v1/connections", json=new).get_json()
        _disown(stack)
        self.client = stack.client(made["key"])
        told = self.client.post("/v1/contacts", json={"email": EVE, "nickname": "Eve", "data": {"plan": "pro"}})
        batch = self.client.post("/v1/contacts/batch", json=[{"email": "fay@example.com"}, {"email": "wrong"}])
        finished(self.client, batch.get_json()["import_id"])
        self.client.put("/v1/mappings/others", json={"email": "Secret column"})
        self.ids = {
            "who": EVE,
            "outcome_id": told.get_json()["outcome_id"],
            "import_id": batch.get_json()["import_id"],
            "name": "others",
            "key_id": self.client.get("/v1/keys").get_json()[0]["id"],
            "connection_id": OTHER,
            **self._places(),
        }
        self.people_id = told.get_json()["people_id"]
        shared = {"source", "event", "platform", "schema"}  # words that everybody has
        ids = [value for name, value in self.ids.items() if name not in shared]
        self.traces = (EVE, "fay@example.com", "Secret column", "Other-label", "Other-sheet", *ids, self.people_id)

    def _places(self) -> dict[str, str]:
        """Where it wants to be told, and where it is told something."""
        hook = {"event": "contact_created", "target_url": "https://93.184.215.14/hook"}
        sheet: dict[str, Any] = {"kind": "google_sheets", "label": "Other-sheet", "events": ["contact_created"]}
        token = {"client_id": "i", "client_secret": "s", "refresh_token": "r"}
        sheet |= {"options": {"spreadsheet": "1" * 44}, "credential": json.dumps(token)}
        made = {
            "subscription_id": self.client.post("/v1/subscriptions", json=hook),
            "sink_id": self.client.post("/v1/sinks", json=sheet),
            "inbound_id": self.client.post("/v1/inbound", json={"source": "generic"}),
        }
        assert {each.status_code for each in made.values()} == {201}, [each.get_json() for each in made.values()]
        event, now = "contact_created", self.stack.services.courier.clock()
        with self.stack.services.ledger.write() as connection:
            told: dict[str, Any] = {"event_id": new_id(), "event": event, "own": False, "who": EVE, "now": now}
            deliveries.tell(connection, OTHER, **told, payload={"id": "e"})
        delivery = self.client.get("/v1/deliveries").get_json()[0]["id"]
        ids = {name: str(each.get_json()["id"]) for name, each in made.items()}
        return {**ids, "delivery_id": delivery, "source": "generic", "event": event, **_WORDS}

    def seen(self) -> list[Any]:
        """Everything that it has, as it sees it itself."""
        mine = ("me", "outcomes", "imports", "mappings", "keys", "connections", f"contacts/{EVE}")
        paths = (*mine, "subscriptions", "deliveries", "sinks", "inbound")
        return [_without_use(self.client.get(f"/v1/{path}").get_json()) for path in paths]


def _disown(stack: Stack) -> None:
    with stack.services.ledger.write() as connection:
        connection.execute(update(connections).values(added_by=None))


def _without_use(told: Any) -> Any:
    """Without what reading costs."""
    return {key: value for key, value in told.items() if key != "quota"} if isinstance(told, dict) else told


def operations(stack: Stack) -> list[tuple[str, str]]:
    found = document(stack.app)["paths"]
    return [(method.upper(), path) for method in METHODS for path, item in found.items() if method in item]


def ask(client: FlaskClient, method: str, path: str, ids: dict[str, str]) -> TestResponse:
    unknown = [part for part in path.split("/") if part.startswith("{") and part[1:-1] not in ids]
    assert not unknown, f"{path}: say in Tenant.ids what {unknown} of another connection is"
    body = BODIES.get(f"{method} {path}", {"ids": [ids["outcome_id"]]} if path.endswith("replay") else None)
    return client.open(path.format(**ids), method=method, json=body)


def test_no_route_reaches_what_is_anothers(stack: Stack, websites: Websites) -> None:
    other = Tenant(stack)
    before, there = other.seen(), websites.people(OTHER)
    api = stack.client()
    for method, path in operations(stack):
        answer = ask(api, method, path, other.ids)
        said = answer.data.decode("utf-8", "replace")
        sent = {EVE} if path == "/v1/preview" else set(other.ids.values()) & set(path.format(**other.ids).split("/"))
        hits = [each for each in other.traces if each in said and each not in sent]
        assert not hits, f"{method} {path} shows {hits}"
        if "{" in path and f"{method} {path}" not in OWN | PROVED:
            assert answer.status_code == 404, f"{method} {path}: {answer.status_code} {said}"
    assert other.seen() == before
    assert websites.people(OTHER) == there


def test_by_people_id_neither(stack: Stack) -> None:
    other = Tenant(stack)
    api = stack.client()
    for method, path in operations(stack):
        if "{who}" in path:
            answer = ask(api, method, path, {**other.ids, "who": other.people_id})
            assert answer.status_code == 404, f"{method} {path}: {answer.status_code}"


def test_the_same_address_is_another_person_in_each(stack: Stack, websites: Websites) -> None:
    other, api = Tenant(stack), stack.client()
    mine = api.post("/v1/contacts", json={"email": EVE, "nickname": "Evelyn"})
    assert (mine.status_code, mine.get_json()["status"]) == (200, "created")
    assert api.delete(f"/v1/contacts/{EVE}").get_json()["in_crisp"] is True
    assert other.client.get(f"/v1/contacts/{EVE}").get_json()["nickname"] == "Eve"
    [card] = [card for card in websites.people(OTHER) if card["email"] == EVE]
    assert card["person"]["nickname"] == "Eve"


def test_a_replay_of_anothers_finds_nothing(stack: Stack) -> None:
    other = Tenant(stack)
    rejected = other.client.get("/v1/outcomes?status=rejected").get_json()
    assert len(rejected) == 1
    replay, api = "/v1/outcomes/replay", stack.client()
    problem(api.post(replay, json={"ids": [rejected[0]["outcome_id"]]}), 404, "outcome_missing")
    problem(api.post(replay, json={"import_id": other.ids["import_id"]}), 404, "import_missing")
    answer = api.post(replay, json={"code": rejected[0]["code"]})
    assert answer.get_json() == {"replayed": 0, "not_replayable": 0}
    assert other.client.get("/v1/outcomes?status=rejected").get_json() == rejected


def test_an_idempotency_key_belongs_to_one_connection(stack: Stack) -> None:
    other, once = Tenant(stack), {"Idempotency-Key": "the-same"}
    first = other.client.post("/v1/contacts", json={"email": "gus@example.com"}, headers=once).get_json()
    second = stack.client().post("/v1/contacts", json={"email": "hal@example.com"}, headers=once)
    assert (second.status_code, second.get_json()["email"]) == (200, "hal@example.com")
    assert first["outcome_id"] != second.get_json()["outcome_id"]


def test_the_quota_of_one_is_not_the_others(stack: Stack) -> None:
    other = Tenant(stack)
    stack.use(10_000)
    told = stack.client().post("/v1/contacts?wait=0", json={"email": ADA})
    assert told.status_code == 202
    assert other.client.post("/v1/contacts", json={"email": ADA}).get_json()["status"] == "created"
