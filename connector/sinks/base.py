"""What every sink module offers: `KEY`, `LABEL`, `HELP`, `EVENTS`, `ADDRESS`, `check`, `open_sink`."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from connector.hooks.egress import Egress

# Waits for so many seconds; True when this process is to end, and nothing more is to be begun.
Wait = Callable[[float], bool]

# Events that are about one contact; the rest of what happens has no contact to write down.
OF_A_CONTACT = (
    "contact_created",
    "contact_updated",
    "conversation_data_changed",
    "conversation_email_changed",
    "segments_changed",
)


class Unwritten(Exception):
    """Events could not be written. `reason`: a short sentence for people, without personal data and secrets."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Later(Unwritten):
    """Not now: the same events may be taken after so many seconds."""

    def __init__(self, seconds: float, reason: str) -> None:
        super().__init__(reason)
        self.seconds = seconds


class Broken(Unwritten):
    """Not before the user has done what `reason` says: there is no access, or the place is gone."""


class Refused(Unwritten):
    """Never: these events are not taken as they are. Others may be."""


class Stopped(Unwritten):
    """Not by this process, for it is to end: the same events may be taken by another at once."""

    def __init__(self) -> None:
        super().__init__("This process is to end.")


def sleep(seconds: float) -> bool:
    """The `Wait` of who is not to end meanwhile."""
    time.sleep(seconds)
    return False


class Sink(Protocol):
    """An open sink. It is kept and used again, for one batch after the other, and may remember what it learnt."""

    def write(self, payloads: Sequence[Mapping[str, Any]]) -> None:
        """Writes event payloads, in order. Raises `Later`, `Broken`, `Refused` or `Stopped`; a part of them may be
        written then, and is not written twice when they come again."""

    def look(self) -> Mapping[str, Any]:
        """What is there, for people who set the sink up; writes nothing. Raises as `write` does."""


class SinkModule(Protocol):
    """A module of this folder. `ADDRESS`: the setting that may name another address of the service than its own."""

    KEY: str
    LABEL: str
    HELP: str
    EVENTS: tuple[str, ...]
    ADDRESS: str

    def check(self, options: Mapping[str, Any], credential: str) -> dict[str, Any]:
        """The options in their one form, the same when they are checked again. No I/O.

        Raises `Problem("parameter_invalid")` that names each wrong field: `options.NAME` or `credential`.
        """

    def open_sink(
        self, options: Mapping[str, Any], credential: str, egress: Egress, *, address: str = "", wait: Wait = sleep
    ) -> Sink:
        """A sink with options and credential as `check` takes them. No I/O yet.

        `egress`: the way to addresses that a user named. `address`: the service's, when it is not its own.
        `wait`: how the sink waits.
        """
