"""A drain: delivers the due work of one connection while it holds the lease.

One thread owns the plans and the database; a pool makes the calls. Every turn is one transaction: it fences the lease,
saves what came back, claims more, and charges the budget for the calls that then go out.
"""

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event

import structlog
from sqlalchemy import Connection

from connector.budget import Budget, Limits, answered, give_back, opens_at, take, throttled
from connector.courier.job import Job, Retries
from connector.courier.saving import ended, parked, progress, released
from connector.crisp.answers import Action, Failure, Judgement
from connector.crisp.calls import Call, How, Outcome, Reply
from connector.crisp.client import Client
from connector.ledger import Ledger, leases, people, quotas, work
from connector.ledger import connections as tenants
from connector.ledger.connections import CrispConnection
from connector.ledger.leases import Lease
from connector.manifest import Manifest

log = structlog.get_logger()

# Seconds. Answers that come close together are saved together; a busy drain looks for new live work at least so often.
_GATHER = 0.012
_LOOK = 0.05
# Jobs claimed beyond those in flight, so that a free place in the pool never waits for the database.
_AHEAD = 0.5


@dataclass(frozen=True)
class Tools:
    """What every drain of a process shares."""

    ledger: Ledger
    manifest: Manifest
    pool: Executor
    concurrency: int
    retries: Retries
    reserve: float
    clock: Callable[[], int]
    seconds: Callable[[], float]
    announce: Callable[[Iterable[str]], None]


class Drain:
    """Delivers for one connection until nothing is due, or until told to stop."""

    def __init__(self, tools: Tools, connection: CrispConnection, client: Client, lease: Lease, stop: Event) -> None:
        self.tools, self.connection, self.client, self.lease, self.stop = tools, connection, client, lease, stop
        self.limits = Limits(connection.daily_quota, connection.rate, tools.reserve)
        self.how = How(**{key: value for key, value in connection.findings.items() if key in How.__slots__})
        self.answers: SimpleQueue[tuple[Job, Call, Reply | Failure] | None] = SimpleQueue()
        self.gathered: list[tuple[Job, Call, Reply | Failure]] = []
        self.jobs: dict[str, Job] = {}
        self.ready: deque[Job] = deque()
        self.slots: deque[int] = deque()
        self.flying = 0
        self.halted: str | None = None
        self.over = False

    def nudge(self) -> None:
        """There may be new work: look now."""
        self.answers.put(None)

    def run(self) -> None:
        """Turns until the lease is given back. Raises `LeaseLost`, and whatever the database raises."""
        turned_at = -1.0
        while not self.over:
            nudged = self._gather() if self.flying else False
            waited = self.tools.seconds() - turned_at
            hungry = not self.ready or not self.flying or waited >= _LOOK
            if nudged or hungry or (self.gathered and waited >= _GATHER):
                self._turn()
                turned_at = self.tools.seconds()
            self._launch()

    def _gather(self) -> bool:
        """Waits a moment for answers; True when somebody nudged."""
        nudged = False
        timeout: float | None = _LOOK if not self.gathered else _GATHER / 4
        try:
            while True:
                arrived = self.answers.get(timeout=timeout) if timeout else self.answers.get_nowait()
                timeout = None
                if arrived is None:
                    nudged = True
                else:
                    self.flying -= 1
                    self.gathered.append(arrived)
        except Empty:
            return nudged

    def _launch(self) -> None:
        """Sends ready calls as the rate allows and places are free, live ones first."""
        now = self.tools.clock()
        while self.ready and self.flying < self.tools.concurrency and self.slots and self.slots[0] <= now:
            self.slots.popleft()
            job = next((job for job in self.ready if job.live), self.ready[0])
            self.ready.remove(job)
            self.flying += 1
            if job.call is not None:
                self.tools.pool.submit(self._perform, job, job.call)
        if self.ready and not self.flying and self.slots and self.slots[0] > now:
            self.stop.wait(min((self.slots[0] - now) / 1000, _LOOK))

    def _perform(self, job: Job, call: Call) -> None:
        self.answers.put((job, call, self.client.send(call)))

    def _turn(self) -> None:
        """One transaction: save, claim, charge; afterwards those who wait for an outcome are told."""
        now = self.tools.clock()
        gathered, self.gathered = self.gathered, []
        with self.tools.ledger.write() as connection:
            leases.renew(connection, self.lease, now)
            turn = _Turn(self, connection, now)
            turn.take_answers(gathered)
            turn.claim()
            turn.charge()
            turn.save()
            if not self.jobs:
                leases.release(connection, self.lease)
                self.over = True
        self.tools.announce(turn.settled)


class _Turn:
    """One turn of a drain inside its transaction."""

    def __init__(self, drain: Drain, connection: Connection, now: int) -> None:
        self.drain, self.connection, self.now = drain, connection, now
        self.budget: Budget = quotas.locked(connection, drain.connection.id)
        self.rows: list[dict[str, object]] = []
        self.persons: dict[str, people.Person] = {}
        self.wanting: list[Job] = []
        self.settled: list[str] = []

    def take_answers(self, gathered: Iterable[tuple[Job, Call, Reply | Failure]]) -> None:
        """Each job takes its answer and goes on, ends, or waits."""
        for job, call, answer in gathered:
            judgement = job.take(answer, self.now)
            if isinstance(answer, Failure) and not answer.sent:
                self.budget = give_back(self.budget, 1, self.now)
            if judgement.action is not Action.THROTTLE:
                self.budget = answered(self.budget)
            self._follow(job, call, answer, judgement)

    def _follow(self, job: Job, call: Call, answer: Reply | Failure, judgement: Judgement) -> None:
        if judgement.action is Action.HALT:
            self._halt(judgement.code)
            self._park(job, "connection_halted", self.now)
        elif judgement.action is Action.THROTTLE:
            pause = answer.retry_after if isinstance(answer, Reply) else None
            self.budget = throttled(self.budget, pause, self.now)
            self._park(job, judgement.code, self.now)
        elif judgement.action is Action.RETRY:
            self._retry(job, judgement.code)
        elif job.outcome is not None:
            self._end(job)
        else:
            if call.makes:
                self.rows.extend(progress(job, self.drain.lease.token))
                self._keep(job)
            self.wanting.append(job)

    def claim(self) -> None:
        """Takes on as many people as there is room for, unless the drain is to stop."""
        drain = self.drain
        if drain.stop.is_set() or drain.halted or opens_at(self.budget, live=True) > self.now:
            self._hand_back()
            return
        room = int(drain.tools.concurrency * (1 + _AHEAD)) - len(drain.jobs)
        if room < drain.tools.concurrency * _AHEAD / 2 and drain.ready:
            return
        bulk = opens_at(self.budget, live=False) <= self.now
        groups = (
            work.claim(self.connection, drain.lease, room, self.now, busy=drain.jobs, bulk=bulk) if room > 0 else []
        )
        known = people.by_who(self.connection, drain.connection.id, [group.who for group in groups]) if groups else {}
        for group in groups:
            job = Job(group, known.get(group.who), drain.tools.manifest.fields, drain.how)
            drain.jobs[group.who] = job
            job.start()
            if job.outcome is not None:
                self._end(job)
            else:
                self.wanting.append(job)

    def charge(self) -> None:
        """Buys a call for every job that wants one, live ones first; those that get none wait for the quota."""
        for live in (True, False):
            jobs = [job for job in self.wanting if job.live is live]
            if not jobs:
                continue
            grant = take(self.budget, self.drain.limits, len(jobs), self.now, live=live)
            self.budget = grant.budget
            self.drain.slots.extend(grant.slots)
            self.drain.ready.extend(jobs[: len(grant.slots)])
            for job in jobs[len(grant.slots) :]:
                self._park(job, "quota_used_up", grant.wait_until or self.now)

    def save(self) -> None:
        """Writes people, records and budget."""
        drain = self.drain
        people.save(self.connection, drain.connection.id, self.persons.values(), self.now)
        work.save(self.connection, drain.lease, self.rows)
        quotas.save(self.connection, drain.connection.id, self.budget)

    def _end(self, job: Job) -> None:
        if job.outcome is not None and job.outcome.status == "waiting":
            self._retry(job, job.outcome.code or "crisp_unsettled")
            return
        if job.outcome is not None and job.outcome.code == "contact_missing":
            people.forget(self.connection, self.drain.connection.id, job.group.who)
        elif job.written or job.person is not None:
            self._keep(job)
        self.rows.extend(ended(job, self.now))
        self._leave(job)

    def _keep(self, job: Job) -> None:
        person = job.person_now()
        if job.person is not None and job.person.email != person.email and person.email:
            people.displace(self.connection, self.drain.connection.id, person)
        self.persons[job.group.who] = person

    def _retry(self, job: Job, code: str) -> None:
        """Later, with a growing pause; too old, it is dead."""
        retries = self.drain.tools.retries
        if self.now - job.primary.waiting_since >= retries.age:
            job.outcome = Outcome("dead", code)
            self.rows.extend(ended(job, self.now))
            self._leave(job)
        else:
            self._park(job, code, self.now + retries.pause(job.primary.attempts))

    def _park(self, job: Job, code: str, due_at: int) -> None:
        self.rows.extend(parked(job, code=code, due_at=due_at))
        self._leave(job)

    def _leave(self, job: Job) -> None:
        job.plan.close()
        del self.drain.jobs[job.group.who]
        self.settled.extend(row.id for row in job.group.rows)

    def _halt(self, code: str) -> None:
        """The credential does not work: say it once, keep the work."""
        self.drain.halted = code
        if tenants.halt(self.connection, self.drain.connection.id, code, self.now):
            log.error("connection_halted", connection=self.drain.connection.id, reason=code)

    def _hand_back(self) -> None:
        """Jobs whose call has not gone out are free again, and their calls are given back."""
        drain = self.drain
        unsent = [*drain.ready]
        self.budget = give_back(self.budget, len(unsent), self.now)
        drain.ready.clear()
        drain.slots.clear()
        for job in (*unsent, *self.wanting):
            self.rows.extend(
                parked(job, code=job.primary.code, due_at=job.primary.due_at) if job.calls else released(job)
            )
            self._leave(job)
        self.wanting.clear()
