"""The pull runner: goes on with pulls that were begun, and begins those whose time has come."""

import threading
from typing import Any

import structlog
from sqlalchemy import Row

from connector.alive import own_name
from connector.errors import Problem
from connector.inbound.needs import Needs
from connector.inbound.pulling import Pull, taken
from connector.inbound.threads import Threads
from connector.intake.batch import GivenUp
from connector.ledger import inbounds, pulls
from connector.ledger.leases import is_free
from connector.ledger.pulls import PullLost
from connector.settings import SettingsProblem

log = structlog.get_logger()

# Seconds until what is wrong with the secret key, or with us, may have been seen to.
_LATER = 60
# Seconds between two looks: a pull begins by the clock, which need not be exact, or somebody kicks.
_LOOK = 3.0


class Pulls(Threads):
    """Pulls what is due, from `start` until `stop`, an address in each thread. `kick`: something has just begun."""

    def __init__(self, needs: Needs, *, threads: int = 2) -> None:
        super().__init__(needs, "pulls", threads, look=_LOOK)

    def run_one(self) -> bool:
        """Goes on with one pull as far as it gets; False when none is due."""
        pull = self._next()
        if pull is None:
            return False
        try:
            go_on(pull, self._stop)
        finally:
            pull.release()
        return True

    def _next(self) -> Pull | None:
        now, me = self._needs.intake.clock(), own_name()
        with self._needs.ledger.read() as connection:
            due = pulls.due(connection, now)
        found = [row for row in due if is_free(row.holder, row.until, me, now, term=pulls.TERM)]
        taken_up = (self._taken(row, me) for row in found)
        return next((pull for pull in taken_up if pull is not None), None)

    def _taken(self, row: Row[Any], me: str) -> Pull | None:
        """In hand; what cannot be pulled as it is set up does not come again by itself."""
        with self._needs.ledger.read() as connection:
            address = inbounds.get(connection, row.connection_id, row.inbound_id)
        if address is None:
            return None
        try:
            return taken(self._needs, address, me, self._stop.wait)
        except Problem as problem:
            log.warning("pull_stopped", connection=row.connection_id, inbound=row.inbound_id, code=problem.code)
            with self._needs.ledger.write() as connection:
                pulls.stop(connection, row.inbound_id, problem.code)
            return None

    def _turn(self) -> bool:
        return self.run_one()


def go_on(pull: Pull, stop: threading.Event) -> None:
    """Page after page until there are no more, it is kept from going on, or the process is to end."""
    try:
        _pages(pull, stop)
    except Problem as problem:
        pull.fail(problem)
        if problem.status < 500:
            _warn(pull, problem.code)
    except SettingsProblem:  # no key opens the credential: it is told at the start, and may come back
        pull.fail(Problem("connection_halted", retry_after=_LATER))
    except GivenUp:
        pull.give_up("import_missing")
    except PullLost:
        return
    except Exception:
        pull.fail(Problem("server_error", retry_after=_LATER))
        raise


def _pages(pull: Pull, stop: threading.Event) -> None:
    pull.go_on()
    while not stop.is_set() and pull.step():
        pass


def _warn(pull: Pull, code: str) -> None:
    log.warning("pull_stopped", connection=pull.address.connection_id, inbound=pull.address.id, code=code)
