"""Writing: the deliveries of a sink are written together, in their order; what came of each."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from connector.hooks.plan import Attempt, Next, later
from connector.ledger.attempts import Done
from connector.ledger.claims import Claim, Place
from connector.sinks.base import Broken, Later, Refused, Sink, Stopped, Unwritten

# So many that are refused one after the other, with none taken, are enough to doubt the place: each costs a call.
_DOUBTS = 5


class Opens(Protocol):
    """Opens a sink of this kind with options and credential. Raises `Broken` when that cannot be."""

    def __call__(self, kind: str, options: Mapping[str, Any], credential_sealed: bytes, /) -> Sink: ...


@dataclass
class Writer:
    """Writes to sinks, each opened once for as long as it is set up in the same way. `pauses`: seconds after the first,
    second … failure; the last of them for ever after, for who is not written to now still wants all of it."""

    opens: Opens
    pauses: Sequence[int]
    clock: Callable[[], int]
    dice: Callable[[], float]
    _kept: dict[str, tuple[Place, Sink]] = field(default_factory=dict)

    def write(self, place: Place, claims: Sequence[Claim]) -> list[Done]:
        """Writes them together; when they are refused as a whole, one by one, so that one alone stands in nobody's way.
        What comes after one that is not written now is not written either. Where none is taken it may be the place that
        takes nothing: none is given up then. Those that could not be tried, for this process is to end, are left out.
        """
        tried = [self._tried(place, claims)] * len(claims)
        if isinstance(tried[0][0], Refused) and len(claims) > 1:
            tried = list(self._one_by_one(place, claims))
        takes = any(problem is None for problem, _ in tried)
        told = zip(claims, tried, strict=True)
        return [self._done(place, claim, *each, takes) for claim, each in told if not isinstance(each[0], Stopped)]

    def _one_by_one(self, place: Place, claims: Sequence[Claim]) -> Iterator[tuple[Unwritten | None, int]]:
        tried, takes = self._tried(place, claims[:1]), False
        yield tried
        for count, claim in enumerate(claims[1:], 1):
            takes = takes or tried[0] is None
            if not isinstance(tried[0], Later | Broken | Stopped) and (takes or count < _DOUBTS):
                tried = self._tried(place, [claim])
            yield tried

    def _tried(self, place: Place, claims: Sequence[Claim]) -> tuple[Unwritten | None, int]:
        """What kept them from being written, and how many milliseconds that took."""
        began = time.perf_counter()
        problem: Unwritten | None = None
        try:
            self._sink(place).write([json.loads(claim.body) for claim in claims])
        except Unwritten as found:
            problem = found
        return problem, round((time.perf_counter() - began) * 1000)

    def _sink(self, place: Place) -> Sink:
        known = self._kept.get(place.id)
        same = known is not None and (known[0].kind, known[0].options, known[0].credential_sealed)
        if known is None or same != (place.kind, place.options, place.credential_sealed):
            known = (place, self.opens(place.kind, place.options, place.credential_sealed))
            self._kept[place.id] = known
        return known[1]

    def _done(self, place: Place, claim: Claim, problem: Unwritten | None, ms: int, takes: bool) -> Done:
        now = self.clock()
        if problem is None:
            return Done(claim, place, Attempt(now, ms, 200), Next("delivered"))
        attempt = Attempt(now, ms, reason=problem.reason)
        if isinstance(problem, Refused) and takes:
            return Done(claim, place, attempt, Next("dead"))
        pause = problem.seconds if isinstance(problem, Later) else self._pause(claim.attempts)
        return Done(claim, place, attempt, Next("waiting", now + later(pause, self.dice())))

    def _pause(self, attempts: int) -> float:
        return self.pauses[min(attempts + 1, len(self.pauses) - 1)]
