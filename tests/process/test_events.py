"""Crisp's news on its way: sandbox, service and subscriber as processes of their own, and servers on real ports."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from pytest_httpserver import HTTPServer
from standardwebhooks import Webhook
from werkzeug import Request, Response

from tests.process.running import Crisp, Running, Service, running, until

SECRET, KEY = "the-hook-secret", "the-hook-key"


class Subscriber:
    """Keeps what it is told, and checks every signature with the reference library."""

    def __init__(self, server: HTTPServer, path: str = "/hook") -> None:
        self.url = server.url_for(path).replace("localhost", "127.0.0.1")
        self.secret, self.told = "", list[dict[str, Any]]()
        server.expect_request(path).respond_with_handler(self._take)

    def _take(self, request: Request) -> Response:
        self.told.append(Webhook(self.secret).verify(request.get_data(), dict(request.headers)))
        return Response(status=204)

    def subscribe(self, service: Service, event: str, **more: Any) -> str:
        """The id of the subscription."""
        answer = service.post("/v1/subscriptions", json={"event": event, "target_url": self.url, **more})
        assert answer.status_code == 201, answer.text
        self.secret = answer.json()["secret"]
        return str(answer.json()["id"])

    def of(self, event: str) -> list[dict[str, Any]]:
        """Those of one kind."""
        return [each for each in self.told if each["event"] == event]


@pytest.fixture
def hooked(env: dict[str, str]) -> dict[str, str]:
    """Crisp's hooks are known, bursts are short, and subscribers may be on this machine."""
    more = {"CRISP_HOOK_SECRET": SECRET, "CRISP_HOOK_KEY": KEY, "CONNECTOR_EVENT_WINDOW": "0"}
    return {**env, **more, "CONNECTOR_EGRESS_ALLOW": "127.0.0.1"}


@pytest.fixture
def serve(hooked: dict[str, str], crisp: Crisp, tmp_path: Any) -> Iterator[Running]:
    with running("serve", "--port", "0", "--json", env=hooked, folder=tmp_path) as process:
        crisp.set(hook_url=f"{process.url}/crisp/{hooked['CRISP_WEBSITE_ID']}", hook_secret=SECRET)
        yield process
        crisp.set(hook_url=None, website_hook_url=None)


def in_crisp(crisp: Crisp, method: str, path: str, **body: Any) -> None:
    """Somebody at Crisp does this."""
    said = crisp.running.said
    url = f"{said['url']}/v1/website/{said['website_id']}/{path}"
    headers = {"X-Crisp-Tier": said["tier"]}
    auth = (said["identifier"], said["key"])
    answer = requests.request(method, url, json=body, headers=headers, auth=auth, timeout=10)
    assert answer.ok, answer.text


def visit(crisp: Crisp, **said: Any) -> None:
    answer = requests.post(f"{crisp.running.url}/_sandbox/conversations", json=said, timeout=10)
    assert answer.ok, answer.text


def test_a_contact_made_in_crisp_is_told_whole(serve: Running, crisp: Crisp, httpserver: HTTPServer) -> None:
    subscriber, service = Subscriber(httpserver), Service(serve.url)
    subscriber.subscribe(service, "contact_created")
    person = {"nickname": "Ada Lovelace", "geolocation": {"city": "Paris", "country": "FR"}}
    in_crisp(crisp, "POST", "people/profile", email="ada@example.com", person=person, segments=["vip", "beta"])
    until(lambda: subscriber.told, 15, "the event")
    [told] = subscriber.told
    assert told["event"] == "contact_created"
    contact = told["contact"]
    assert (contact["email"], contact["nickname"], contact["city"]) == ("ada@example.com", "Ada Lovelace", "Paris")
    assert (contact["segments"], contact["segments_text"]) == (["vip", "beta"], "vip, beta")
    listed = service.get("/v1/events/contact_created").json()
    assert listed == [told]


def test_a_change_is_told_with_what_was_before(serve: Running, crisp: Crisp, httpserver: HTTPServer) -> None:
    subscriber, service = Subscriber(httpserver), Service(serve.url)
    service.post("/v1/contacts", json={"email": "ada@example.com", "nickname": "Ada", "city": "Rome"})
    subscriber.subscribe(service, "contact_updated")
    in_crisp(crisp, "PATCH", "people/profile/ada@example.com", person={"geolocation": {"city": "Paris"}})
    until(lambda: subscriber.told, 15, "the event")
    [told] = subscriber.told
    assert (told["changed"], told["previous"]) == (["city"], {"city": "Rome"})
    answer = service.post("/v1/contacts", json={"email": "ada@example.com", "city": "Paris"})
    assert answer.json()["status"] == "unchanged", "what was changed in Crisp is known"


def test_our_own_writes_are_not_echoed(serve: Running, crisp: Crisp, httpserver: HTTPServer) -> None:
    mine, all_ = Subscriber(httpserver, "/mine"), Subscriber(httpserver, "/all")
    service = Service(serve.url)
    for event in ("contact_created", "contact_updated"):
        mine.subscribe(service, event)
    all_.subscribe(service, "contact_created", include_own=True)
    service.post("/v1/contacts", json={"email": "ada@example.com", "nickname": "Ada"})
    service.post("/v1/contacts", json={"email": "ada@example.com", "nickname": "Ada L", "city": "Rome"})
    until(lambda: all_.told, 15, "the echo that is wanted")
    time.sleep(2)
    assert mine.told == []
    assert service.get("/v1/events/contact_created").json() == []
    assert len(service.get("/v1/events/contact_created?include_own=1").json()) == 1


def test_what_a_visitor_says_is_told_with_the_contact(serve: Running, crisp: Crisp, httpserver: HTTPServer) -> None:
    subscriber, service = Subscriber(httpserver), Service(serve.url)
    subscription = subscriber.subscribe(service, "conversation_data_changed")
    visit(crisp, session_id="session_1", email="ada@example.com", nickname="Ada")
    visit(crisp, session_id="session_1", data={"plan": "pro"})
    until(lambda: subscriber.told, 15, "the event")
    told = subscriber.told[-1]
    assert (told["session_id"], told["data"], told["contact"]["email"]) == (
        "session_1",
        {"plan": "pro"},
        "ada@example.com",
    )
    url, headers = f"{serve.url}/v1/subscriptions/{subscription}", {"X-API-Key": service.key}
    assert requests.delete(url, headers=headers, timeout=10).status_code == 200
    before = len(subscriber.told)
    visit(crisp, session_id="session_1", data={"plan": "free"})
    time.sleep(2)
    assert len(subscriber.told) == before, "silence"


def test_an_unsigned_hook_invents_nobody(serve: Running, crisp: Crisp, httpserver: HTTPServer) -> None:
    subscriber, service = Subscriber(httpserver), Service(serve.url)
    subscriber.subscribe(service, "contact_created")
    crisp.set(hook_url=None, website_hook_url=f"{serve.url}/crisp/{crisp.running.said['website_id']}?key={KEY}")
    forged = {"website_id": crisp.running.said["website_id"], "event": "people:profile:created", "timestamp": 1}
    forged["data"] = {"people_id": "5a7d8e0c-1d2f-4a3b-9c8d-7e6f5a4b3c2d", "email": "nobody@example.com"}
    url = f"{serve.url}/crisp/{crisp.running.said['website_id']}?key="
    assert requests.post(url + KEY, json=forged, timeout=10).status_code == 200
    assert requests.post(url + "wrong", json=forged, timeout=10).status_code == 401
    in_crisp(crisp, "POST", "people/profile", email="ada@example.com", person={"nickname": "Ada"})
    until(lambda: subscriber.told, 15, "the event")
    time.sleep(1)
    assert [each["contact"]["email"] for each in subscriber.told] == ["ada@example.com"]
    assert KEY not in serve.messages()
