"""Systems that send notifications to an address of their own, which say no more than whom they are about."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import update

from connector.ledger.tables import arrivals, inbounds
from tests.app.inbound import made, outcomes_of, send, stored, took_in
from tests.app.stack import Stack
from tests.vendors import dynamics, hubspot, pipedrive, salesforce, shopify, zoho
from tests.vendors.standing import StandIn

Event = Callable[[int, str, int], Any]
# What each sends when a contact has changed; Zoho's have the secret in them.
EVENTS: dict[str, Event] = {
    "hubspot": lambda number, _, time: hubspot.event(number, time),
    "pipedrive": lambda number, _, time: pipedrive.event(number, time),
    "zoho": zoho.event,
    "salesforce": lambda number, _, time: salesforce.event(number, time),
    "shopify": lambda number, _, time: shopify.event(number, time),
    "dynamics": lambda number, _, time: dynamics.event(number, time),
}
_SAID = {"salesforce": {"sender": "00D5e0000012AbCEAU"}}


@dataclass
class Sender:
    """A system that sends to an address of its own."""

    stack: Stack
    api: FlaskClient
    system: StandIn
    one: dict[str, Any]

    def send(self, number: int, event: Any = None, time: int = 0) -> None:
        """Tells that a contact has changed."""
        told = EVENTS[self.one["source"]](number, self.one["secret"], time) if event is None else event
        if self.one["source"] == "salesforce":  # a relay of change events has an API key
            headers = {"X-API-Key": self.stack.key("write")}
            path = f"/in/salesforce/{self.one['id']}"
            assert self.stack.client(None).post(path, json=told, headers=headers).status_code == 200
        else:
            assert stored(send(self.stack, self.one, told))

    def later(self) -> None:
        """What is to be done a moment later is done now."""
        took_in(self.stack)
        with self.stack.services.ledger.write() as connection:
            open_ = arrivals.c.due_at.is_not(None)
            past = {"due_at": 0, "received_at": arrivals.c.received_at - 60_000}
            connection.execute(update(arrivals).where(open_).values(past))
            connection.execute(update(inbounds).values(state={}))
        took_in(self.stack)

    @property
    def outcomes(self) -> list[Any]:
        return outcomes_of(self.api, self.one)


def sending(stack: Stack, api: FlaskClient, system: StandIn) -> Sender:
    """One of them, with a new address."""
    system.faults.clear()
    system.asked.clear()
    vendor = system.vendor.KEY
    one = made(api, vendor, credential=system.vendor.CREDENTIAL, **_SAID.get(vendor, {}))
    return Sender(stack, api, system, one)
