"""The part of a turn in which jobs wait for each other, and in which what was told to many becomes each one's own."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy.exc import SQLAlchemyError

from connector.courier.account import credential
from connector.courier.bundle import Answer, Bundle, Carried, Fate
from connector.courier.ending import Ending
from connector.courier.job import Job
from connector.courier.saving import progress
from connector.crisp.answers import Action, Judgement
from connector.crisp.calls import Reply
from connector.ledger import connections as tenants
from connector.ledger.lanes import LIVE

log = structlog.get_logger()

_GOOD = range(200, 300)


class Together(Ending):
    """What a turn does with the hold of its drain."""

    def _follow(self, job: Carried, answer: Answer, judgement: Judgement) -> None:
        raise NotImplementedError

    def _places(self) -> int:
        raise NotImplementedError

    def load(self) -> None:
        """Jobs that wait for each other go out together, once no other can come or they have waited enough. A drain
        that makes room sends once what there is a place for, so that it did not take them on in vain."""
        drain, hold = self.drain, self.drain.hold
        parts = drain.gives_way and not drain.parted
        if hold.overdue:
            self._set_free(hold.put_off())
        nobody_comes = not drain.jobs and not self.claimed
        if not hold.loaded and hold.waiting and (hold.full or nobody_comes or parts):
            hold.load()
        for carried in hold.give(self._places()):
            drain.jobs[carried.name] = carried
            drain.wanting.append(carried)
        if parts:
            drain.parted = True
            self._set_free(hold.empty())

    def _land(self, bundle: Bundle, answer: Answer, judgement: Judgement) -> None:
        """Every job of a bundle takes its part of the answer; those with no other part out go on by themselves. The
        call counts as the first job's."""
        del self.drain.jobs[bundle.name]
        if (finding := self.drain.hold.close(bundle, answer)) is not None:
            self._unfind(finding)
        for job, fate in list(self.drain.hold.land(bundle, answer, judgement)):
            if fate is not None:
                self.drain.jobs[job.name] = job
            with self._guarded(job):
                job.share(bundle.call, answer, judgement, self.now, counts=job is bundle.jobs[0])
                self._take_part(job, answer, fate)

    def _take_part(self, job: Job, answer: Answer, fate: Fate | None) -> None:
        if isinstance(answer, Reply) and answer.ok:
            self._keep(job)
        if fate is None:
            self.rows.extend(progress(job, self.drain.lease.token))
        else:
            self._resume(job, *fate)

    def _end(self, job: Job) -> None:
        self._learn(job)
        super()._end(job)

    def _learn(self, job: Job) -> None:
        """What the answer to its last call says of a batch that was refused before."""
        last = job.trail[-1] if job.trail else {}
        # Crisp's edge may answer a read by itself, whatever the credential.
        written = last.get("at") == self.now and not last["call"].startswith("GET ")
        good = written and last["answer"] in _GOOD
        if (finding := self.drain.hold.alone(job, good=good)) is not None:
            self._unfind(finding)

    def _unfind(self, finding: str) -> None:
        """Batches are off for this connection until it is probed again, lest every drain spends a call to learn it."""
        used = self.drain.connection
        known = tenants.locked(self.connection, used.id)
        if known is None or credential(known) != credential(used) or known.findings.get(finding) is None:
            return
        tenants.save_findings(self.connection, used.id, {**known.findings, finding: None}, known.probed_at)
        log.warning("batch_refused", connection=used.id, finding=finding)

    def _resume(self, job: Job, answer: Answer, judgement: Judgement) -> None:
        """What a bundle was refused, its jobs tell by themselves."""
        if isinstance(answer, Reply) and judgement.action is Action.ANSWER:
            if not answer.ok:
                self.rows.extend(progress(job, self.drain.lease.token))
                self.drain.wanting.append(job)
                return
            job.proceed(answer)
        self._follow(job, answer, judgement)

    @contextmanager
    def _guarded(self, carried: Carried) -> Iterator[None]:
        """A mistake of ours is the end of these jobs, not of the turn; what the database raises is none."""
        try:
            yield
        except SQLAlchemyError:
            raise
        except Exception as problem:
            for job in [carried] if isinstance(carried, Job) else list(self._apart(carried)):
                self._broken(job, problem)

    def _want(self, job: Job) -> None:
        """Its next call is to be made: by itself, or with others."""
        self._learn(job)
        if not self._hold(job):
            self.drain.wanting.append(job)

    def _hold(self, job: Job) -> bool:
        """Whether it waits for others now. After a limit was met nobody does."""
        if self.budget.strikes or not self.drain.hold.take(job):
            return False
        del self.drain.jobs[job.name]
        return True

    def _apart(self, carried: Carried) -> Iterator[Job]:
        """A job itself; of a bundle that does not go out, the jobs that have nothing else out."""
        if isinstance(carried, Job):
            yield carried
            return
        del self.drain.jobs[carried.name]
        for job in self.drain.hold.unload(carried):
            self.drain.jobs[job.name] = job
            yield job

    def _let_go(self, names: Iterable[str], *, live: bool) -> None:
        """Somebody who is held is to be told more: the sooner this is out, the sooner that can follow."""
        for job in self.drain.hold.let_go(names, live=live):
            job.lane = LIVE if live else job.lane
            self.drain.jobs[job.name] = job
            self.drain.wanting.append(job)

    def _unsent(self, carried: Iterable[Carried]) -> Iterator[Job]:
        """These one by one, and those that wait for others or for a place."""
        for each in carried:
            yield from self._apart(each)
        yield from self.drain.hold.empty()

    def _spoil(self, job: Job) -> None:
        self.drain.hold.spoil(job)
