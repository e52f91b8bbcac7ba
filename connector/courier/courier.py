"""Drains connections under their lease, and runs single plans at once; both within the budget."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

import structlog
from sqlalchemy.exc import SQLAlchemyError

from connector.alive import own_name
from connector.clock import now_ms
from connector.courier.drain import Drain, Tools
from connector.courier.job import Retries
from connector.courier.single import Single
from connector.crisp.client import Clients
from connector.ledger import Ledger, leases
from connector.ledger import connections as tenants
from connector.ledger.leases import LeaseLost
from connector.manifest import Manifest
from connector.settings import Settings, SettingsProblem
from connector.vault import Vault

log = structlog.get_logger()

# Seconds that a call may take beside the wait for its answer.
_LANDING = 30.0
# Why nothing is sent for a connection whose stored credential none of the secret keys opens.
UNREADABLE = "credential_unreadable"


def _tell_nobody(_ids: Iterable[str]) -> None:
    """Nobody in this process waits for outcomes."""


class Courier(Single):
    """Carries plans to Crisp."""

    def __init__(
        self,
        ledger: Ledger,
        vault: Vault,
        manifest: Manifest,
        settings: Settings,
        *,
        clients: Clients | None = None,
        clock: Callable[[], int] = now_ms,
        announce: Callable[[Iterable[str]], None] = _tell_nobody,
    ) -> None:
        self._clients = clients or Clients(
            settings.crisp_api_url, settings.concurrency, read_timeout=settings.call_timeout, clock=clock
        )
        super().__init__(ledger, vault, self._clients.hasty(), clock, reserve=settings.reserve)
        self.holder = own_name()
        self._pool = ThreadPoolExecutor(settings.concurrency * settings.drains, thread_name_prefix="call")
        retries = Retries(cap=settings.retry_cap * 1000, age=settings.retry_age * 1000)
        self._tools = Tools(
            ledger,
            manifest,
            self._pool,
            settings.concurrency,
            retries,
            clock,
            time.monotonic,
            announce,
            settings.reserve,
            settings.call_timeout + _LANDING,
        )
        self._drains: dict[str, Drain] = {}
        self._rare: dict[str, set[str]] = {}
        self._nudging = Lock()

    def drain(self, connection_id: str, stop: Event) -> bool:
        """Delivers a connection's due work. False when another has the lease, or nothing may be sent."""
        drained = False
        while (drain := self._begin(connection_id, stop)) is not None:
            drained = True
            if not self._carry(drain):
                break
        return drained

    def _begin(self, connection_id: str, stop: Event) -> Drain | None:
        with self.ledger.write() as connection:
            tenant = tenants.get(connection, connection_id)
            if tenant is None or tenant.halted:
                return None
            try:
                client = self.client(tenant, self._clients)
            except SettingsProblem:
                # Without the key that sealed it this process sends nothing; another may have it, and goes on.
                self._vault.tell(tenant.id, tenant.key_sealed)
                return None
            lease = leases.take(connection, connection_id, self.holder, self.clock())
        if lease is None:
            return None
        log.debug("lease_taken", connection=connection_id, token=lease.token)
        drain = Drain(self._tools, tenant, client, lease, stop, self._rare.setdefault(connection_id, set()))
        with self._nudging:
            self._drains[connection_id] = drain
        return drain

    def _carry(self, drain: Drain) -> bool:
        """Runs a drain to its end; True when it is to begin again at once."""
        lost = False
        try:
            drain.run()
        except LeaseLost:
            lost = True
            # Another delivers by now: what is bought and has not gone out is no longer ours to send.
            drain.flight.recall()
            log.warning("lease_lost", connection=drain.connection.id)
        except SQLAlchemyError as problem:
            log.warning("drain_broken", connection=drain.connection.id, reason=type(problem).__name__)
        finally:
            if not (drain.over or lost):
                drain.abandon()
            # From here on a nudge finds no drain; one that came after the last turn is seen here.
            with self._nudging:
                if self._drains.get(drain.connection.id) is drain:
                    del self._drains[drain.connection.id]
                more = drain.again or (drain.nudged and not drain.making_room)
                again = drain.over and more and not drain.stop.is_set()
        return again

    def nudge(self, connection_id: str) -> bool:
        """Tells a running drain of this process that there is new work; False when none runs."""
        with self._nudging:
            drain = self._drains.get(connection_id)
            if drain is not None:
                drain.nudge()
        return drain is not None

    def make_room(self, connection_id: str) -> None:
        """Tells a running drain to end once its calls in flight are answered, for another connection waits."""
        with self._nudging:
            drain = self._drains.get(connection_id)
            if drain is not None:
                drain.make_room()

    def close(self) -> None:
        """Waits for calls in flight and closes the sessions."""
        self._pool.shutdown()
        self._clients.close()
        self._hasty.close()
