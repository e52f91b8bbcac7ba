"""Driving a plan by hand: the people and answers that its tests share, and what it sends."""

from collections.abc import Generator
from typing import Any, TypeVar

from connector.contact import Contact, named
from connector.crisp.calls import Call, How, Outcome, Reply, Seen
from connector.crisp.plan import upsert
from connector.manifest import shipped

FIELDS = shipped().fields
EMAIL = "ada@example.com"
PROFILE, THEIRS, BY_ID = "people/profile", f"people/profile/{EMAIL}", "people/profile/p-1"
DATA, DATA_BY_ID = f"people/data/{EMAIL}", "people/data/p-1"
ADDED = Reply(201, "added", {"people_id": "p-1"})
DONE = Reply(200, "updated", {})
TAKEN = Reply(409, "people_exists", {})
NOBODY = Reply(404, "people_not_found", {})
UPDATED = Outcome("updated")
UNCHANGED = Outcome("unchanged")

PLAIN = Contact({"email": EMAIL, "first_name": "Ada", "last_name": "Lovelace", "phone": "+33639985612"})
PERSON = {"nickname": "Ada Lovelace", "phone": "+33639985612"}
FULL = Contact(PLAIN.fields, ("vip",), {"plan": "pro"})
CARD = {"email": EMAIL, "person": PERSON, "segments": ["vip"]}

STRANGER = Seen()
EXISTS = Outcome("rejected", "contact_exists", "people_exists")
MISSING = Outcome("rejected", "contact_missing", "people_not_found")

Sent = tuple[str, str, Any]
Run = tuple[list[Sent], Outcome]
T = TypeVar("T")


def sent(call: Call) -> Sent:
    """Method, path with the person, body."""
    return call.method, call.path.replace("{who}", str(call.who)), call.body


def drive(plan: Generator[Call, Reply, T], *replies: Reply) -> tuple[list[Call], T]:
    """The calls that a plan makes when it is answered so, and its end. Every reply must be asked for."""
    calls: list[Call] = []
    waiting = list(replies)
    try:
        calls.append(next(plan))
        while True:
            calls.append(plan.send(waiting.pop(0)))
    except StopIteration as stop:
        end: T = stop.value
    assert waiting == [], "the plan ended before all answers were asked for"
    return calls, end


def run(contact: Contact, *replies: Reply, seen: Seen = STRANGER, who: str = EMAIL, **more: Any) -> Run:
    """What `upsert` sends and ends with."""
    options: dict[str, Any] = {"mode": "upsert", "how": How(), "fields": FIELDS, **more}
    calls, outcome = drive(upsert(contact, who, seen, **options), *replies)
    return [sent(call) for call in calls], outcome


def known(contact: Contact, **fields: Any) -> Seen:
    """Crisp has this person, and all that it says is known."""
    told = named(contact)
    return Seen("p-1", Contact({**told.fields, **fields}, told.segments, told.data), exists=True, complete=True)
