"""A drain: delivers the due work of one connection while it holds the lease.

One thread owns the plans and the database; a pool makes the calls. Every turn is one transaction: it fences the lease,
saves what came back, claims more, and charges the budget for the calls that then go out.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from queue import Empty
from threading import Event

import structlog
from sqlalchemy.exc import SQLAlchemyError

from connector.courier.bundle import Carried, Hold
from connector.courier.completion import Completion
from connector.courier.flight import Answered, Flight
from connector.courier.job import Retries
from connector.courier.turn import Turn
from connector.crisp.calls import How
from connector.crisp.client import Client
from connector.ledger import Ledger, leases
from connector.ledger.connections import CrispConnection
from connector.ledger.leases import Lease
from connector.manifest import Manifest

log = structlog.get_logger()

# Seconds. Answers that come close together are saved together, sooner when nothing is ready to go out; a drain looks
# so often for work that no nudge announced.
_GATHER, _GATHER_HUNGRY = 0.05, 0.01
_LOOK = 0.2


@dataclass(frozen=True)
class Tools:
    """What every drain of a process shares."""

    ledger: Ledger
    manifest: Manifest
    pool: Executor
    concurrency: int
    retries: Retries
    clock: Callable[[], int]
    seconds: Callable[[], float]
    announce: Callable[[Iterable[str]], None]
    reserve: float
    # Seconds that a broken drain waits for each answer that is still out: longer than a call can take.
    last_answers: float


class Drain:
    """Delivers for one connection until nothing is due, or until told to stop.

    A job is `wanting` (its next call is not bought yet), in `flight`, or its answer is in `gathered`; it leaves `jobs`
    when it ends or waits, and while it is in the `hold`, until others can share its next call. `hungry`: so many of
    what was claimed last went there, and there is more. `parted`: it makes room, and has sent what it held.
    `rare`: as in the hold.
    """

    def __init__(
        self, tools: Tools, connection: CrispConnection, client: Client, lease: Lease, stop: Event, rare: set[str]
    ) -> None:
        self.tools, self.connection, self.lease, self.stop = tools, connection, lease, stop
        self.limits = replace(connection.limits, reserve=tools.reserve)
        self.how = How.found(connection.findings)
        self.flight = Flight(tools.pool, tools.concurrency, client.send, tools.clock, stop)
        self.gathered: list[Answered] = []
        self.hold = Hold(self.how, tools.seconds, rare)
        self.jobs: dict[str, Carried] = {}
        self.wanting: list[Carried] = []
        # Moments (UNIX milliseconds): what began to fail then has not failed, whatever the jobs in hand say of it.
        self.forgiven: list[range] = []
        self.turned_at = 0
        self.completion = Completion(tools.ledger, tools.pool, connection.id)
        self.hungry = 0
        self.ending = self.again = self.over = self.making_room = self.parted = False
        self._turned_at = self._looked_at = 0.0

    def nudge(self) -> None:
        """There may be new work: look now."""
        self.flight.answers.put(None)

    def make_room(self) -> None:
        """Take on nothing new, and end: another connection waits for this one's place."""
        if not self.making_room:
            self.making_room = True
            self.nudge()

    @property
    def gives_way(self) -> bool:
        """Whether it makes room now: who has not had a turn yet has one first, or would have come in vain."""
        return self.making_room and self.turned_at > 0

    @property
    def nudged(self) -> bool:
        """Whether a nudge came that no turn has followed."""
        return not self.flight.answers.empty()

    def run(self) -> None:
        """Turns until the lease is given back. Raises `LeaseLost`, and whatever the database raises."""
        look = True
        while True:
            if look or self._waited() >= self._pause():
                self._turn(look=look)
            if self.over:
                return
            self.flight.launch()
            look = self._gather() or self.tools.seconds() - self._looked_at >= _LOOK

    def abandon(self) -> None:
        """After a failure: lets calls in flight end, so that none comes after another's, and gives the lease back."""
        try:
            self.flight.recall()
            while self.flight.flying:
                self.flight.answers.get(timeout=self.tools.last_answers)
            with self.tools.ledger.write() as connection:
                leases.release(connection, self.lease)
            log.debug("lease_given_back", connection=self.connection.id, token=self.lease.token)
        except (Empty, SQLAlchemyError) as problem:
            # The lease runs out by itself; the sweep comes back to the work.
            log.warning("lease_kept", connection=self.connection.id, reason=type(problem).__name__)

    def _waited(self) -> float:
        return self.tools.seconds() - self._turned_at

    def _pause(self) -> float:
        """Seconds between the last turn and the next."""
        if not self.gathered:
            return 0.0 if self.hungry else _LOOK
        return _GATHER if self.flight.ready else _GATHER_HUNGRY if self.flight.flying else 0.0

    def _patience(self) -> float:
        """Seconds until a turn is due, or the next call may go out."""
        left = max(0.0, self._pause() - self._waited())
        launch = self.flight.seconds_to_next()
        return left if launch is None else min(left, launch)

    def _gather(self) -> bool:
        """Waits a moment for answers; True when somebody nudged."""
        nudged = False
        timeout = self._patience()
        try:
            while True:
                arrived = self.flight.answers.get(timeout=timeout)
                timeout = 0.0
                if arrived is None:
                    nudged = True
                else:
                    self.gathered.append(arrived)
        except Empty:
            return nudged

    def _turn(self, *, look: bool) -> None:
        """One transaction: save, claim, charge; afterwards those who wait for an outcome are told."""
        self._turned_at = self.tools.seconds()
        self._looked_at = self._turned_at if look else self._looked_at
        now = self.tools.clock()
        gathered, self.gathered = self.gathered, []
        with self.tools.ledger.write() as connection:
            out = self.flight.ready + self.flight.flying
            self.flight.until = leases.renew(connection, self.lease, now, in_flight=out)
            turn = Turn(self, connection, now)
            turn.take_answers(gathered)
            # What is claimed now may be about a person whom an answer has just changed.
            turn.save_people()
            turn.claim(look=look)
            turn.load()
            turn.charge()
            turn.save()
            over = not self.jobs and not self.hold
            if over:
                leases.release(connection, self.lease)
        self.turned_at = now
        self.flight.add(turn.bought, turn.slots, self.limits.per_second)
        self.over = over
        if over:
            log.debug("lease_given_back", connection=self.connection.id, token=self.lease.token)
        self.tools.announce(turn.settled)
        self.completion.look(self._turned_at, last=over)
