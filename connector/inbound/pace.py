"""Pace: how often an inbound address's system is asked, by all processes together."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from connector.errors import Problem
from connector.inbound.needs import Needs
from connector.ledger import inbounds

# The longest that a turn is waited for here (milliseconds); what is further away is told to whoever asks.
PATIENCE = 1_500


def _holds_nothing(_connection: Connection) -> None:
    """Nothing is held that would have to be held on to."""


@dataclass(frozen=True)
class Pace:
    """The turns of one address, `gap` milliseconds apart. `wait` waits so many seconds; `holds` is told of each turn,
    within its transaction."""

    needs: Needs
    inbound_id: str
    label: str
    gap: int
    wait: Callable[[float], object] = time.sleep
    holds: Callable[[Connection], None] = _holds_nothing

    def take_turn(self) -> None:
        """Waits for the next turn. Raises `source_busy` when that is far away, `inbound_missing`."""
        now = self.needs.intake.clock()
        with self.needs.ledger.write() as connection:
            # The address before what is held of it, as everybody locks them.
            slot = inbounds.take_slot(connection, self.inbound_id, now, gap=self.gap, patience=PATIENCE)
            if slot is None:
                raise Problem("inbound_missing")
            self.holds(connection)
        if slot - now > PATIENCE:
            raise Problem("source_busy", source=self.label, retry_after=math.ceil((slot - now) / 1000))
        if slot > now:
            self.wait((slot - now) / 1000)

    def busy(self, seconds: int) -> None:
        """A pause is asked for: nobody asks anything until then."""
        with self.needs.ledger.write() as connection:
            inbounds.pause(connection, self.inbound_id, self.needs.intake.clock() + seconds * 1000)
