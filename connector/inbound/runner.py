"""The runner: takes in what has arrived, a few addresses at a time, each in the order in which things came."""

import threading
import time
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Connection, Row
from sqlalchemy.exc import SQLAlchemyError

from connector.alive import own_name
from connector.budget import DAY
from connector.errors import Problem
from connector.inbound.erasures import Erasures
from connector.inbound.naming import Naming
from connector.inbound.needs import Needs
from connector.inbound.taking import DEADLY, FOR_A_CREDENTIAL, Early, Taken, take_in
from connector.inbound.threads import Threads
from connector.ledger import DatabaseProblem, arrivals, inbounds
from connector.ledger.inbounds import Address
from connector.ledger.naming import Called
from connector.settings import SettingsProblem

log = structlog.get_logger()

# Seconds between two clearings of what is old.
_TIDY = 3_600.0
# Milliseconds in which one arrival is taken in, or another request made for it; after that another process may.
_TERM = 120_000
# So many processes in a row may die with one arrival in hand, or fall silent: then nothing but it can be what kills
# them. Each of the last had the whole term.
_DEADLY = 6
# Milliseconds before the second try, and at most before any.
_FIRST, _LONGEST = 1_000, 300_000


class Arrivals(Threads):
    """Takes in what has arrived, from `start` until `stop`, and erases whom it says is to go. `kick`: something has
    just come.

    An address whose system is slow keeps one thread busy, so there are a few; of one address one thing is in hand at a
    time, whichever process has it.
    """

    def __init__(self, needs: Needs, *, threads: int = 2) -> None:
        super().__init__(needs, "arrivals", threads)
        self._erasures = Erasures(needs)
        self._lock = threading.Lock()
        self._tidy_at = 0.0

    def due(self, now: int) -> bool:
        """Whether there is something to take in (now: UNIX milliseconds)."""
        with self._needs.ledger.read() as connection:
            return arrivals.due(connection, now)

    def run_one(self) -> bool:
        """Takes one arrival in; False when none is due."""
        now = self._needs.intake.clock()
        if not self.due(now):
            return False
        with self._needs.ledger.write(durable=True) as connection:
            arrival = arrivals.claim(connection, now, now + _TERM, own_name())
        if arrival is not None and not self._given_up(arrival):
            self._take(arrival)
        return arrival is not None

    def _given_up(self, arrival: Row[Any]) -> bool:
        """Ends what nobody survives; whether it is that."""
        if arrivals.losses(arrival) < _DEADLY:
            return False
        log.error("arrival_deadly", connection=arrival.connection_id, inbound=arrival.inbound_id, arrival=arrival.id)
        self._end(arrival, Taken(DEADLY, keeps_body=True))
        return True

    def take_in_now(self, connection_id: str, called: Called, until: int) -> bool:
        """Takes in what came until then (UNIX milliseconds) and names a person who is to be erased, whoever has it in
        hand; False when there is none. So the others in it are accepted, and the erasure finds the person's records."""
        with self._needs.ledger.read() as connection:
            naming = self.naming(connection, connection_id, called)
            found = arrivals.waiting(connection, connection_id, naming, until=until)
            ended = arrivals.ended(connection, connection_id, naming, FOR_A_CREDENTIAL)
        for arrival_id in found:
            self._take_over(arrival_id, naming)
        for arrival_id in ended:
            self._leave_out_of(arrival_id, naming)
        return bool(found)

    def naming(self, connection: Connection, connection_id: str, called: Called) -> Naming:
        """Whether an arrival of a connection names a person."""
        return Naming(self._needs, called, inbounds.of_sources(connection, connection_id, called.ids))

    def tidy(self, now: int) -> int:
        """Removes arrivals that ended and are older than what is kept; how many they were."""
        days, removed = self._needs.settings.retention_days, 0
        while days:
            with self._needs.ledger.write() as connection:
                count = arrivals.purge(connection, now - days * DAY)
            removed += count
            if not count:
                break
        return removed

    def _turn(self) -> bool:
        self._tidy_now_and_then()
        return self.run_one() or self._erasures.run_one()

    def _tidy_now_and_then(self) -> None:
        with self._lock:
            if time.monotonic() < self._tidy_at:
                return
            self._tidy_at = time.monotonic() + _TIDY
        self.tidy(self._needs.intake.clock())

    def _address(self, arrival: Row[Any]) -> Address | None:
        with self._needs.ledger.read() as connection:
            return inbounds.get(connection, arrival.connection_id, arrival.inbound_id)

    def _taken(self, arrival: Row[Any], *, at_once: bool = False) -> Taken:
        address = self._address(arrival)
        if address is None:
            return Taken("gone")  # removed with all that came
        holds = partial(self._hold_on, arrival)
        return take_in(self._needs, address, arrival, self._stop.wait, holds, at_once=at_once)

    def _hold_on(self, arrival: Row[Any], connection: Connection) -> None:
        """The term begins anew with every request: who is asked may be slow. Raises `contact_busy`, which nobody hears:
        who has lost it cannot end it."""
        if not arrivals.hold_on(connection, arrival, self._needs.intake.clock() + _TERM):
            raise Problem("contact_busy")

    def _take(self, arrival: Row[Any]) -> None:
        """One try, and what comes of it is written down."""
        try:
            self._end(arrival, self._taken(arrival))
        except Early as early:
            with self._needs.ledger.write() as connection:
                arrivals.postpone(connection, arrival, early.due_at)
        except Exception as problem:
            self._later(arrival, *_reason(problem))
            if not isinstance(problem, Problem | SettingsProblem):
                raise

    def _take_over(self, arrival_id: str, naming: Naming) -> None:
        """What cannot be taken in now goes on waiting without the person who is named. Where that leaves nothing, it
        is given up, and then emptied: it tells of one page, or is a mistake of ours."""
        now = self._needs.intake.clock()
        with self._needs.ledger.write(durable=True) as connection:
            arrival = arrivals.take_over(connection, arrival_id, now, now + _TERM, own_name())
        if arrival is None or self._given_up(arrival):
            return
        try:
            taken = self._taken(arrival, at_once=True)
        except (SQLAlchemyError, DatabaseProblem):
            raise
        except Exception as problem:
            if self._left_out(arrival, naming):
                self._later(arrival, *_reason(problem))
                return
            log.warning("arrival_given_up", connection=arrival.connection_id, reason=type(problem).__name__)
            taken = Taken("contact_erased", keeps_body=True)
        self._end(arrival, taken)
        if taken.outcome in FOR_A_CREDENTIAL:
            self._left_out(arrival, naming)

    def _leave_out_of(self, arrival_id: str, naming: Naming) -> None:
        with self._needs.ledger.read() as connection:
            arrival = arrivals.whole(connection, arrival_id)
        if arrival is not None and arrival.body is not None:
            self._left_out(arrival, naming)

    def _left_out(self, arrival: Row[Any], naming: Naming) -> bool:
        """Takes the person who is named out of a notification; False when that would leave nothing of it."""
        address = self._address(arrival)
        others = None if address is None else naming.without(address, arrival)
        if others is None:
            return False
        with self._needs.ledger.write(durable=True) as connection:
            arrivals.rewrite(connection, arrival, others)
        return True

    def _end(self, arrival: Row[Any], taken: Taken) -> None:
        made = {"record_id": taken.record_id, "import_id": taken.import_id}
        with self._needs.ledger.write(durable=True) as connection:
            ended = arrivals.finish(connection, arrival, taken.outcome, keeps_body=taken.keeps_body, **made)
            if ended and taken.beside:
                arrivals.end_with(connection, taken.beside, taken.outcome, **made)

    def _later(self, arrival: Row[Any], code: str, seconds: int | None) -> None:
        """Tries again later; what has failed for as long as a record may is ended with the code, and keeps its body."""
        now, settings = self._needs.intake.clock(), self._needs.settings
        if now - arrival.received_at > settings.retry_age * 1000:
            self._end(arrival, Taken(code, keeps_body=True))
            return
        pause = min(_FIRST << min(arrival.attempts - 1, 16), _LONGEST) if seconds is None else seconds * 1000
        with self._needs.ledger.write() as connection:
            # Trouble of our own database passes: what came later waits so long, for it may be of the same person.
            arrivals.postpone(connection, arrival, now + pause, holds=code == "database_unavailable")


def _reason(problem: Exception) -> tuple[str, int | None]:
    """The code of what kept an arrival, and the seconds of a pause that was asked for."""
    if isinstance(problem, Problem):
        return problem.code, problem.retry_after
    if isinstance(problem, SettingsProblem):  # no key opens what the address has: it is told at the start
        return "connection_halted", None
    return "database_unavailable" if isinstance(problem, SQLAlchemyError | DatabaseProblem) else "server_error", None
