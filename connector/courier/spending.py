"""What a turn may spend: the calls that it buys, how many people it takes on, and what answers mean for both."""

from connector.budget import held_by, opens_at, take
from connector.courier.account import budget_after, forgive
from connector.courier.bundle import Answer
from connector.courier.together import Together
from connector.crisp.answers import Judgement
from connector.crisp.calls import Call

# Jobs claimed beyond those in flight, so that a free place in the pool never waits for the database.
_AHEAD = 0.25
# Milliseconds. Slots of the rate are bought no longer ahead: what is bought is taken from everybody else.
_HORIZON = 400


class Spending(Together):
    """The part of a turn that knows of money: quota, rate and places."""

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
            for carried in jobs[len(grant.slots) : count]:
                for job in self._apart(carried):
                    self._park(job, "quota_used_up", self.now)

    def _account(self, call: Call, answer: Answer, judgement: Judgement) -> None:
        """What an answer means for everybody: pauses, the quota, and the breaker when nothing gets through any more."""
        drain, before = self.drain, self.budget
        self.budget = budget_after(before, call, answer, judgement, self.now)
        if moments := forgive(self.connection, drain.connection.id, before, self.budget, self.now):
            drain.forgiven.append(moments)

    def _limit(self, judgement: Judgement) -> str:
        """Why a job waits whose call met a limit."""
        return "quota_used_up" if held_by(self.budget, self.now) == "quota_used_up" else judgement.code

    def _ahead(self) -> float:
        return self.drain.tools.concurrency * _AHEAD

    def _live_room(self) -> int:
        """How many more people to take on whose work is live: it need not wait until bulk work has left its places."""
        live = sum(job.live for job in self.drain.jobs.values())
        return 0 if self.budget.strikes else self._most() - live

    def _places(self) -> int:
        """How much of what is loaded may go out now; when nothing may, all of it is to wait elsewhere."""
        held = opens_at(self.budget, live=False) > self.now
        return self.drain.hold.loaded if held else self._most() - len(self.drain.jobs)

    def _most(self) -> int:
        """People in hand at most. After a limit or an outage one goes first, to see whether it is over."""
        return 1 if self.budget.strikes else int(self.drain.tools.concurrency + max(1, self._ahead()))

    def _room(self) -> int:
        """How many more people to take on; none while others who were taken on wait for a place."""
        drain = self.drain
        room = 0 if drain.hold.loaded else self._most() - len(drain.jobs)
        return min(room, max(self._affordable(room) - len(drain.wanting), 0 if drain.jobs else 1))

    def _affordable(self, count: int) -> int:
        """How many of so many calls the rate lets go out soon."""
        rate = self.drain.limits.per_second
        if not rate:
            return count
        ahead = self.now + _HORIZON - max(self.now, self.budget.next_slot_at)
        return max(0, min(count, ahead * rate // 1000 + 1 if ahead >= 0 else 0))
