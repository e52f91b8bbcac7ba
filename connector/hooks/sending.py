"""Sending: one attempt to tell a subscriber, signed, through the guarded egress."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from connector.hooks import sign
from connector.hooks.egress import Egress, Failed, Refused
from connector.hooks.plan import Attempt

# Which of two deliveries about one person is the later: the greater.
SEQUENCE = "X-Connector-Sequence"
# Bytes of an answer that are read at most.
_MOST = 65_536


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: `id` is the event's, the same at every attempt."""

    id: str
    body: bytes
    sequence: int


@dataclass(frozen=True)
class Sender:
    """Sends over this egress. `seconds`: what the whole exchange may take; `clock` gives UNIX milliseconds."""

    egress: Egress
    seconds: float
    clock: Callable[[], int]

    def send(self, url: str, secrets: Sequence[str], message: Message) -> Attempt:
        """What came of one attempt; whatever the other side does, it is an answer or a reason. The address is judged
        anew, and nothing is followed."""
        signed = sign.headers(secrets, message.id, self.clock() // 1000, message.body)
        headers = {"Content-Type": "application/json", SEQUENCE: str(message.sequence), **signed}
        began = time.perf_counter()
        try:
            answer = self.egress.post(url, message.body, headers, seconds=self.seconds, most=_MOST)
        except (Refused, Failed) as problem:
            return Attempt(self.clock(), _since(began), reason=problem.reason)
        return Attempt(self.clock(), _since(began), answer.status, retry_after=answer.retry_after)


def _since(began: float) -> int:
    """Milliseconds."""
    return round((time.perf_counter() - began) * 1000)
