"""The contacts, in memory: every change of one is one method here, made whole under one lock."""

import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

from .card import Card, Person, fresh, merged_data, patched, same_email, unique
from .refusal import people_exists, people_not_found

Clock = Callable[[], float]


class Store:
    """Contacts by people_id in the order of their creation, and by email."""

    def __init__(self, clock: Clock = time.time) -> None:
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
        return person

    def save(self, who: str, body: Mapping[str, Any]) -> None:
        """Save People Profile: the card becomes what is sent; custom data and events stay."""
        with self._lock:
            self._rewrite(self.get(who), fresh(body), body)

    def patch(self, who: str, body: Mapping[str, Any], *, segments: str, nested: str) -> None:
        """Update People Profile."""
        with self._lock:
            person = self.get(who)
            self._rewrite(person, patched(person.card, body, segments=segments, nested=nested), body)

    def _rewrite(self, person: Person, card: Card, body: Mapping[str, Any]) -> None:
        before, after = same_email(person.card["email"]), same_email(card["email"])
        if self._ids.get(after, person.people_id) != person.people_id:
            raise people_exists()
        self._ids[after] = person.people_id
        if before != after:
            del self._ids[before]
        person.card = card
        person.active_at = body.get("active", person.active_at)
        self._touch(person)

    def remove(self, who: str) -> None:
        """Remove People Profile."""
        with self._lock:
            person = self.get(who)
            del self._people[person.people_id]
            del self._ids[same_email(person.card["email"])]

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
            self.get(who).subscribed = subscribed

    def _touch(self, person: Person) -> None:
        person.updated_at = self._now()

    def _now(self) -> int:
        return int(self._clock() * 1000)
