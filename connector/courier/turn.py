"""One turn of a drain inside its transaction: takes answers, claims work, buys calls, saves."""

from collections.abc import Iterable, Sequence

import structlog

from connector.budget import opens_at
from connector.courier.account import tell
from connector.courier.bundle import Answer, Bundle, Carried
from connector.courier.flight import Answered
from connector.courier.job import Job
from connector.courier.saving import broken, progress, released
from connector.courier.spending import Spending
from connector.crisp.answers import Action, Judgement
from connector.ledger import connections as tenants
from connector.ledger import erasures, importing, people, quotas, work
from connector.ledger.lanes import LIVE
from connector.ledger.people import Person
from connector.ledger.work import Group

log = structlog.get_logger()

# A record of a person who is in hand under another name is looked at again after so long.
_TWIN_PAUSE, _LIVE_TWIN_PAUSE = 1_000, 100
# People claimed at once at most, when those before them went to the hold, where they need no place.
_PORTION = 500


class Turn(Spending):
    """What one turn does to a drain's jobs, and the rows that it leaves behind."""

    def take_answers(self, gathered: Iterable[Answered]) -> None:
        """Each job takes its answer and goes on, ends, or waits."""
        for job, call, answer in gathered:
            self.tally.call(call, answer)
            outcome = job.primary.id if isinstance(job, Job) else None
            about = {"connection": self.drain.connection.id, "outcome": outcome, "route": call.route}
            log.debug("call", **about, answer=answer.label, ms=answer.ms)
            with self._guarded(job):
                judgement = job.take(answer, self.now)
                self._account(call, answer, judgement)
                self._follow(job, answer, judgement)

    def claim(self, *, look: bool) -> None:
        """Takes on as many people as there is room for, unless the drain is to end."""
        drain = self.drain
        hungry, drain.hungry = drain.hungry, 0
        if look:
            self._refresh()
        ends, held = drain.stop.is_set() or drain.ending, opens_at(self.budget, live=True) > self.now
        if ends or (held and self.budget.strikes):
            self._hand_back()
        elif drain.parted:
            self._part()
        if ends or held or drain.gives_way:  # What is bought still goes out, of a quota that is used up by now, too.
            return
        room = self._room()
        worthwhile = look or not drain.flight.ready or room >= self._ahead() / 2
        if room > 0 and worthwhile:
            self._claim(room, bulk=opens_at(self.budget, live=False) <= self.now, held=hungry)
        elif look:
            self._claim(self._live_room(), bulk=False)

    def save(self) -> None:
        """Writes people, records, counts and budget."""
        self.save_people()
        work.save(self.connection, self.drain.lease, self.forgiven(self.rows))
        free = [str(row["b_id"]) for row in self.rows if row["status"] == "waiting" and row["claim"] is None]
        if free:
            importing.hold(self.connection, free, self.now)
        self.tally.save(self.connection, self.drain.connection.id)
        if self.budget != self._before:
            quotas.save(self.connection, self.drain.connection.id, self.budget)
            tell(self.drain.connection.id, self._before, self.budget, self.now)

    def _follow(self, job: Carried, answer: Answer, judgement: Judgement) -> None:
        if isinstance(job, Bundle):
            self._land(job, answer, judgement)
        elif judgement.action is Action.HALT:
            self._halt(job, judgement.code)
        elif judgement.action is Action.THROTTLE:
            self._park(job, self._limit(judgement), self.now)
        elif judgement.action is Action.RETRY:
            self._retry(job, judgement.code, answer)
        elif job.outcome is not None:
            self._end(job)
        else:
            if job.seen.exists:
                self.rows.extend(progress(job, self.drain.lease.token))
                self._keep(job)
            self._want(job)

    def _refresh(self) -> None:
        """A connection that was changed meanwhile is begun again as it is now."""
        drain = self.drain
        if tenants.get(self.connection, drain.connection.id) != drain.connection:
            drain.ending = drain.again = True

    def _claim(self, room: int, *, bulk: bool, held: int = 0) -> None:
        """`held`: so many of those that were claimed before went to the hold."""
        drain, tries = self.drain, self.budget.strikes != 0
        if room <= 0:
            return
        count = room if tries else max(room, min(2 * held, _PORTION))
        groups = work.claim(self.connection, drain.lease, count, self.now, busy=drain.jobs, bulk=bulk, in_turns=tries)
        before, self.claimed = len(drain.hold), bool(groups)
        self._begin_all(groups, len(drain.jobs) + room)
        drain.hungry = 0 if drain.hold.full else max(0, len(drain.hold) - before)

    def _begin_all(self, groups: Sequence[Group], most: int) -> None:
        """`most`: jobs in hand at most, but for those that are held and for live ones."""
        drain = self.drain
        if not groups:
            return
        known = people.by_who(self.connection, drain.connection.id, {name for group in groups for name in group.names})
        busy = {name for job in drain.jobs.values() for name in job.names}
        # Who is to go goes first: what came after that creates anew.
        whos = {name for group in groups for name in group.names} | {
            each for one in known.values() for each in one.names
        }
        busy |= erasures.names(self.connection, drain.connection.id, sorted(whos))
        for group in groups:
            person = next((known[name] for name in group.names if name in known), None)
            names = {group.who, *(person.names if person else ())}
            if names & busy or drain.hold.has(names):
                live = any(row.lane == LIVE for row in group.rows)
                self._let_go(names, live=live)
                pause = _LIVE_TWIN_PAUSE if live else _TWIN_PAUSE
                self.rows.extend(released(group, due_at=self.now + pause))
                continue
            busy |= names
            self._begin(group, person, most)

    def _begin(self, group: Group, person: Person | None, most: int) -> None:
        try:
            job = Job(group, person, self.drain.tools.manifest.fields, self.drain.how)
            job.start()
        except Exception as problem:
            self._log(group, problem)
            self._save_ended(broken(group, self.now), group)
            self.settled.extend(row.id for row in group.rows)
            return
        full = len(self.drain.jobs) >= most
        self.drain.jobs[group.who] = job
        if job.outcome is not None:
            with self._guarded(job):
                self._end(job)
        elif not self._hold(job):
            if full and not job.live:
                self._set_free([job])
            else:
                self.drain.wanting.append(job)
