"""Erasing a person whom a notification that waits names by the id alone that the person has over there."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Connection, select
from werkzeug import Response

from connector.inbound import payload
from connector.ledger import erasure
from connector.ledger.tables import arrivals
from tests.app.inbound import arrivals_of, kept
from tests.app.sending import EVENTS, Sender, sending
from tests.app.stack import DATABASES, Stack, ended
from tests.vendors import hubspot, salesforce, zoho
from tests.vendors.standing import Person, StandIn, all_standing, asked_here

pytestmark = [
    pytest.mark.usefixtures("no_addresses", "hurry"),
    pytest.mark.parametrize("database", DATABASES, indirect=True),
]
P1, P3 = "p1@example.com", "p3@example.com"
PATH = f"/v1/contacts/{P1}"
# A failure, and an answer for which it waits for another credential.
_FAILS, _REFUSES = Response("no", status=500), Response("{}", status=401)


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
    """The one that a test is about; it has told of the first contact before."""
    found = sending(stack, api, systems[vendor])
    found.send(1)
    found.later()
    told = ended(api, arrivals_of(api, found.one)[0]["outcome_id"])
    assert (told["status"], told["email"]) == ("created", P1)
    return found


def several(sender: Sender) -> Any:
    """Of the first contact and the third, the ids."""
    if sender.one["source"] == "hubspot":
        gone = hubspot.event(1, time=1, subscriptionType="contact.deletion")
        return [*hubspot.event(1, time=1), *hubspot.event(3, time=1), *gone]
    if sender.one["source"] == "zoho":
        first, third = (zoho.event(number, sender.one["secret"], 1) for number in (1, 3))
        return {**third, "ids": [*first["ids"], *third["ids"]]}
    told = salesforce.event(1, time=1)
    told["ChangeEventHeader"]["recordIds"] += [salesforce.its_id(Person(3), "Contact")]
    return {"schema": "sample", "payload": told, "event": {"replayId": 7}}


def body_of(stack: Stack) -> Any:
    """What is kept of the notification that came last."""
    with stack.services.ledger.read() as connection:
        body = connection.scalar(select(arrivals.c.body).order_by(arrivals.c.id.desc()).limit(1))
    return None if body is None else json.loads(body)


@pytest.mark.parametrize("vendor", list(EVENTS))
class TestAlone:
    """A notification of nobody else."""

    def test_it_does_not_bring_the_person_back(self, sender: Sender, api: FlaskClient, stack: Stack) -> None:
        sender.send(1, time=1)
        assert api.delete(PATH).status_code == 200
        sender.later()
        assert sender.outcomes == ["accepted"] * 2
        assert P1 not in stack.crisp.people()
        assert P1 not in kept(stack)

    @pytest.mark.parametrize("fault", [_FAILS, _REFUSES], ids=["500", "401"])
    def test_what_cannot_be_read_then_is_given_up(
        self, sender: Sender, api: FlaskClient, stack: Stack, fault: Response
    ) -> None:
        sender.send(1, time=1)
        sender.system.faults.extend([fault] * 2)
        assert api.delete(PATH).get_json()["arrivals"] == 1
        assert (sender.outcomes[0], body_of(stack)) == ("contact_erased", None)

    def test_of_somebody_else_it_waits_as_it_did(self, sender: Sender, api: FlaskClient, stack: Stack) -> None:
        sender.send(3, time=1)
        asked = len(sender.system.asked)
        assert api.delete(PATH).get_json()["arrivals"] == 0
        assert (sender.outcomes[0], len(sender.system.asked)) == (None, asked)
        sender.later()
        ended(api, arrivals_of(api, sender.one)[0]["outcome_id"])
        assert P3 in stack.crisp.people()


@pytest.mark.parametrize("vendor", ["hubspot"])
def test_what_waits_is_read_before_the_database_is_held(
    sender: Sender, api: FlaskClient, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, read = [False], []
    write, value_of = stack.services.ledger.write, payload.value_of

    @contextmanager
    def holding(**how: bool) -> Iterator[Connection]:
        with write(**how) as connection:
            held[0] = True
            try:
                yield connection
            finally:
                held[0] = False

    def seen(body: bytes, content_type: str) -> Any:
        read.append(held[0])
        return value_of(body, content_type)

    for time in (1, 2, 3):
        sender.send(3, time=time)
    monkeypatch.setattr(stack.services.ledger, "write", holding)
    monkeypatch.setattr(payload, "value_of", seen)
    assert api.delete(PATH).status_code == 200
    assert len(read) >= 3
    assert not any(read)


@pytest.mark.parametrize("vendor", ["hubspot"])
def test_what_was_not_read_for_it_may_kill_is_read_when_it_turns_out_to_be_harmless(
    sender: Sender, stack: Stack
) -> None:
    sender.send(1, time=1)
    with stack.services.ledger.read() as connection:
        called = erasure.standing(connection, stack.tenant.id, {P1}).called
        names = stack.services.arrivals.naming(connection, stack.tenant.id, called)
        row = connection.execute(select(arrivals).order_by(arrivals.c.id.desc()).limit(1)).one()
    held: list[Any] = [SimpleNamespace(**{**row._mapping, "holder": holder}) for holder in ("somebody~2", None)]
    suspect, harmless = held
    assert [names(each) for each in (suspect, harmless, suspect)] == [False, True, True]


@pytest.mark.parametrize("vendor", ["hubspot", "zoho", "salesforce"])
class TestAmongOthers:
    """A notification of somebody else as well."""

    def test_the_others_are_accepted(self, sender: Sender, api: FlaskClient, stack: Stack) -> None:
        sender.send(0, several(sender))
        assert api.delete(PATH).status_code == 200
        sender.later()
        [arrival, _] = arrivals_of(api, sender.one)
        for each in api.get(f"/v1/imports/{arrival['import_id']}/records").get_json():
            ended(api, each["outcome_id"])
        assert set(stack.crisp.people()) == {P3}
        assert P1 not in kept(stack)

    @pytest.mark.parametrize("fault", [_FAILS, _REFUSES], ids=["500", "401"])
    def test_where_nobody_can_be_read_they_go_on_waiting(
        self, sender: Sender, api: FlaskClient, stack: Stack, fault: Response
    ) -> None:
        sender.send(0, several(sender))
        sender.system.faults.extend([fault] * 2)
        assert api.delete(PATH).status_code == 200
        assert body_of(stack) is not None
        sender.system.faults.clear()
        api.patch(f"/v1/inbound/{sender.one['id']}", json={"credential": sender.system.vendor.CREDENTIAL})
        sender.later()
        told = ended(api, arrivals_of(api, sender.one)[0]["outcome_id"])
        assert (told["status"], told["email"]) == ("created", P3)
        assert set(stack.crisp.people()) == {P3}
