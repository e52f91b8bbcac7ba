"""Pulling: all that an address's system has, or what has changed there, page by page, as one import.

After each page the place of the next is written down with what the page brought, in one transaction: whoever dies
between two pages, the next goes on with the page that was in hand.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row

from connector import vendors
from connector.errors import Problem
from connector.ids import new_id
from connector.inbound.asking import Asker, asker_of
from connector.inbound.needs import Needs
from connector.inbound.payload import options_of, reading_of
from connector.intake import Paged
from connector.ledger import inbounds, pulls
from connector.ledger.inbounds import Address
from connector.ledger.pulls import Hold
from connector.saying import say

# What is pulled again and again is asked for from a little before the last time on: clocks differ, and what is changed
# just now is found a moment later there (milliseconds).
_OVERLAP = 300_000
# From when on and until when every system can write a time (UNIX milliseconds): 2 January 1970, 1 January 2100.
_FIRST_DAY, _LAST_DAY = 86_400_000, 4_102_444_800_000
# Milliseconds before the second try of a page, and at most before any.
_FIRST, _LONGEST = 1_000, 300_000
# After what ends a pull that way, its place is of no use: a cursor may be too old, a page that was read a cache's.
_ANEW = ("source_refused", "source_repeats")


def check(needs: Needs, address: Address) -> None:
    """Raises what keeps an address from being pulled: `pull_unsupported`, `pull_unset`."""
    if address.source not in vendors.registry():
        raise Problem("pull_unsupported", source=needs.manifest.source(address.source).label)
    if missing := vendors.lacks(address.source, address.options.get("pull") or {}):
        raise Problem("pull_unset", missing=say("what to pull: {options}", options=missing))
    if address.credential_sealed is None:
        raise Problem("pull_unset", missing=say("with what: credential"))


def since_of(address: Address, since: int | None) -> int | None:
    """The time, where this system can be asked for what has changed since; else None: all of it."""
    can = getattr(vendors.registry()[address.source], "SINCE", False)
    return min(max(since, _FIRST_DAY), _LAST_DAY) if can and since is not None else None


@dataclass
class Pull:
    """A pull that one has in hand."""

    needs: Needs
    address: Address
    hold: Hold
    wait: Callable[[float], object] = time.sleep
    _asker: Asker = field(init=False)

    def __post_init__(self) -> None:
        asker = asker_of(self.needs, self.address, self.wait, lambda connection: self._save(connection))
        if asker is None:
            raise Problem("pull_unset", missing=say("with what: credential"))
        self._asker = asker

    @property
    def row(self) -> Row[Any]:
        """How far it is. Raises `PullLost` when its address is gone."""
        with self.needs.ledger.read() as connection:
            row = pulls.get(connection, self.hold.inbound_id)
        if row is None:
            raise pulls.PullLost
        return row

    def begin(self, since: int | None) -> None:
        """Goes on with what is unfinished of the same; else begins, and what is unfinished of another time or place is
        given up. A system that cannot be asked for what has changed is asked for all. Raises `PullLost`, and what
        `Asker.place` raises."""
        row, now, since = self.row, self.needs.intake.clock(), since_of(self.address, since)
        if is_under_way(row) and row.code not in _ANEW and row.since == since and not self._is_elsewhere(row):
            with self.needs.ledger.write() as connection:
                self._save(connection, due_at=now, code=None, tries=0)
            return
        place = {"place": self._asker.place, "caught_up_at": None if self._is_elsewhere(row) else row.caught_up_at}
        with self.needs.ledger.write() as connection:
            pulls.begin(connection, self.hold, now, import_id=new_id(), since=since, **place)

    def go_on(self) -> None:
        """Goes on with what is unfinished; else begins as a schedule does, with what has changed since the last time.
        Of a place where nothing was pulled before that is all. Raises as `begin` does."""
        row = self.row
        if self._is_elsewhere(row):
            self.begin(None)
        elif not is_under_way(row) or row.code in _ANEW:
            self.begin(None if row.caught_up_at is None else row.caught_up_at - _OVERLAP)

    def _is_elsewhere(self, row: Row[Any]) -> bool:
        """Whether what was pulled until now is from another place than what is pulled now."""
        return row.place not in (None, self._asker.place)

    def is_done(self, since: int | None, asked_at: int) -> bool:
        """Whether another, who had it in hand when this was asked for (UNIX milliseconds), has pulled the same. Raises
        `PullLost`."""
        row = self.row
        ended = row.ended_at is not None and row.ended_at >= asked_at and row.code is None
        return ended and row.since == since_of(self.address, since) and not self._is_elsewhere(row)

    def step(self) -> bool:
        """One page; whether there are more. Raises what an `Asker` raises, `GivenUp` (of intake), `PullLost`."""
        row = self.row
        paged = Paged(self.needs.intake, self.address.connection_id, row.import_id, self.address.source, self._mode)
        if not row.is_whole:
            self._take_page(paged, row)
            row = self.row
        if row.is_whole:
            self._finish(paged, row)
        return not row.is_whole

    @property
    def _mode(self) -> Any:
        return options_of(self.needs, self.address).mode

    def _take_page(self, paged: Paged, row: Row[Any]) -> None:
        page = self._asker.page(row.since, row.cursor)
        reading = reading_of(self.needs, self.address, page.payloads, {}, before=row.records)
        told = {
            "cursor": page.cursor,
            "is_whole": page.cursor is None,
            "pages": row.pages + 1,
            "code": None,
            "tries": 0,
        }

        def also(connection: Connection) -> None:
            self._save(connection, **told, records=row.records + reading.count)

        if reading.count:
            paged.add(reading, row.records, also)
        else:
            with self.needs.ledger.write() as connection:
                also(connection)

    def _finish(self, paged: Paged, row: Row[Any]) -> None:
        """All of it is there. What is read again and again is due again after a while."""
        now = self.needs.intake.clock()
        # What changed before the time that was asked for is caught up only if it was before.
        gapless = row.since is None or (row.caught_up_at is not None and row.since <= row.caught_up_at)
        caught_up_at = row.began_at if gapless else row.caught_up_at
        ended = {"ended_at": now, "caught_up_at": caught_up_at, "due_at": self._next(now), "code": None}

        def also(connection: Connection) -> None:
            self._save(connection, **ended, **({} if row.records else {"import_id": None}))

        if row.records:
            paged.seal(row.records, also)
        else:
            with self.needs.ledger.write() as connection:
                also(connection)

    def _next(self, now: int) -> int | None:
        every = (self.address.options.get("pull") or {}).get("every_minutes")
        return None if every is None else now + every * 60_000

    def fail(self, problem: Problem) -> None:
        """Writes down what kept it: what may pass is tried again by itself, anything else when somebody asks."""
        with self.needs.ledger.read() as connection:
            row = pulls.get(connection, self.hold.inbound_id)
        now, tries = self.needs.intake.clock(), 1 if row is None else row.tries + 1
        pause = min(_FIRST << min(tries - 1, 16), _LONGEST)
        pause = pause if problem.retry_after is None else problem.retry_after * 1000
        due_at = now + pause if problem.status >= 500 else None
        self._note(code=problem.code, tries=tries, due_at=due_at)

    def give_up(self, code: str) -> None:
        """Ends it: it begins anew when it is asked for again."""
        now = self.needs.intake.clock()
        self._note(code=code, ended_at=now, due_at=self._next(now))

    def _note(self, **values: Any) -> None:
        """Of what is in other hands by now, those hands will tell."""
        with suppress(pulls.PullLost), self.needs.ledger.write() as connection:
            self._save(connection, **values)

    def release(self) -> None:
        """Others may have it."""
        with self.needs.ledger.write() as connection:
            pulls.release(connection, self.hold)

    def _save(self, connection: Connection, **values: Any) -> None:
        pulls.save(connection, self.hold, self.needs.intake.clock(), **values)


def is_under_way(row: Row[Any]) -> bool:
    """Whether a pull has begun and not ended."""
    return row.began_at is not None and row.ended_at is None


def taken(needs: Needs, address: Address, holder: str, wait: Callable[[float], object] = time.sleep) -> Pull | None:
    """The pull of this address, as it is by now, in hand; None when somebody else has it. Raises what `check` raises,
    and `inbound_missing`."""
    check(needs, address)
    with needs.ledger.write() as connection:
        known = inbounds.locked(connection, address.id)
        if known is None:
            raise Problem("inbound_missing")
        hold = pulls.take(connection, known.connection_id, known.id, holder, needs.intake.clock())
    return None if hold is None else Pull(needs, known, hold, wait)
