"""Beginning a pull because somebody asks for it, or joining the same one that is under way."""

import time

from connector.alive import own_name
from connector.errors import Problem
from connector.inbound.needs import Needs
from connector.inbound.pulling import Pull, is_under_way, since_of, taken
from connector.intake.batch import GivenUp
from connector.ledger import pulls
from connector.ledger.inbounds import Address

# Seconds between two looks at what somebody else has in hand, and how long its first contacts are waited for.
_LOOK, _PATIENCE = 0.1, 10.0


def begun(needs: Needs, address: Address, since: int | None) -> str | None:
    """Begins, or goes on with what is unfinished of the same: one page at once, so that what is wrong is told; the rest
    is for the runner. The id of the import; None when there is nothing. While somebody has the same in hand, that
    one's.

    Raises what `check` and an `Asker` raise, `pull_running`, `inbound_missing`, `import_missing`; a pull that fails at
    its first page has not begun.
    """
    asked_at, until = needs.intake.clock(), time.monotonic() + _PATIENCE
    while True:
        pull = taken(needs, address, own_name())
        if pull is not None:
            try:
                return _held(pull, since, asked_at)
            except pulls.PullLost:  # somebody took this for dead, or the address is gone
                pass
        elif (its_id := joined(needs, address, since)) is not None:
            return its_id
        elif time.monotonic() > until:
            raise Problem("pull_running")
        time.sleep(_LOOK)


def joined(needs: Needs, address: Address, since: int | None) -> str | None:
    """The import of what somebody else has in hand; None while it has no contacts. Raises `inbound_missing`, and
    `pull_running` when it is not the same that is asked for."""
    with needs.ledger.read() as connection:
        row = pulls.get(connection, address.id)
    if row is None:
        raise Problem("inbound_missing")
    if not is_under_way(row):
        return None
    if row.since != since_of(address, since):
        raise Problem("pull_running")
    its_id: str | None = row.import_id
    return its_id if row.records else None


def _held(pull: Pull, since: int | None, asked_at: int) -> str | None:
    try:
        return _first(pull, since, asked_at)
    except GivenUp:
        pull.give_up("import_missing")
        raise Problem("import_missing") from None
    finally:
        pull.release()


def _first(pull: Pull, since: int | None, asked_at: int) -> str | None:
    try:
        if not pull.is_done(since, asked_at):
            pull.begin(since)
            while pull.step() and not pull.row.records:
                pass
        return pull.row.import_id if pull.row.records else None
    except Problem as problem:
        pull.fail(problem) if pull.row.records else pull.give_up(problem.code)
        raise
