"""Crisp's events: what they are called, which hooks are told which, and the shape of one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

# Crisp RTM reference: a field of a conversation's metas and the event of its change.
SETTERS = {
    "nickname": "session:set_nickname",
    "email": "session:set_email",
    "phone": "session:set_phone",
    "address": "session:set_address",
    "subject": "session:set_subject",
    "avatar": "session:set_avatar",
    "segments": "session:set_segments",
    "data": "session:set_data",
}
PROFILES = ("people:profile:created", "people:profile:updated", "people:profile:removed")
EVERYTHING = frozenset({*PROFILES, "people:bind:session", "people:sync:profile", "email:subscribe", *SETTERS.values()})
# Crisp's hooks guide says that website hooks have fewer namespaces and not which: this is the sandbox's own choice.
FOR_WEBSITE_HOOKS = frozenset({*PROFILES, *SETTERS.values()})


class Tell(Protocol):
    """How whoever changes something says so: the event, and its data but for `website_id`."""

    def __call__(self, event: str, /, **data: object) -> None: ...


@dataclass(frozen=True, slots=True)
class Notice:
    """One event as it happened: `data` has the `website_id`, `timestamp` is in milliseconds."""

    event: str
    data: Mapping[str, Any] = field(repr=False)
    timestamp: int

    @property
    def body(self) -> dict[str, Any]:
        """What a hook posts."""
        return {
            "website_id": self.data["website_id"],
            "event": self.event,
            "data": self.data,
            "timestamp": self.timestamp,
        }
