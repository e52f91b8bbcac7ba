"""How jobs end, wait and are handed back, and what a turn leaves behind of them."""

from collections.abc import Iterable
from itertools import chain
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import Connection

from connector.budget import QUARTER, Budget, give_back, overnight
from connector.courier.account import halt
from connector.courier.bundle import Answer, Carried
from connector.courier.job import Job
from connector.courier.saving import ended, parked, released
from connector.courier.tally import Tally
from connector.crisp.calls import Outcome, Reply, Seen
from connector.ledger import news, people, quotas
from connector.ledger.people import Person
from connector.ledger.work import Group

if TYPE_CHECKING:
    from connector.courier.drain import Drain

log = structlog.get_logger()

# Of somebody of whom no more is known there is nothing to keep.
_MERELY_THERE = Seen(exists=True)


class Ending:
    """What a turn has in hand, and every way in which a job leaves it."""

    def __init__(self, drain: "Drain", connection: Connection, now: int) -> None:
        self.drain, self.connection, self.now = drain, connection, now
        self._before: Budget = quotas.locked(connection, drain.connection.id)
        out = len(drain.jobs) - len(drain.wanting)
        self.budget = overnight(self._before, out, drain.turned_at, now)
        self.rows: list[dict[str, object]] = []
        self.persons: dict[str, Person] = {}
        self.moved: dict[str, str] = {}
        self.settled: list[str] = []
        self.bought: list[Carried] = []
        self.slots: list[int] = []
        self.tally = Tally()
        self.claimed = False

    def save_people(self) -> None:
        """Writes what is known by now of the people who were told something."""
        if self.persons:
            people.save(self.connection, self.drain.connection.id, self.persons.values(), self.now)
            self.persons.clear()
        people.relink(self.connection, self.drain.connection.id, self.moved)
        self.moved.clear()

    def forgiven(self, rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """Rows to save, without failures that were an outage's: a job in hand knows of them as they were claimed."""
        return [{**row, "failing_since": self._failing_since(row["failing_since"])} for row in rows]

    def _failing_since(self, moment: int | None) -> int | None:
        return None if moment is None or any(moment in moments for moments in self.drain.forgiven) else moment

    def _broken(self, job: Job, problem: Exception) -> None:
        """One record that breaks the program must not stop all others."""
        self._log(job.group, problem)
        if job.name not in self.drain.jobs:
            self._spoil(job)
            return
        job.outcome = Outcome("dead", "server_error")
        # What is known of the person may not be true any more.
        self.persons.pop(job.group.who, None)
        people.forget(self.connection, self.drain.connection.id, job.names)
        self._save_ended(ended(job, self.now), job.group)
        self._leave(job)

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
        self._save_ended(ended(job, self.now), job.group)
        self._leave(job)

    def _save_ended(self, rows: Iterable[dict[str, object]], group: Group) -> None:
        rows = list(rows)
        self.rows.extend(rows)
        self._tell_rejected(rows, group)
        self.tally.ended(rows, group.rows)
        self.drain.completion.ended(row.import_id for row in group.rows)

    def _tell_rejected(self, rows: Iterable[dict[str, Any]], group: Group) -> None:
        """Whoever wants to know hears which records Crisp refused."""
        why = {
            row["b_id"]: {name: row[name] for name in ("code", "detail")} for row in rows if row["status"] == "rejected"
        }
        told = [{**record._mapping, **why[record.id]} for record in group.rows if record.id in why]
        news.rejected(self.connection, self.drain.connection.id, told, self.now)

    def _keep(self, job: Job) -> None:
        """What is known of the person by now; who is not in Crisp is forgotten."""
        if job.seen == _MERELY_THERE:
            return
        if job.seen.exists:
            self.persons[job.group.who] = person = job.person_now()
            before = job.address_before
            if before and person.email and before != person.email:
                self.moved[before] = person.email
        else:
            people.forget(self.connection, self.drain.connection.id, job.names)

    def _retry(self, job: Job, code: str, answer: Answer | None = None) -> None:
        """Later, with a growing pause, and not before Crisp wants it (as far as a quarter of an hour); dead when it has
        only failed for too long.

        Days of waiting for quota or a credential are no failures, nor are those of an outage; a step that works is no
        end of them.
        """
        retries = self.drain.tools.retries
        asked = (answer.retry_after or 0) * 1000 if isinstance(answer, Reply) else 0
        due_at = self.now + max(min(int(asked), QUARTER), retries.pause(job.primary.attempts))
        if self.budget.outages:
            self._park(job, code, due_at, failing_since=job.primary.failing_since)
            return
        since = self._failing_since(job.primary.failing_since)
        since = self.now if since is None else since
        if self.now - since >= retries.age:
            self._give_up(job, code)
        else:
            self._park(job, code, due_at, failing_since=since)

    def _give_up(self, job: Job, code: str) -> None:
        self._finish(job, Outcome("dead", code))

    def _park(self, job: Job, code: str, due_at: int, failing_since: int | None = None) -> None:
        self.rows.extend(parked(job, code=code, due_at=due_at, failing_since=failing_since))
        self._leave(job)

    def _leave(self, job: Job) -> None:
        job.plan.close()
        self.drain.jobs.pop(job.group.who, None)
        self.settled.extend(row.id for row in job.group.rows)

    def _halt(self, job: Job, code: str) -> None:
        """The credential does not work: the work is kept. With a new one, the drain begins again."""
        drain = self.drain
        halted = halt(self.connection, drain.connection, code, self.now)
        drain.ending, drain.again = True, drain.again or not halted
        self._park(job, "connection_halted" if halted else code, self.now)

    def _hand_back(self) -> None:
        """Jobs whose call has not gone out are free again, and their calls are given back."""
        unsent = self.drain.flight.recall()
        if unsent:
            self.budget = give_back(self.budget, len(unsent), self.now)
        self._part(unsent)

    def _part(self, unsent: Iterable[Carried] = ()) -> None:
        """What is not bought is free again."""
        self._set_free(self._unsent(chain(unsent, self.drain.wanting)))
        self.drain.wanting.clear()

    def _set_free(self, jobs: Iterable[Job]) -> None:
        """Jobs are free again with what was done of them."""
        for job in list(jobs):
            row = job.primary
            kept = {"code": row.code, "due_at": row.due_at, "failing_since": row.failing_since}
            done = job.tried or job.calls or job.step or job.unsure
            self.rows.extend(parked(job, **kept) if done else released(job.group))
            self._leave(job)

    def _unsent(self, carried: Iterable[Carried]) -> Iterable[Job]:
        raise NotImplementedError

    def _spoil(self, job: Job) -> None:
        raise NotImplementedError
