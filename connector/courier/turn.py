"""One turn of a drain inside its transaction: takes answers, claims work, buys calls, saves."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Connection

from connector.budget import Budget, give_back, opens_at, take
from connector.courier.account import budget_after, halt, paused
from connector.courier.flight import Answered
from connector.courier.job import Job
from connector.courier.saving import broken, ended, parked, progress, released
from connector.crisp.answers import Action, Failure, Judgement
from connector.crisp.calls import Outcome, Reply, Seen
from connector.ledger import connections as tenants
from connector.ledger import people, quotas, work
from connector.ledger.people import Person
from connector.ledger.work import Group

if TYPE_CHECKING:
    from connector.courier.drain import Drain

log = structlog.get_logger()

# Jobs claimed beyond those in flight, so that a free place in the pool never waits for the database.
_AHEAD = 0.25
# Milliseconds. Slots of the rate are bought no longer ahead: what is bought is taken from everybody else.
_HORIZON = 400
# A record of a person who is in hand under another name is looked at again after so long.
_TWIN_PAUSE = 1_000
# Of somebody of whom no more is known there is nothing to keep.
_MERELY_THERE = Seen(exists=True)


class Turn:
    """What one turn does to a drain's jobs, and the rows that it leaves behind."""

    def __init__(self, drain: "Drain", connection: Connection, now: int) -> None:
        self.drain, self.connection, self.now = drain, connection, now
        self.budget: Budget = quotas.locked(connection, drain.connection.id)
        self._before = self.budget
        self.rows: list[dict[str, object]] = []
        self.persons: dict[str, Person] = {}
        self.settled: list[str] = []
        self.bought: list[Job] = []
        self.slots: list[int] = []

    def take_answers(self, gathered: Iterable[Answered]) -> None:
        """Each job takes its answer and goes on, ends, or waits."""
        for job, _, answer in gathered:
            try:
                judgement = job.take(answer, self.now)
            except Exception as problem:
                self._broken(job, problem)
                continue
            self.budget = budget_after(self.budget, answer, judgement, self.now)
            self._count_failures(answer, judgement)
            self._follow(job, answer, judgement)

    def claim(self, *, look: bool) -> None:
        """Takes on as many people as there is room for, unless the drain is to end."""
        drain = self.drain
        if look:
            self._refresh()
        if drain.stop.is_set() or drain.ending or opens_at(self.budget, live=True) > self.now:
            self._hand_back()
            return
        room = self._room()
        worthwhile = look or not drain.flight.ready or room >= self._ahead() / 2
        if room <= 0 or not worthwhile:
            return
        bulk = opens_at(self.budget, live=False) <= self.now
        groups = work.claim(self.connection, drain.lease, room, self.now, busy=drain.jobs, bulk=bulk)
        self._begin_all(groups)

    def charge(self) -> None:
        """Buys a call for every job that wants one, live ones first; those that get none wait for the quota."""
        drain = self.drain
        for live in (True, False):
            jobs = [job for job in drain.wanting if job.live is live]
            if not (count := min(len(jobs), self._affordable(len(jobs)))):
                continue
            grant = take(self.budget, drain.limits, count, self.now, live=live)
            self.budget = grant.budget
            self.slots.extend(grant.slots)
            self.bought.extend(jobs[: len(grant.slots)])
            drain.wanting = [job for job in drain.wanting if job.live is not live]
            drain.wanting.extend(jobs[count:])
            for job in jobs[len(grant.slots) : count]:
                self._park(job, "quota_used_up", grant.wait_until or self.now)

    def save_people(self) -> None:
        """Writes what is known by now of the people who were told something."""
        if self.persons:
            people.save(self.connection, self.drain.connection.id, self.persons.values(), self.now)
            self.persons.clear()

    def save(self) -> None:
        """Writes people, records and budget."""
        self.save_people()
        work.save(self.connection, self.drain.lease, self.rows)
        if self.budget != self._before:
            quotas.save(self.connection, self.drain.connection.id, self.budget)

    def _follow(self, job: Job, answer: Reply | Failure, judgement: Judgement) -> None:
        if judgement.action is Action.HALT:
            self._halt(job, judgement.code)
        elif judgement.action is Action.THROTTLE:
            self._park(job, judgement.code, self.now)
        elif judgement.action is Action.RETRY:
            self._retry(job, judgement.code, answer)
        elif job.outcome is not None:
            self._end(job)
        else:
            if job.seen.exists:
                self.rows.extend(progress(job, self.drain.lease.token))
                self._keep(job)
            self.drain.wanting.append(job)

    def _count_failures(self, answer: Reply | Failure, judgement: Judgement) -> None:
        """When nothing gets through any more, everything pauses: tries would cost the quota and bring nothing."""
        drain = self.drain
        drain.failures = drain.failures + 1 if judgement.action is Action.RETRY else 0
        if drain.failures and (self.budget.strikes or drain.failures >= drain.tools.concurrency):
            self.budget = paused(self.budget, answer, self.now)
            drain.failures = 0

    def _refresh(self) -> None:
        """A connection that was changed meanwhile is begun again as it is now."""
        drain = self.drain
        if tenants.get(self.connection, drain.connection.id) != drain.connection:
            drain.ending = drain.again = True

    def _ahead(self) -> float:
        return self.drain.tools.concurrency * _AHEAD

    def _room(self) -> int:
        """How many more people to take on. After a limit was met one goes first, to see whether it is over."""
        drain = self.drain
        places = 1 if self.budget.strikes else int(drain.tools.concurrency + max(1, self._ahead()))
        room = places - len(drain.jobs)
        return min(room, max(self._affordable(room) - len(drain.wanting), 0 if drain.jobs else 1))

    def _affordable(self, count: int) -> int:
        """How many of so many calls the rate lets go out soon."""
        rate = self.drain.limits.per_second
        if not rate:
            return count
        ahead = self.now + _HORIZON - max(self.now, self.budget.next_slot_at)
        return max(0, min(count, ahead * rate // 1000 + 1 if ahead >= 0 else 0))

    def _begin_all(self, groups: Sequence[Group]) -> None:
        drain = self.drain
        if not groups:
            return
        known = people.by_who(self.connection, drain.connection.id, {name for group in groups for name in group.names})
        busy = {name for job in drain.jobs.values() for name in job.names}
        for group in groups:
            person = next((known[name] for name in group.names if name in known), None)
            names = {group.who, *(person.names if person else ())}
            if names & busy:
                self.rows.extend(released(group, due_at=self.now + _TWIN_PAUSE))
                continue
            busy |= names
            self._begin(group, person)

    def _begin(self, group: Group, person: Person | None) -> None:
        try:
            job = Job(group, person, self.drain.tools.manifest.fields, self.drain.how)
            job.start()
        except Exception as problem:
            self._log(group, problem)
            self.rows.extend(broken(group, self.now))
            self.settled.extend(row.id for row in group.rows)
            return
        self.drain.jobs[group.who] = job
        if job.outcome is not None:
            self._end(job)
        else:
            self.drain.wanting.append(job)

    def _broken(self, job: Job, problem: Exception) -> None:
        """One record that breaks the program must not stop all others."""
        self._log(job.group, problem)
        self._give_up(job, "server_error")

    def _log(self, group: Group, problem: Exception) -> None:
        """Says which record; not the exception's text, which may show the person."""
        log.error("record_broken", record=group.rows[-1].id, reason=type(problem).__name__)

    def _end(self, job: Job) -> None:
        outcome = job.outcome
        if outcome is not None and outcome.status == "waiting":
            self._retry(job, outcome.code or "crisp_unsettled")
            return
        self._finish(job, outcome)

    def _finish(self, job: Job, outcome: Outcome | None) -> None:
        job.outcome = outcome
        self._keep(job)
        self.rows.extend(ended(job, self.now))
        self._leave(job)

    def _keep(self, job: Job) -> None:
        """What is known of the person by now; who is not in Crisp is forgotten."""
        if job.seen == _MERELY_THERE:
            return
        if job.seen.exists:
            self.persons[job.group.who] = job.person_now()
        else:
            people.forget(self.connection, self.drain.connection.id, job.names)

    def _retry(self, job: Job, code: str, answer: Reply | Failure | None = None) -> None:
        """Later, with a growing pause, and not before Crisp wants it; dead when it has only failed for too long.

        Days of waiting for quota or a credential are no failures; a step that works is no end of them.
        """
        retries = self.drain.tools.retries
        since = self.now if job.primary.failing_since is None else job.primary.failing_since
        if self.now - since >= retries.age:
            self._give_up(job, code)
            return
        asked = (answer.retry_after or 0) * 1000 if isinstance(answer, Reply) else 0
        due_at = self.now + max(int(asked), retries.pause(job.primary.attempts))
        self._park(job, code, due_at, failing_since=since)

    def _give_up(self, job: Job, code: str) -> None:
        self._finish(job, Outcome("dead", code))

    def _park(self, job: Job, code: str, due_at: int, failing_since: int | None = None) -> None:
        self.rows.extend(parked(job, code=code, due_at=due_at, failing_since=failing_since))
        self._leave(job)

    def _leave(self, job: Job) -> None:
        job.plan.close()
        del self.drain.jobs[job.group.who]
        self.settled.extend(row.id for row in job.group.rows)

    def _halt(self, job: Job, code: str) -> None:
        """The credential does not work: the work is kept. With a new one, the drain begins again."""
        drain = self.drain
        halted = halt(self.connection, drain.connection, code, self.now)
        drain.ending, drain.again = True, drain.again or not halted
        self._park(job, "connection_halted" if halted else code, self.now)

    def _hand_back(self) -> None:
        """Jobs whose call has not gone out are free again, and their calls are given back."""
        drain = self.drain
        unsent = drain.flight.recall()
        if unsent:
            self.budget = give_back(self.budget, len(unsent), self.now)
        for job in chain(unsent, drain.wanting):
            row = job.primary
            kept = {"code": row.code, "due_at": row.due_at, "failing_since": row.failing_since}
            self.rows.extend(parked(job, **kept) if job.calls or job.step else released(job.group))
            self._leave(job)
        drain.wanting.clear()
