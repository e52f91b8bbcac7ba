"""Pace: Notion as an inbound address reaches it, at most three requests a second from all processes together."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from connector.errors import Problem
from connector.inbound.needs import Needs
from connector.inbound.notion import SOURCE, Notion
from connector.inbound.secret import credential_of
from connector.ledger import inbounds
from connector.ledger.inbounds import Address

# Milliseconds between two requests: an average of three a second is allowed (Notion reference, request limits).
_GAP = 334
# The longest that a turn is waited for here (milliseconds); what is further away is told to whoever asks.
_PATIENCE = 1_000


@dataclass(frozen=True)
class Pace:
    """The turns of one address. `wait` waits so many seconds; `patience`: so many milliseconds at most."""

    needs: Needs
    inbound_id: str
    wait: Callable[[float], object] = time.sleep
    patience: int = _PATIENCE

    def take_turn(self) -> None:
        """Waits for the next turn. Raises `source_busy` when that is far away, `inbound_missing`."""
        now = self.needs.intake.clock()
        with self.needs.ledger.write() as connection:
            slot = inbounds.take_slot(connection, self.inbound_id, now, gap=_GAP, patience=self.patience)
        if slot is None:
            raise Problem("inbound_missing")
        if slot - now > self.patience:
            raise Problem("source_busy", source=SOURCE, retry_after=math.ceil((slot - now) / 1000))
        if slot > now:
            self.wait((slot - now) / 1000)

    def busy(self, seconds: int) -> None:
        """Notion asks for a pause: nobody asks it anything until then."""
        with self.needs.ledger.write() as connection:
            inbounds.pause(connection, self.inbound_id, self.needs.intake.clock() + seconds * 1000)


def notion_of(needs: Needs, address: Address, pace: Pace) -> Notion | None:
    """Notion with the credential of this address; None without one."""
    token = credential_of(needs, address)
    return None if token is None else Notion(needs.settings.notion_api_url, token, pace.take_turn, pace.busy)
