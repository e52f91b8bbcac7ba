"""Promise 21: the secret of a subscription is rotated while events flow: every delivery can be verified, none fails."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from tests.process.running import Crisp, Running, Service, running, until
from tests.process.subscriber import HOOKED, SECRET, Subscriber, in_crisp, subscribing

ROTATIONS = 4


@pytest.fixture
def serve(env: dict[str, str], crisp: Crisp, tmp_path: Path) -> Iterator[Running]:
    with running("serve", "--port", "0", "--json", env={**env, **HOOKED}, folder=tmp_path) as process:
        crisp.set(hook_url=f"{process.url}/crisp/{env['CRISP_WEBSITE_ID']}", hook_secret=SECRET)
        yield process
        crisp.set(hook_url=None)


@contextmanager
def flowing(crisp: Crisp) -> Iterator[list[str]]:
    """Somebody at Crisp makes one contact after the other; their addresses."""
    made, over = list[str](), threading.Event()

    def make() -> None:
        for number in count():
            if over.is_set():
                return
            email = f"p{number}@example.com"
            in_crisp(crisp, "POST", "people/profile", email=email, person={"nickname": f"P{number}"})
            made.append(email)
            time.sleep(0.01)

    thread = threading.Thread(target=make)
    thread.start()
    try:
        yield made
    finally:
        over.set()
        thread.join()


def more(subscriber: Subscriber, number: int = 10) -> None:
    """Returns when so many more were told."""
    goal = len(subscriber.told) + number
    until(lambda: len(subscriber.told) >= goal, 30, "more events")


def test_promise_21_the_subscription_secret(serve: Running, crisp: Crisp) -> None:
    service = Service(serve.url)
    with subscribing() as subscriber:
        [subscription] = subscriber.subscribe(service, "contact_created")
        with flowing(crisp) as made:
            for _ in range(ROTATIONS):
                more(subscriber)
                rotated = service.post(f"/v1/subscriptions/{subscription}/rotate")
                assert rotated.status_code == 200, rotated.text
                subscriber.secrets.append(rotated.json()["secret"])
            more(subscriber, 20)
        until(lambda: len(subscriber.told) >= len(made), 30, "the telling of all")
    assert subscriber.forged == []
    assert sorted(told.event["contact"]["email"] for told in subscriber.told) == sorted(made), "each once"
    assert len(set(subscriber.secrets)) == ROTATIONS + 1
    assert all(told.signed_with == (ROTATIONS - 1, ROTATIONS) for told in subscriber.told[-5:]), "by both, for a day"

    def ended() -> set[tuple[str, int]] | None:
        """How deliveries ended, once none waits: the subscriber knows of one a moment before the ledger does."""
        listed = service.get("/v1/deliveries?limit=500").json()
        found = {(each["status"], each["attempts"]) for each in listed}
        return found if "waiting" not in {status for status, _ in found} else None

    assert until(ended, 30, "the end of all") == {("delivered", 1)}
