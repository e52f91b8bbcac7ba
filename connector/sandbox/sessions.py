"""The conversations, in memory: every change of one is one method here, made whole under one lock."""

import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any

from .card import merged_data, same_email
from .events import SETTERS, Tell
from .refusal import RefusalError
from .store import Clock, Store

Conversation = dict[str, Any]


class Sessions:
    """Conversations by session_id; who leaves an email in one is met in the store. Changes are told in their order."""

    def __init__(self, store: Store, tell: Tell, clock: Clock = time.time) -> None:
        self._store = store
        self._tell = tell
        self._clock = clock
        self._lock = threading.RLock()
        self._conversations: dict[str, Conversation] = {}

    def clear(self) -> None:
        with self._lock:
            self._conversations.clear()

    def get(self, session_id: str) -> Conversation:
        """`{session_id, state, is_verified, is_blocked, active, created_at, updated_at, meta {…}}`."""
        try:
            return self._conversations[session_id]
        except KeyError:
            raise RefusalError(404, "session_not_found") from None

    def of_email(self, email: str) -> list[str]:
        """The sessions in which this person wrote, newest first."""
        wanted = same_email(email)
        with self._lock:
            found = [each for each in self._conversations.values() if same_email(each["meta"]["email"]) == wanted]
        return [each["session_id"] for each in reversed(found)]

    def visit(self, session_id: str, meta: Mapping[str, Any], *, removal: str) -> bool:
        """Play a visitor who opens the chat, or goes on in it, and tells these things; whether it is new."""
        with self._lock:
            new = session_id not in self._conversations
            if new:
                self._conversations[session_id] = blank(session_id, self._now())
            self.patch_meta(session_id, meta, removal=removal)
        return new

    def patch_meta(self, session_id: str, meta: Mapping[str, Any], *, removal: str) -> None:
        """Update Conversation Metas: `data` is merged, every other field becomes what is sent."""
        with self._lock:
            conversation = self.get(session_id)
            before = conversation["meta"]
            after = {**before, **meta, "data": merged_data(before["data"], meta.get("data", {}), removal)}
            self._conversations[session_id] = {**conversation, "meta": after, "updated_at": self._now()}
            self._tell_changes(session_id, before, after)

    def _tell_changes(self, session_id: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """The events of what is different now; `data` is told whole, for Crisp does not say otherwise."""
        for name, event in SETTERS.items():
            if before[name] != after[name]:
                self._tell(event, session_id=session_id, **{name: after[name]})
        if after["email"] and same_email(after["email"]) != same_email(before["email"]):
            self._bind(session_id, after)

    def _bind(self, session_id: str, meta: Mapping[str, Any]) -> None:
        """The conversation is somebody's now; what is known of them is told with it."""
        known = {name: meta[name] for name in ("nickname", "phone") if meta[name]}
        person, new = self._store.meet(meta["email"], known)
        self._tell("people:bind:session", people_id=person.people_id, session_id=session_id)
        if not new:
            self._tell("people:sync:profile", people_id=person.people_id, session_id=session_id, identity=person.card)

    def patch_data(self, session_ids: Iterable[str], data: Mapping[str, Any], *, removal: str) -> None:
        """Batch Update Conversations Data; sessions that are not known are passed over."""
        with self._lock:
            for session_id in session_ids:
                if session_id in self._conversations:
                    self.patch_meta(session_id, {"data": data}, removal=removal)

    def _now(self) -> int:
        return int(self._clock() * 1000)


def blank(session_id: str, now: int) -> Conversation:
    texts = dict.fromkeys(("nickname", "email", "phone", "address", "subject", "avatar", "ip"), "")
    return {
        "session_id": session_id,
        "state": "pending",
        "is_verified": False,
        "is_blocked": False,
        "active": {"now": False, "last": now},
        "meta": {**texts, "segments": [], "data": {}, "device": {}},
        "created_at": now,
        "updated_at": now,
    }
