"""Catching up: what happened while nobody heard Crisp's RTM is read from its list of profiles, and told once."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from connector.errors import Problem
from connector.events import listening
from connector.events.listening import Listener
from connector.ledger import listeners
from connector.services import listener
from tests.app.stack import DATABASES, Crisp, Stack, until
from tests.app.telling import SECRET, change, page, told, understand

pytestmark = pytest.mark.parametrize("database", DATABASES, indirect=True)


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    return {"crisp_hook_secret": SECRET}


@pytest.fixture
def ears(stack: Stack) -> Iterator[Listener]:
    """Who has heard everything until now."""
    found = listener(stack.services, stack.tenant.id)
    assert found._may_listen()
    found._go_on(heard=True)
    yield found
    found._leave()


def heard_at(stack: Stack) -> int | None:
    with stack.services.ledger.read() as connection:
        return listeners.heard_at(connection, stack.tenant.id)


def emails(api: FlaskClient, event: str) -> list[str]:
    return sorted(each["contact"]["email"] for each in page(api, "limit=500", event))


def test_every_profile_of_the_gap_is_told(stack: Stack, api: FlaskClient, crisp: Crisp, ears: Listener) -> None:
    """More than one page of them."""
    wanted = sorted(f"p{number:02}@example.com" for number in range(70))
    for email in wanted:
        crisp.add(email)
    ears._catch_up()
    understand(stack)
    assert emails(api, "contact_created") == wanted
    before = crisp.calls
    ears._catch_up()
    understand(stack)
    assert emails(api, "contact_created") == wanted
    assert emails(api, "contact_updated") == []
    assert crisp.calls - before <= 5, "no profile is read by itself"


def test_who_was_told_before_the_gap_and_changed_in_it(
    stack: Stack, api: FlaskClient, crisp: Crisp, ears: Listener
) -> None:
    people_id = crisp.add("ada@example.com")
    told(stack, "people:profile:created", people_id=people_id)
    understand(stack)
    change(crisp, people_id, person={"geolocation": {"city": "Paris"}})
    ears._catch_up()
    understand(stack)
    [event] = page(api)
    assert (event["changed"], event["previous"]) == (["city"], {"city": None})
    assert emails(api, "contact_created") == ["ada@example.com"]


def test_what_was_heard_before_the_gap_is_not_told_twice(
    stack: Stack, api: FlaskClient, crisp: Crisp, ears: Listener
) -> None:
    people_id, card = crisp.add("ada@example.com"), {"person": {"geolocation": {"city": "Paris"}}}
    told(stack, "people:profile:created", people_id=people_id)
    understand(stack)
    change(crisp, people_id, **card)
    told(stack, "people:profile:updated", people_id=people_id, update=card)
    understand(stack)
    ears._catch_up()
    understand(stack)
    assert len(page(api)) == len(page(api, event="contact_created")) == 1


def test_our_own_writes_in_a_gap_are_no_news(stack: Stack, api: FlaskClient, ears: Listener) -> None:
    assert api.post("/v1/contacts", json={"email": "ada@example.com", "city": "Paris"}).status_code == 200
    ears._catch_up()
    understand(stack)
    assert page(api) == page(api, event="contact_created") == []


def test_a_gap_stays_until_it_is_caught_up_with(
    stack: Stack, api: FlaskClient, crisp: Crisp, ears: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is heard meanwhile does not end it."""
    crisp.add("ada@example.com")
    before, reads = heard_at(stack), ears._reads

    def fails(*_: Any) -> Any:
        raise Problem("crisp_unreachable")

    monkeypatch.setattr(ears, "_reads", fails)
    with pytest.raises(Problem):
        ears._catch_up()
    ears._take("people:profile:created", stack.tenant.website_id, {"people_id": crisp.add("bob@example.com")})
    assert heard_at(stack) == before
    monkeypatch.setattr(ears, "_reads", reads)
    ears._catch_up()
    understand(stack)
    assert emails(api, "contact_created") == ["ada@example.com", "bob@example.com"]


class Socket:
    """A connection that stands until it is closed."""

    connected = True


def test_while_a_gap_cannot_be_caught_up_with_it_goes_on_hearing(
    stack: Stack, api: FlaskClient, crisp: Crisp, ears: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is said in conversations stands in no list. The gap is caught up with later, by the same connection."""
    crisp.add("ada@example.com")
    before, reads, tries, socket = heard_at(stack), ears._reads, list[int](), Socket()

    def fails(*_: Any) -> Any:
        tries.append(1)
        raise Problem("crisp_unreachable")

    for name in ("_BEHIND", "_RENEW"):
        monkeypatch.setattr(listening, name, 0.01)
    monkeypatch.setattr(ears, "_reads", fails)
    thread = threading.Thread(target=ears._hear, args=(socket, threading.Event()))
    thread.start()
    assert until(lambda: len(tries) > 1)
    assert (thread.is_alive(), heard_at(stack)) == (True, before)
    monkeypatch.setattr(ears, "_reads", reads)
    assert until(lambda: heard_at(stack) != before)
    socket.connected = False
    thread.join(10)
    understand(stack)
    assert emails(api, "contact_created") == ["ada@example.com"]


def test_one_listens_at_a_time(stack: Stack, ears: Listener) -> None:
    other = listener(stack.services, stack.tenant.id)
    assert not other._may_listen()
    ears._leave()
    assert other._may_listen()
    assert not ears._may_listen()
    other._leave()
