"""Notifications that name a contact alone, or tell only what has changed: one read brings the rest."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug import Response

from connector.inbound.asking import Asker
from connector.ledger.tables import arrivals
from tests.app.inbound import arrivals_of
from tests.app.sending import EVENTS, Sender, sending
from tests.app.stack import Stack, ended
from tests.vendors import hubspot, pipedrive
from tests.vendors.standing import StandIn, all_standing, asked_here

pytestmark = pytest.mark.usefixtures("no_addresses", "hurry")


@pytest.fixture(scope="module")
def systems() -> Iterator[dict[str, StandIn]]:
    """All of them, with five contacts each."""
    with all_standing(EVENTS, 5) as found:
        yield found


@pytest.fixture(scope="module")
def settings(systems: dict[str, StandIn]) -> dict[str, Any]:
    """They are on this machine."""
    return asked_here(systems)


@pytest.fixture
def sender(api: FlaskClient, stack: Stack, systems: dict[str, StandIn], vendor: str) -> Sender:
    """The one that a test is about."""
    return sending(stack, api, systems[vendor])


@pytest.mark.parametrize("vendor", list(EVENTS))
class TestEverySystem:
    """What each of them does alike."""

    def test_the_contact_is_read(self, sender: Sender) -> None:
        sender.send(1)
        assert sender.system.asked == [], "it is answered before anything is read"
        sender.later()
        told = ended(sender.api, arrivals_of(sender.api, sender.one)[0]["outcome_id"])
        assert (told["status"], told["email"], told["source"]) == (
            "created",
            "p1@example.com",
            sender.system.vendor.KEY,
        )
        assert sender.stack.crisp.people()["p1@example.com"]["person"]["nickname"].startswith("Person 1")

    def test_several_changes_within_a_moment_are_one_read(self, sender: Sender) -> None:
        for time in range(3):
            sender.send(1, time=time)
        sender.send(2)
        sender.later()
        reads = [path for path in sender.system.asked if "organizations" not in path]
        assert len(reads) == 2, "one for each contact"
        assert sender.outcomes == ["accepted"] * 4
        assert len({each["outcome_id"] for each in arrivals_of(sender.api, sender.one)}) == 2

    def test_a_contact_that_is_not_there_is_gone(self, sender: Sender) -> None:
        sender.send(99)
        sender.later()
        assert sender.outcomes == ["gone"]
        assert sender.stack.count() == 0

    def test_an_answer_that_it_is_not_there_means_the_same(self, sender: Sender) -> None:
        sender.system.faults.append(Response("{}", status=404))
        sender.send(1)
        sender.later()
        assert (sender.outcomes, sender.stack.count()) == (["gone"], 0)

    def test_without_a_credential_it_is_read_as_it_is(self, sender: Sender, api: FlaskClient) -> None:
        api.patch(f"/v1/inbound/{sender.one['id']}", json={"credential": None})
        sender.send(1)
        sender.later()
        assert sender.system.asked == []
        assert sender.outcomes != ["gone"]

    def test_a_pause_is_kept_and_nothing_lost(self, sender: Sender) -> None:
        sender.system.faults.append(Response("{}", status=429, headers={"Retry-After": "120"}))
        sender.send(1)
        sender.later()
        assert sender.outcomes == [None]
        with sender.stack.services.ledger.read() as connection:
            due_at = connection.scalar(select(arrivals.c.due_at))
        assert due_at is not None
        assert 100_000 < due_at - sender.stack.services.courier.clock() <= 121_000
        sender.later()
        assert sender.outcomes == ["accepted"]

    @pytest.mark.parametrize(
        ("fault", "outcome"),
        [
            (Response("{}", status=401), "source_credential_refused"),
            (Response("{}", status=403), "source_credential_refused"),
            (Response("no", status=500), None),
            (Response("<html>", content_type="text/html"), None),
        ],
        ids=["401", "403", "500", "html"],
    )
    def test_what_the_system_answers_instead(self, sender: Sender, fault: Response, outcome: str | None) -> None:
        sender.system.faults.extend([fault, fault])
        sender.send(1)
        sender.later()
        assert sender.outcomes == [outcome]
        sender.system.faults.clear()
        sender.api.patch(f"/v1/inbound/{sender.one['id']}", json={"credential": sender.system.vendor.CREDENTIAL})
        sender.later()
        assert sender.outcomes == ["accepted"]


@pytest.mark.parametrize("vendor", ["hubspot"])
def test_a_hundred_events_are_one_read_and_what_says_all_stays_beside_it(sender: Sender) -> None:
    gone = hubspot.event(77, subscriptionType="contact.deletion")
    sender.send(0, event=[*hubspot.event(1), *hubspot.event(2), *hubspot.event(1), *gone])
    sender.later()
    assert len(sender.system.asked) == 1
    its_id = arrivals_of(sender.api, sender.one)[0]["import_id"]
    told = sender.api.get(f"/v1/imports/{its_id}/records").get_json()
    assert sorted(each["email"] or "-" for each in told) == ["-", "p1@example.com", "p2@example.com"]


@pytest.mark.parametrize("vendor", ["pipedrive"])
def test_an_organization_has_its_name(sender: Sender) -> None:
    sender.send(1)
    sender.later()
    ended(sender.api, arrivals_of(sender.api, sender.one)[0]["outcome_id"])
    assert sender.stack.crisp.people()["p1@example.com"]["company"]["name"] == pipedrive.COMPANY


@pytest.mark.parametrize("vendor", ["zoho"])
class TestSlow:
    """A system for which a term is too short: it is asked for a token, and then for the contact."""

    @pytest.fixture
    def after(self, sender: Sender, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
        """What becomes of the arrival's row while each answer is waited for."""
        values, sent = dict[str, Any](), Asker._sent

        def slow(*args: Any) -> Any:
            answer = sent(*args)
            with sender.stack.services.ledger.write() as connection:
                connection.execute(update(arrivals).values(values))
            return answer

        monkeypatch.setattr(Asker, "_sent", slow)
        return values

    def test_who_asks_it_goes_on_having_in_hand_what_it_is_asked_for(
        self, sender: Sender, monkeypatch: pytest.MonkeyPatch, after: dict[str, Any]
    ) -> None:
        """Nobody else takes it, nor counts who has it as dead."""
        after["due_at"], held, sent = 1, list[bool](), Asker._sent

        def seen(*args: Any) -> Any:
            with sender.stack.services.ledger.read() as connection:
                due_at = connection.scalar(select(arrivals.c.due_at))
            held.append(due_at is not None and due_at > sender.stack.services.courier.clock())
            return sent(*args)

        monkeypatch.setattr(Asker, "_sent", seen)
        sender.send(1)
        sender.later()
        assert (held, sender.outcomes) == ([True, True], ["accepted"])

    def test_who_has_lost_it_asks_nothing_more(self, sender: Sender, after: dict[str, Any]) -> None:
        after["attempts"] = 9
        sender.send(1)
        sender.later()
        assert (sender.system.asked, sender.outcomes) == ([], [None])
