"""Bulk jobs that wait for each other, so that what many of them tell alike goes out in one batch."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count

from connector.courier.job import Job
from connector.crisp.answers import Action, Failure, Judgement, judge
from connector.crisp.bulk import MOST_TOGETHER, Group, Piece, batch, grouped, pieces_of
from connector.crisp.calls import Call, How, Reply
from connector.ledger.lanes import BULK

# So long jobs wait for each other at most, and then for a place (seconds): both together are shorter than an erasure
# waits for a record that is in hand.
_LONGEST = 5.0
# Records that share with nobody, which are remembered at most.
_MOST_RARE = 5 * MOST_TOGETHER
# A batch that is answered so would be again: there is none, or the token may not use it. But for the last, the whole
# connection may be answered so, for a while.
_NEVER = frozenset({402, 403, 404, 405})
_NO_SUCH_CALL = 405
# What then is not found of a connection's Crisp any more.
_FINDINGS = {"batch/data": "batch_data", "batch/segments": "batch_segments"}

Answer = Reply | Failure
Fate = tuple[Answer, Judgement]
# A part that did not go out is like one that was refused: its job then tells everything by itself.
_NOT_SENT: Fate = (Reply(400), Judgement(Action.ANSWER))


@dataclass(slots=True, eq=False)
class Bundle:
    """Jobs whose calls, or parts of them, go out as one call. `live`: live work waits for one of these people."""

    name: str
    jobs: tuple[Job, ...]
    call: Call
    live: bool = False
    names: frozenset[str] = field(default=frozenset())

    def take(self, answer: Answer, now: int) -> Judgement:
        """What the answer means; what it means for each job, the hold says."""
        del now
        return judge(self.call, answer)


Carried = Job | Bundle


@dataclass(slots=True)
class _Aboard:
    """A job whose parts are in bundles: how many are not answered, and the first answer that was not good."""

    bundles: list[Bundle] = field(default_factory=list)
    left: int = 0
    failed: Fate | None = None


class Hold:
    """Jobs that are not to go out by themselves yet, and those whose parts are in bundles.

    They wait for each other; then they are loaded, which finds their bundles; what is loaded goes out as places come
    free. `rare`: ids of records that shared with nobody when they were here; it outlives the hold.
    """

    def __init__(self, how: How, seconds: Callable[[], float], rare: set[str]) -> None:
        self._how, self._seconds, self._rare = how, seconds, rare
        self._waiting: dict[str, Job] = {}
        self._loaded: dict[str, Carried] = {}
        self._aboard: dict[str, _Aboard] = {}
        self._names: dict[str, frozenset[str]] = {}
        self._whos: dict[str, str] = {}
        self._refused: dict[str, str] = {}
        self._numbers = count(1)
        self._since = self._loaded_at = 0.0

    def __len__(self) -> int:
        return len(self._names)

    @property
    def waiting(self) -> int:
        """Jobs that wait for others to come."""
        return len(self._waiting)

    @property
    def loaded(self) -> int:
        """Bundles and jobs that wait for a place."""
        return len(self._loaded)

    @property
    def full(self) -> bool:
        """Whether they have waited enough for others: they are many, or it has been long."""
        waited = self._seconds() - self._since
        return len(self._waiting) >= MOST_TOGETHER or (bool(self._waiting) and waited >= _LONGEST)

    @property
    def overdue(self) -> bool:
        """Whether what is loaded has waited enough for a place."""
        return bool(self._loaded) and self._seconds() - self._loaded_at >= _LONGEST

    def take(self, job: Job) -> bool:
        """Takes a job whose next call others may share; False when it is to go out by itself."""
        if job.lane != BULK or job.seen.people_id is None or not self._pieces(job) or self._was_rare(job):
            return False
        self._since = self._since if self._waiting else self._seconds()
        self._waiting[job.name] = job
        self._names[job.name] = names = frozenset(job.names)
        self._whos.update(dict.fromkeys(names, job.name))
        return True

    def has(self, names: Iterable[str]) -> bool:
        """Whether somebody of these names is here."""
        return any(name in self._whos for name in names)

    def let_go(self, names: Iterable[str], *, live: bool) -> list[Job]:
        """Jobs of these names that are in no bundle: there is more to tell these people, so they wait no longer. The
        bundles of the others go first when that is `live`."""
        whos = {self._whos[name] for name in names if name in self._whos}
        if live:
            for who in whos & self._aboard.keys():
                self._hurry(self._aboard[who].bundles)
        return [self._leaving(job) for who in whos if isinstance(job := self._alone(who), Job)]

    def empty(self) -> list[Job]:
        """All jobs of which no part is out."""
        return [*self.put_off(), *(self._leaving(job) for job in list(self._waiting.values()))]

    def load(self) -> None:
        """Finds the fewest calls for all jobs that wait: bundles, those of many first, and jobs that go out alone."""
        jobs, self._waiting = list(self._waiting.values()), {}
        told = [self._pieces(job) for job in jobs]
        alone, bundles = [job for job, pieces in zip(jobs, told, strict=True) if not pieces], list[Bundle]()
        for group in grouped(told, self._how.batch_size):
            first = group.members[0]
            if len(group.members) == 1 and len(group.pieces) == len(told[first]):
                alone.append(jobs[first])
            else:
                bundles.append(self._bundle(group, [jobs[member] for member in group.members]))
        bundles.sort(key=lambda bundle: -len(bundle.jobs))
        found: list[Carried] = [*bundles, *alone]
        self._loaded.update({each.name: each for each in found})
        self._loaded_at = self._seconds()

    def give(self, room: int) -> Iterator[Carried]:
        """What is loaded, for so many places."""
        for name in list(self._loaded)[: max(0, room)]:
            carried = self._loaded[name]
            del self._loaded[name]
            yield self._leaving(carried) if isinstance(carried, Job) else carried

    def put_off(self) -> Iterator[Job]:
        """Jobs that are loaded and get no place. Those that share with nobody are not taken when they come again."""
        loaded, self._loaded = self._loaded, {}
        for carried in loaded.values():
            if isinstance(carried, Job):
                self._remember(carried)
                yield self._leaving(carried)
            else:
                yield from self.unload(carried)

    def land(self, bundle: Bundle, answer: Answer, judgement: Judgement) -> Iterator[tuple[Job, Fate | None]]:
        """Each job and what comes of it: None while other parts are out, else the first failure or the answer."""
        good = isinstance(answer, Reply) and answer.ok
        for job in bundle.jobs:
            if judgement.action is Action.RETRY and job.primary.attempts:
                self._remember(job)  # it failed before: the batch may be at fault, so it goes alone next time
            aboard = self._answered(job, None if good else (answer, judgement))
            yield job, None if aboard.left else aboard.failed or (answer, judgement)

    def spoil(self, job: Job) -> None:
        """A part of a job that has others out did not come to its end: it is to tell everything by itself."""
        if job.name in self._aboard:
            self._aboard[job.name].failed = _NOT_SENT

    def close(self, bundle: Bundle, answer: Answer) -> str | None:
        """What is not found of this Crisp any more, when it refuses such a batch as it would every other. None goes out
        from here then; where it may refuse all else, too, `alone` says later what that was about."""
        if not (isinstance(answer, Reply) and answer.status in _NEVER):
            return None
        name = _FINDINGS[bundle.call.path]
        self._how = replace(self._how, **{name: None})  # type: ignore[arg-type]
        if answer.status == _NO_SUCH_CALL:
            return name
        self._refused.update({job.name: name for job in bundle.jobs})
        return None

    def alone(self, job: Job, *, good: bool) -> str | None:
        """What is not found of this Crisp any more, when the call that followed upon a refused batch, for one of its
        jobs, was `good`: then it was the batch that was refused, and not the connection."""
        name = self._refused.get(job.name) if good else None
        if name is not None:
            self._refused = {who: each for who, each in self._refused.items() if each != name}
        return name

    def unload(self, bundle: Bundle) -> Iterator[Job]:
        """Jobs of a bundle that does not go out, but for those that have other parts out."""
        return (job for job in bundle.jobs if not self._answered(job, _NOT_SENT).left)

    def _bundle(self, group: Group, jobs: list[Job]) -> Bundle:
        people_ids = [str(job.seen.people_id) for job in jobs]
        bundle = Bundle(f"batch {next(self._numbers)}", tuple(jobs), batch(group.pieces, people_ids))
        for job in jobs:
            aboard = self._aboard.setdefault(job.name, _Aboard())
            aboard.bundles.append(bundle)
            aboard.left += 1
        return bundle

    def _hurry(self, bundles: Iterable[Bundle]) -> None:
        for bundle in bundles:
            bundle.live = True
            if bundle.name in self._loaded:
                self._loaded = {bundle.name: bundle, **self._loaded}

    def _alone(self, who: str) -> Carried | None:
        return self._waiting.get(who) or self._loaded.get(who)

    def _answered(self, job: Job, failed: Fate | None) -> _Aboard:
        aboard = self._aboard[job.name]
        aboard.left -= 1
        aboard.failed = aboard.failed or failed
        if not aboard.left:
            self._leaving(job)
        return aboard

    def _leaving(self, job: Job) -> Job:
        for here in (self._waiting, self._loaded, self._aboard):
            here.pop(job.name, None)
        for name in self._names.pop(job.name):
            if self._whos.get(name) == job.name:
                del self._whos[name]
        return job

    def _remember(self, job: Job) -> None:
        if len(self._rare) >= _MOST_RARE:
            self._rare.clear()
        self._rare.update(row.id for row in job.group.rows)

    def _was_rare(self, job: Job) -> bool:
        """Whether it was here before and shared with nobody; that is then forgotten."""
        known = self._rare & {row.id for row in job.group.rows}
        self._rare -= known
        return bool(known)

    def _pieces(self, job: Job) -> tuple[Piece, ...]:
        return () if job.call is None else pieces_of(job.call, self._how)
