"""The contacts, in memory: every change of one is one method here, made whole under one lock."""

import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

from .card import Card, Person, fresh, merged_data, patched, same_email, unique
from .events import Tell
from .refusal import people_exists, people_not_found

Clock = Callable[[], float]
NO_FIELDS: Mapping[str, Any] = {}


class Store:
    """Contacts by people_id in the order of their creation, and by email. Changes are told in their order."""

    def __init__(self, tell: Tell, clock: Clock = time.time) -> None:
        self._tell = tell
        self._clock = clock
        self._lock = threading.RLock()
        self._people: dict[str, Person] = {}
        self._ids: dict[str, str] = {}
        self.creations: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._people)

    def clear(self) -> None:
        with self._lock:
            self._people.clear()
            self._ids.clear()
            self.creations.clear()

    def find(self, who: str) -> Person | None:
        """Who has this people_id or this email: the official clients' documents allow either everywhere."""
        people_id = self._ids.get(same_email(who), who)
        return self._people.get(people_id)

    def get(self, who: str) -> Person:
        person = self.find(who)
        if person is None:
            raise people_not_found()
        return person

    def everyone(self) -> list[Person]:
        with self._lock:
            return list(self._people.values())

    def page(self, start: int, count: int) -> list[Person]:
        """A part of everyone, without copying the rest."""
        with self._lock:
            return list(islice(self._people.values(), start, start + count))

    def known(self, people_ids: Iterable[str]) -> list[Person]:
        """Those of the people_ids that exist, each once."""
        with self._lock:
            return [self._people[each] for each in unique(people_ids) if each in self._people]

    def add(self, body: Mapping[str, Any]) -> Person:
        """Add New People Profile."""
        card = fresh(body)
        email = same_email(card["email"])
        with self._lock:
            if email in self._ids:
                raise people_exists()
            now = self._now()
            person = Person(str(uuid.uuid4()), card, now, now, active_at=body.get("active"))
            self._people[person.people_id] = person
            self._ids[email] = person.people_id
            self.creations[email] = self.creations.get(email, 0) + 1
            self._tell("people:profile:created", people_id=person.people_id, email=card["email"])
        return person

    def meet(self, email: str, person: Mapping[str, Any]) -> tuple[Person, bool]:
        """Who has this email and whether that is someone new: somebody who leaves one becomes a contact.

        Without a nickname the name is taken from the address, as Crisp's import does.
        """
        with self._lock:
            known = self.find(email)
            if known is not None:
                return known, False
            return self.add({"email": email, "person": {"nickname": email.partition("@")[0], **person}}), True

    def save(self, who: str, body: Mapping[str, Any]) -> None:
        """Save People Profile: the card becomes what is sent; custom data and events stay."""
        with self._lock:
            card = fresh(body)
            self._rewrite(self.get(who), card, body, card)

    def patch(self, who: str, body: Mapping[str, Any], *, segments: str, nested: str) -> None:
        """Update People Profile."""
        with self._lock:
            person = self.get(who)
            card = patched(person.card, body, segments=segments, nested=nested)
            # What was sent, as Crisp's "partial profile card"; but a list is always told whole.
            told = {name: card["segments"] if name == "segments" else value for name, value in body.items()}
            self._rewrite(person, card, body, told)

    def _rewrite(self, person: Person, card: Card, body: Mapping[str, Any], told: Mapping[str, Any]) -> None:
        before, after = same_email(person.card["email"]), same_email(card["email"])
        if self._ids.get(after, person.people_id) != person.people_id:
            raise people_exists()
        self._ids[after] = person.people_id
        if before != after:
            del self._ids[before]
        person.card = card
        person.active_at = body.get("active", person.active_at)
        self._touch(person, told)

    def remove(self, who: str) -> None:
        """Remove People Profile."""
        with self._lock:
            person = self.get(who)
            del self._people[person.people_id]
            del self._ids[same_email(person.card["email"])]
            self._tell("people:profile:removed", people_id=person.people_id)

    def save_data(self, who: str, data: Mapping[str, Any], *, removal: str) -> None:
        """Save People Data: these keys and no others."""
        with self._lock:
            person = self.get(who)
            person.data = merged_data({}, data, removal)
            self._touch(person)

    def patch_data(self, who: str, data: Mapping[str, Any], *, removal: str) -> None:
        """Update People Data: keys that are not named stay."""
        with self._lock:
            person = self.get(who)
            person.data = merged_data(person.data, data, removal)
            self._touch(person)

    def add_event(self, who: str, event: Mapping[str, Any]) -> None:
        """Add A People Event."""
        with self._lock:
            person = self.get(who)
            person.events = [*person.events, {"data": {}, "color": "grey", **event, "timestamp": self._now()}]

    def subscribe(self, who: str, *, subscribed: bool) -> None:
        """Update People Subscription Status."""
        with self._lock:
            person = self.get(who)
            if person.subscribed != subscribed:
                person.subscribed = subscribed
                self._tell("email:subscribe", email=person.card["email"], subscribed=subscribed)

    def _touch(self, person: Person, told: Mapping[str, Any] = NO_FIELDS) -> None:
        """The contact is changed. Custom data is no field of a profile card, and Crisp documents no event of its own
        for it: such a change is told with `updated_at` alone."""
        person.updated_at = self._now()
        self._tell(
            "people:profile:updated",
            people_id=person.people_id,
            email=person.card["email"],
            update={**told, "updated_at": person.updated_at},
        )

    def _now(self) -> int:
        return int(self._clock() * 1000)
