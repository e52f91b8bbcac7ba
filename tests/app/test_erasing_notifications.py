"""Erasing a person who is named in a notification of several people, which waits until they are read over there."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug import Response

from connector import vendors
from connector.ledger.tables import arrivals, inbounds
from tests.app.inbound import arrivals_of, kept, made, outcomes_of, send, stored, took_in
from tests.app.stack import DATABASES, Stack
from tests.vendors import hubspot, zoho
from tests.vendors.standing import StandIn, all_standing, asked_here

pytestmark = [
    pytest.mark.usefixtures("no_addresses", "hurry"),
    pytest.mark.parametrize("database", DATABASES, indirect=True),
]
P1, PATH = "p1@example.com", "/v1/contacts/p1@example.com"


@pytest.fixture(scope="module")
def delivers() -> bool:
    """What is accepted waits."""
    return False


@pytest.fixture(scope="module")
def systems() -> Iterator[dict[str, StandIn]]:
    """HubSpot and Zoho, with five contacts each."""
    with all_standing(("hubspot", "zoho"), 5) as found:
        yield found


@pytest.fixture(scope="module")
def settings(systems: dict[str, StandIn]) -> dict[str, Any]:
    """They are on this machine."""
    return asked_here(systems)


def notification(vendor: str, secret: str) -> Any:
    """Of the first person the address as well, of the third nothing but the id."""
    if vendor == "hubspot":
        named = hubspot.event(1, propertyName="email", propertyValue=P1)
        return [*named, *hubspot.event(1, propertyName="firstname", propertyValue="Pauline"), *hubspot.event(3)]
    first, third = (zoho.event(number, secret) for number in (1, 3))
    values = [{"record_id": first["ids"][0], "values": {"Email": P1, "First_Name": "Pauline"}}]
    return {**third, "ids": [*first["ids"], *third["ids"]], "affected_values": values}


@pytest.fixture(params=["hubspot", "zoho"])
def system(request: pytest.FixtureRequest, systems: dict[str, StandIn]) -> StandIn:
    """Whose notification it is."""
    found = systems[request.param]
    found.faults.clear()
    found.asked.clear()
    return found


@pytest.fixture
def one(api: FlaskClient, stack: Stack, system: StandIn) -> dict[str, Any]:
    """Its address, where the notification waits."""
    address = made(api, system.vendor.KEY, credential=system.vendor.CREDENTIAL)
    assert stored(send(stack, address, notification(system.vendor.KEY, address["secret"])))
    return address


def accepted_later(stack: Stack) -> None:
    with stack.services.ledger.write() as connection:
        past = {"due_at": 0, "received_at": arrivals.c.received_at - 60_000}
        connection.execute(update(arrivals).where(arrivals.c.due_at.is_not(None)).values(past))
        connection.execute(update(inbounds).values(state={}))
    assert took_in(stack) == 1


def emails_of(api: FlaskClient, stack: Stack, one: dict[str, Any]) -> list[str | None]:
    """Whom the notification brought."""
    [arrival] = arrivals_of(api, one)
    assert arrival["outcome"] == "accepted"
    if arrival["import_id"] is None:
        return [api.get(f"/v1/outcomes/{arrival['outcome_id']}").get_json()["email"]]
    found = api.get(f"/v1/imports/{arrival['import_id']}/records").get_json()
    return [each["email"] for each in found]


def test_it_does_not_wait_for_more_and_the_others_are_accepted(
    api: FlaskClient, stack: Stack, one: dict[str, Any]
) -> None:
    assert api.delete(PATH).get_json()["records"] == 1
    assert sorted(str(each) for each in emails_of(api, stack, one)) == ["None", "p3@example.com"]
    assert P1 not in kept(stack)


def test_while_nobody_can_be_read_the_others_go_on_waiting(
    api: FlaskClient, stack: Stack, system: StandIn, one: dict[str, Any]
) -> None:
    system.faults.append(Response("no", status=500))
    api.delete(PATH)
    assert outcomes_of(api, one) == [None]
    assert P1 not in kept(stack)
    assert "Pauline" not in kept(stack)
    accepted_later(stack)
    assert emails_of(api, stack, one) == ["p3@example.com"]
    assert P1 not in kept(stack)


@pytest.mark.parametrize("ended_before", [False, True])
def test_what_waits_for_a_credential_keeps_the_others(
    api: FlaskClient, stack: Stack, system: StandIn, one: dict[str, Any], ended_before: bool
) -> None:
    system.faults.extend([Response("{}", status=401)] * 2)
    if ended_before:
        accepted_later(stack)
    api.delete(PATH)
    assert outcomes_of(api, one) == ["source_credential_refused"]
    with stack.services.ledger.read() as connection:
        body = connection.scalar(select(arrivals.c.body))
    assert body is not None
    assert P1.encode() not in body
    system.faults.clear()
    api.patch(f"/v1/inbound/{one['id']}", json={"credential": system.vendor.CREDENTIAL})
    accepted_later(stack)
    assert emails_of(api, stack, one) == ["p3@example.com"]


def test_a_notification_of_nobody_else_is_given_up(api: FlaskClient, stack: Stack, system: StandIn) -> None:
    address = made(api, system.vendor.KEY, credential=system.vendor.CREDENTIAL)
    told = notification(system.vendor.KEY, address["secret"])
    alone = told[:2] if isinstance(told, list) else {**told, "ids": told["ids"][:1]}
    assert stored(send(stack, address, alone))
    system.faults.append(Response("no", status=500))
    api.delete(PATH)
    assert outcomes_of(api, address) == ["contact_erased"]
    assert P1 not in kept(stack)


@pytest.mark.parametrize("stray", [[], [7]])
def test_where_the_others_cannot_be_told_apart_it_is_given_up(
    api: FlaskClient, stack: Stack, systems: dict[str, StandIn], monkeypatch: pytest.MonkeyPatch, stray: list[int]
) -> None:
    """What is no event stands among them, or a mistake of ours shows."""
    address = made(api, "hubspot", credential=hubspot.CREDENTIAL)
    assert stored(send(stack, address, [*notification("hubspot", ""), *stray]))

    def breaks(*_: Any) -> Any:
        raise TypeError

    if not stray:
        monkeypatch.setattr(vendors.registry()["hubspot"], "without", breaks)
    systems["hubspot"].faults[:] = [Response("no", status=500)]
    assert api.delete(PATH).get_json()["arrivals"] == 1
    assert outcomes_of(api, address) == ["contact_erased"]
    assert P1 not in kept(stack)
