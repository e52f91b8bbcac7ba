"""A job: one person's change on its way. Holds the plan and what is done of it; performs nothing."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row

from connector.contact import Contact, fold, named
from connector.courier.doubt import certain, doubted
from connector.crisp.answers import Action, Failure, Judgement, judge
from connector.crisp.calls import Call, How, Outcome, Plan, Reply, Seen
from connector.crisp.card import writable
from connector.crisp.plan import created_since, upsert
from connector.ledger.lanes import LIVE
from connector.ledger.people import Person
from connector.ledger.work import Group
from connector.manifest import Field

_MOST_TRAIL = 50


@dataclass(frozen=True, slots=True)
class Retries:
    """Backoff with full jitter: the pause before try n is random up to `base` · 2ⁿ, at most `cap`; a record that has
    failed for `age` is dead. All in milliseconds."""

    base: int = 500
    cap: int = 300_000
    age: int = 259_200_000

    def pause(self, attempts: int) -> int:
        """Milliseconds before the next try."""
        return random.randint(0, min(self.cap, self.base * 2 ** min(attempts, 20)))  # noqa: S311 jitter


@dataclass
class Job:
    """Records of one person that go out in one plan. `call` is the next call, `outcome` the end once it is there."""

    group: Group
    person: Person | None
    fields: Mapping[str, Field]
    how: How
    call: Call | None = None
    outcome: Outcome | None = None
    seen: Seen = field(default_factory=Seen)

    def __post_init__(self) -> None:
        rows = self.group.rows
        times = self.person.times if self.person else {}
        # The address may have changed since these records were accepted.
        self.who = (self.person.email if self.person else None) or self.group.who
        self.folded = fold([(self._said(row), row.at) for row in rows], times, self.who)
        told = [row for row, said in zip(rows, self.folded.told, strict=True) if said]
        self.primary: Row[Any] = (told or rows)[-1]
        self.nothing_new = not told
        self.lane = min(row.lane for row in rows)
        self.step: str | None = next((row.step for row in rows if row.step), None)
        self.changed: list[str] = [key for row in rows for key in row.changed]
        self.calls = sum(row.calls for row in rows)
        self.tried = False
        self.trail: list[dict[str, Any]] = [entry for row in rows for entry in row.trail]
        unsure = [row.unsure for row in rows if row.unsure is not None]
        self.unsure: int | None = min(unsure) if unsure else None
        self.seen = self._seen_before()
        self.plan: Plan = upsert(
            self.folded.contact,
            self.who,
            self.seen,
            mode=self.primary.mode,
            how=self.how,
            fields=self.fields,
            created=self.step == "created",
        )

    @property
    def name(self) -> str:
        """Under which the drain has it in hand."""
        return self.group.who

    @property
    def names(self) -> set[str]:
        """Every name under which the person may be told something meanwhile."""
        before = self.person.names if self.person else []
        names = (self.group.who, self.who, *before, self.seen.people_id, self.seen.known.email)
        return {name for name in names if name}

    @property
    def address_before(self) -> str | None:
        """The address that led to the person, where this job has told Crisp of another or has made the person."""
        if self.person is not None:
            return self.person.email if "email" in self.changed else None
        return self.group.who if "@" in self.group.who else None

    @property
    def live(self) -> bool:
        """Whether it goes before bulk work."""
        return bool(self.lane == LIVE)

    def start(self) -> None:
        """Finds the first call, or the end when nothing needs to be told."""
        if self.nothing_new:
            self.outcome = Outcome("superseded")
        else:
            self._step(None)

    def take(self, answer: Reply | Failure, now: int) -> Judgement:
        """Takes the answer to `call`: the plan goes on, or the job ends; pauses and retries are the caller's."""
        call = self.call
        if call is None:
            raise RuntimeError("an answer came for a job that asked nothing")
        judgement = judge(call, answer)
        self._remember(call, answer, now)
        if isinstance(answer, Reply) and judgement.action is Action.ANSWER:
            self._look_back(call, answer)
            self._heard(call, answer)
            self._step(answer)
        elif judgement.action is Action.REFUSE and isinstance(answer, Reply):
            self.outcome = Outcome("rejected", judgement.code, answer.reason)
        elif judgement.maybe_applied and call.makes:
            self.unsure = self.unsure or now
        return judgement

    def share(self, call: Call, answer: Reply | Failure, judgement: Judgement, now: int, *, counts: bool) -> None:
        """Takes the answer to a call that told several people a part of what they are to be told; `counts`: the call
        is one of this job's. The plan goes on with `proceed`, once all parts are told."""
        self._remember(call, answer, now, counts=counts)
        if isinstance(answer, Reply) and answer.ok:
            self._heard(call, answer)
        elif judgement.maybe_applied:
            self.unsure = self.unsure or now

    def proceed(self, answer: Reply) -> None:
        """The plan goes on: all that `call` tells was told in parts."""
        self._step(answer)

    def person_now(self) -> Person:
        """The person as Crisp has it after what was done."""
        done = self.outcome is not None and self.outcome.status in ("updated", "unchanged", "superseded")
        seen = self.seen
        if self.unsure is not None:
            seen = certain(seen, Contact() if done else self._told(self.folded.contact))
        email = seen.known.email or (self.who if "@" in self.who else None)
        people_id = seen.people_id or (None if "@" in self.who or self.step == "created" else self.who)
        before = self.person.id if self.person else None
        times = self.folded.times if done else (self.person.times if self.person else {})
        return Person(email, people_id, seen.known, times, seen.complete, before)

    def _seen_before(self) -> Seen:
        if self.person is None:
            return Seen(unsure_since=self.unsure)
        seen = self.person.seen
        if self.unsure is None:
            return seen
        said = [self._told(self._said(row)) for row in self.group.rows]
        return doubted(seen, said, self._told(self.folded.contact))

    def _said(self, row: Row[Any]) -> Contact:
        """What a record says; the name under which it was accepted is the person's name of now."""
        contact = Contact.from_flat(row.contact)
        return contact.with_email(self.who) if contact.email == self.group.who else contact

    def _told(self, contact: Contact) -> Contact:
        """What of a contact is told to Crisp."""
        return writable(named(contact), self.fields)

    def _step(self, reply: Reply | None) -> None:
        try:
            self.call = next(self.plan) if reply is None else self.plan.send(reply)
        except StopIteration as end:
            self.call, self.outcome = None, end.value

    def _heard(self, call: Call, answer: Reply) -> None:
        self.seen = self.seen.after(call, answer, self.fields)
        if answer.ok and call.makes:
            self._wrote(call)

    def _wrote(self, call: Call) -> None:
        self.step = "created" if "created" in (self.step, call.makes) else "updated"
        self.changed.extend(key for key in call.changes if key not in self.changed)

    def _look_back(self, call: Call, answer: Reply) -> None:
        """The plan's first look after a create whose answer was lost: it may have been done all the same."""
        if self.unsure is None or self.seen.exists or call.method != "GET":
            return
        if created_since(answer, self.unsure):
            self.step = "created"
            self.changed.extend(key for key in named(self.folded.contact).said() if key not in self.changed)

    def _remember(self, call: Call, answer: Reply | Failure, now: int, *, counts: bool = True) -> None:
        """One line of the trail: when, which route, what came back. Nothing of the person."""
        sent = not isinstance(answer, Failure) or answer.sent
        self.tried |= sent
        self.calls += sent and counts
        came_back = answer.code if isinstance(answer, Failure) else answer.status
        self.trail = [*self.trail, {"at": now, "call": call.route, "answer": came_back}][-_MOST_TRAIL:]
