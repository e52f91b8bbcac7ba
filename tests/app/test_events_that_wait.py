"""Events that cannot be finished now: they wait, are told with what is known after a day, and keep nobody back."""

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from connector.errors import Problem
from connector.events.finishing import Finishing
from connector.events.runner import Runner
from connector.ledger import tables
from tests.app.stack import DATABASES, Crisp, Stack, until
from tests.app.telling import SECRET, now, page, told, understand

pytestmark = pytest.mark.parametrize("database", DATABASES, indirect=True)

INVENTED = "5a7d8e0c-1d2f-4a3b-9c8d-7e6f5a4b3c2d"
PARIS = {"person": {"geolocation": {"city": "Paris"}}}


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    return {"crisp_hook_secret": SECRET}


def without_crisp(stack: Stack, *, later: int) -> Finishing:
    """Crisp is away, so many milliseconds from now."""
    tools = stack.services.events._finishing.tools

    def reads(*_: Any) -> Any:
        raise Problem("crisp_unreachable")

    return Finishing(replace(tools, reads=reads, clock=lambda: now() + later))


def test_after_a_day_it_is_told_with_what_was_gathered(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    told(stack, "people:profile:updated", people_id=INVENTED, email="ada@example.com", update=PARIS)
    told(stack, "session:set_data", session_id="session_1", data={"plan": "pro"})
    understand(stack, finishing=without_crisp(stack, later=86_400_001))
    [event] = page(api)
    assert (event["partial"], event["changed"], event["contact"]["city"]) == (True, ["city"], "Paris")
    [said] = page(api, event="conversation_data_changed")
    assert (said["partial"], said["data"]) == (True, {"plan": "pro"})


def test_after_a_day_somebody_is_made_once_all_the_same(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    for moment in (now() - 2, now() - 1):
        told(stack, "people:profile:created", at=moment, people_id=INVENTED, email="ada@example.com")
    understand(stack, finishing=without_crisp(stack, later=86_400_001))
    assert len(page(api, event="contact_created")) == 1


def test_after_a_day_nothing_is_kept_of_whom_we_removed(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    people_id = crisp.add("ada@example.com")
    assert api.delete("/v1/contacts/ada@example.com").status_code == 200
    told(stack, "people:profile:updated", people_id=people_id, email="ada@example.com", update=PARIS)
    understand(stack, finishing=without_crisp(stack, later=86_400_001))
    assert page(api, "include_own=1") == []


def test_what_breaks_the_program_is_tried_again_ever_later(
    stack: Stack, api: FlaskClient, crisp: Crisp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what comes after it is told."""
    broken, fine = crisp.add("ada@example.com"), crisp.add("bob@example.com")
    finish = Finishing.finish

    def breaks(self: Finishing, row: Any) -> bool:
        if row.people_id == broken:
            raise ValueError
        return finish(self, row)

    monkeypatch.setattr(Finishing, "finish", breaks)
    for people_id in (broken, fine):
        told(stack, "people:profile:created", people_id=people_id)
    services, before = stack.services, now()
    runner = Runner(services.ledger, services.events._finishing, 0, services.courier.clock, lambda: None)
    until(lambda: runner.turn() and page(api, event="contact_created"))
    assert [each["contact"]["email"] for each in page(api, event="contact_created")] == ["bob@example.com"]
    with services.ledger.read() as connection:
        waits = connection.execute(tables.events.select().where(tables.events.c.told_at.is_(None))).one()
    assert waits.attempts == 1
    assert before < waits.due_at <= now() + 2_000
