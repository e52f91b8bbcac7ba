"""Promise 5: a two-way pair that echoes does not loop; with the memory of own writes switched off, it does."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.running import Crisp, Running, Service, running, until
from tests.process.subscriber import HOOKED, KEY, SECRET, Event, Subscriber, in_crisp, subscribing

KNOWN, MET, CHANGES = 5, 3, 5
PEOPLE = [f"p{number}@example.com" for number in range(KNOWN + MET)]


class Echo:
    """The other half of the pair: every change that it is told of makes it write to the same contact."""

    def __init__(self, service: Service) -> None:
        self._service, self.written, self.failed = service, Counter[str](), list[str]()

    def __call__(self, event: Event) -> None:
        email = event["contact"]["email"]
        self.written[email] += 1
        title = f"Title {self.written[email]}"
        answer = self._service.post("/v1/contacts?wait=0", json={"email": email, "job_title": title})
        if answer.status_code not in (200, 202):  # it may have been delivered by then
            self.failed.append(answer.text)


@pytest.fixture(params=["plugin", "website", "rtm"])
def way(request: pytest.FixtureRequest) -> str:
    """By which way Crisp tells."""
    found: str = request.param
    return found


@pytest.fixture
def serve(way: str, env: dict[str, str], crisp: Crisp, tmp_path: Path) -> Iterator[Running]:
    more = {**HOOKED, "CRISP_RTM": "1"} if way == "rtm" else HOOKED
    with running("serve", "--port", "0", "--json", env={**env, **more}, folder=tmp_path) as process:
        url = f"{process.url}/crisp/{env['CRISP_WEBSITE_ID']}"
        if way == "plugin":
            crisp.set(hook_url=url, hook_secret=SECRET)
        elif way == "website":
            crisp.set(website_hook_url=f"{url}?key={KEY}")
        else:
            until(lambda: "rtm_connected" in process.messages(), 15, "the socket")
        yield process
        crisp.set(hook_url=None, website_hook_url=None)


@pytest.fixture
def pair(serve: Running, crisp: Crisp) -> Iterator[tuple[Subscriber, Echo]]:
    """A subscriber that echoes; some people were sent through the service, the rest only Crisp has."""
    service = Service(serve.url)
    totals = service.finished(
        service.batch([{"email": email, "city": "Rome"} for email in PEOPLE[:KNOWN]])["import_id"]
    )
    assert totals["totals"]["created"] == KNOWN
    for email in PEOPLE[KNOWN:]:
        in_crisp(crisp, "POST", "people/profile", email=email, person={"nickname": "Met"})
    until(
        lambda: len(service.get("/v1/events/contact_created?include_own=1").json()) == len(PEOPLE), 20, "the creations"
    )
    with subscribing() as subscriber:
        subscriber.acts = echo = Echo(service)
        yield subscriber, echo


def changed_in_crisp(crisp: Crisp) -> None:
    """Somebody at Crisp changes all of them, each a few times and faster than the echoes come back."""
    for number in range(CHANGES):
        for email in PEOPLE:
            place = {"geolocation": {"city": f"Paris {number}"}}
            in_crisp(crisp, "PATCH", f"people/profile/{email}", person=place)
        time.sleep(0.15)


def test_promise_5_an_echo_goes_no_further(serve: Running, crisp: Crisp, pair: tuple[Subscriber, Echo]) -> None:
    subscriber, echo = pair
    subscriber.subscribe(Service(serve.url), "contact_updated")
    changed_in_crisp(crisp)
    until(lambda: set(echo.written) == set(PEOPLE), 20, "the telling of all")

    def settled() -> bool:
        """What was written last is in Crisp, and nothing more was written meanwhile."""
        before = dict(echo.written)
        time.sleep(2)
        held = {email: card["person"].get("employment", {}).get("title") for email, card in crisp.people().items()}
        return held == {email: f"Title {count}" for email, count in before.items()} and before == echo.written

    until(settled, 30, "the end of all writing")
    assert echo.failed == []
    changes_told = Counter(told.event["contact"]["email"] for told in subscriber.told)
    assert max(changes_told.values()) <= CHANGES, "one hop for each change in Crisp"
    assert all("job_title" not in told.event["changed"] for told in subscriber.told), "no write of ours is told"
    events = Service(serve.url).get("/v1/events/contact_updated?include_own=1&limit=500").json()
    assert len(events) > len(subscriber.told), "Crisp did tell of our writes"


@pytest.mark.parametrize("way", ["plugin"], indirect=True)
def test_promise_5_without_the_memory_it_loops(serve: Running, crisp: Crisp, pair: tuple[Subscriber, Echo]) -> None:
    """`include_own` is that memory switched off: what is left of the test must be able to find a loop."""
    subscriber, echo = pair
    subscriber.subscribe(Service(serve.url), "contact_updated", include_own=True)
    in_crisp(crisp, "PATCH", f"people/profile/{PEOPLE[0]}", person={"geolocation": {"city": "Paris"}})
    until(lambda: echo.written[PEOPLE[0]] >= 6, 15, "the sixth hop")
    subscriber.acts = lambda _event: None
