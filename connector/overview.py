"""How each connection stands: read from the ledger alone, for `/metrics` and `status` alike."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from connector.budget import limit_today, opens_at, resets_at, used_today
from connector.imports import eta, expected_calls
from connector.ledger import Ledger, counts, figures, quotas, workers
from connector.ledger import connections as tenants
from connector.ledger.connections import CrispConnection
from connector.ledger.counts import Latency
from connector.ledger.figures import Figures, Hold

# A look that takes longer than so many seconds takes at most this share of the time, however often it is asked for.
_QUICK, _SHARE = 0.05, 0.1


@dataclass(frozen=True, slots=True)
class Quota:
    """The day's quota. Times in UNIX milliseconds; `opens_at`: when a pause ends, in the past when there is none."""

    limit: int
    used: int
    resets_at: int
    opens_at: int


@dataclass(frozen=True, slots=True)
class Overview:
    """One connection at one moment (`at`, UNIX milliseconds). `rate`: records a second over the last minute; `eta`:
    seconds until nothing waits any more, None when nothing does or nothing can go out."""

    at: int
    id: str
    label: str
    tier: str
    halted: str | None
    quota: Quota
    records: Figures
    hold: Hold
    calls: Mapping[tuple[str, str], int]
    latencies: tuple[Latency, ...]
    rate: float
    eta: float | None


@dataclass(frozen=True, slots=True)
class Look:
    """All that is seen at one moment. `workers`: processes that deliver, for every connection alike."""

    workers: int
    connections: tuple[Overview, ...]


def look(ledger: Ledger, now: int, connection_id: str | None = None, *, reserve: float) -> Look:
    """Every connection, or this one alone; all as of one moment."""
    with ledger.snapshot() as connection:
        living = workers.alive(connection, now)
        known = [each for each in tenants.every(connection) if connection_id in (None, each.id)]
        return Look(living, tuple(_of(connection, each, now, reserve, delivered=living > 0) for each in known))


def _of(connection: Connection, tenant: CrispConnection, now: int, reserve: float, *, delivered: bool) -> Overview:
    found = figures.of_records(connection, tenant.id, now)
    rate = found.last_minute / 60
    goes_out = delivered and not tenant.halted
    return Overview(
        at=now,
        id=tenant.id,
        label=tenant.label,
        tier=tenant.tier,
        halted=tenant.halted,
        quota=_quota(connection, tenant, now),
        records=found,
        hold=figures.of_lease(connection, tenant.id, now),
        calls=counts.calls_of(connection, tenant.id),
        latencies=counts.latencies_of(connection, tenant.id),
        rate=rate,
        eta=_eta(connection, tenant.id, found, rate, now, reserve) if goes_out else None,
    )


def _quota(connection: Connection, tenant: CrispConnection, now: int) -> Quota:
    budget = quotas.get(connection, tenant.id)
    limit, used = limit_today(budget, tenant.limits, now), used_today(budget, now)
    return Quota(limit, used, resets_at(now, budget.offset), opens_at(budget, live=True))


def _eta(
    connection: Connection, connection_id: str, found: Figures, rate: float, now: int, reserve: float
) -> float | None:
    waiting = found.by_status["waiting"]
    if not waiting:
        return None
    calls = expected_calls({**found.by_status, "calls": found.calls})
    return eta(connection, connection_id, int(calls), rate * calls / waiting, now, reserve=reserve)


class Kept:
    """Looks at large ledgers are kept for a while: the longer a look took, the longer it serves. One look at a
    time."""

    def __init__(self, ledger: Ledger, clock: Callable[[], int], reserve: float) -> None:
        self._ledger, self._clock, self._reserve = ledger, clock, reserve
        self._lock = threading.Lock()
        self._found: dict[str | None, tuple[float, Look]] = {}

    def look(self, connection_id: str | None) -> Look:
        """As `look`."""
        with self._lock:
            began = time.monotonic()
            kept = self._found.get(connection_id)
            if kept is not None and began < kept[0]:
                return kept[1]
            found = look(self._ledger, self._clock(), connection_id, reserve=self._reserve)
            took = time.monotonic() - began
            if took > _QUICK:
                self._found[connection_id] = (began + took / _SHARE, found)
            return found
