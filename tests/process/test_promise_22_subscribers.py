"""Promise 22 on real processes: Crisp's signed hook is told to subscribers who answer in every way there is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hooks.receiving import Receiver, receiving
from tests.hooks.test_telling import dripping, huge, reset, slow
from tests.process.running import Crisp, Running, Service, running, until
from tests.process.subscriber import HOOKED, SECRET, in_crisp

# Three attempts, a second between them, each of three seconds at most.
QUICK = {"CONNECTOR_HOOK_SCHEDULE": "0,1,1", "CONNECTOR_HOOK_TIMEOUT": "3"}
# Path → how often it is asked, and what has become of the delivery then.
TRIED = {
    "/200": (1, "delivered"),
    "/huge": (1, "delivered"),
    "/302": (3, "dead"),
    "/500": (3, "dead"),
    "/reset": (3, "dead"),
    "/slow": (3, "dead"),
    "/dripping": (3, "dead"),
    "/429": (1, "waiting"),
    "/410": (1, None),
    "/elsewhere": (0, None),
}


@pytest.fixture
def serve(env: dict[str, str], crisp: Crisp, tmp_path: Path) -> Iterator[Running]:
    with running("serve", "--port", "0", "--json", env={**env, **HOOKED, **QUICK}, folder=tmp_path) as process:
        crisp.set(hook_url=f"{process.url}/crisp/{env['CRISP_WEBSITE_ID']}", hook_secret=SECRET)
        yield process
        crisp.set(hook_url=None)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        for status in (302, 410, 429, 500):
            found.answer(f"/{status}", status, Location=f"{found.url}/elsewhere", Retry_After="3600")
        for path, act in (("/huge", huge), ("/reset", reset), ("/slow", slow), ("/dripping", dripping)):
            found.act(path, act)
        yield found


def subscribed(service: Service, receiver: Receiver) -> dict[str, str]:
    """Path → the subscription that is told there."""
    asked = {"event": "contact_created"}
    paths = [path for path in TRIED if path != "/elsewhere"]
    made = {
        path: service.post("/v1/subscriptions", json={**asked, "target_url": receiver.url + path}) for path in paths
    }
    return {path: str(answer.json()["id"]) for path, answer in made.items()}


def stands(service: Service, receiver: Receiver, subscriptions: dict[str, str]) -> dict[str, tuple[int, Any]]:
    """As `TRIED`."""
    listed = {each["subscription_id"]: each["status"] for each in service.get("/v1/deliveries?limit=100").json()}
    return {path: (len(receiver.of(path)), listed.get(subscriptions.get(path))) for path in TRIED}


def test_promise_22_subscribers_are_served_by_the_book(serve: Running, crisp: Crisp, receiver: Receiver) -> None:
    """By the schedule, then given up; no redirect is followed; 410 ends it; who asks for a pause gets it."""
    service = Service(serve.url)
    subscriptions = subscribed(service, receiver)
    in_crisp(crisp, "POST", "people/profile", email="ada@example.com", person={"nickname": "Ada"})
    until(lambda: stands(service, receiver, subscriptions) == TRIED, 60, "the end of every schedule")
    left = {each["id"] for each in service.get("/v1/subscriptions").json()}
    assert {*subscriptions.values()} - left == {subscriptions["/410"]}
    for path in ("/500", "/reset"):
        bodies = {(each.headers["webhook-id"], each.body) for each in receiver.of(path)}
        assert len(bodies) == 1, "every attempt says the same"
    in_crisp(crisp, "POST", "people/profile", email="bob@example.com", person={"nickname": "Bob"})
    until(lambda: len(receiver.of("/200")) == 2, 30, "the next event")
    assert len(receiver.of("/410")) == len(receiver.of("/429")) == 1
