"""Telling: due deliveries are taken in hand, sent or written, and what became of them is saved, again and again."""

import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from connector.alive import own_name
from connector.hooks.egress import Egress
from connector.hooks.plan import Attempt, following
from connector.hooks.sending import Message, Sender
from connector.hooks.writing import Writer
from connector.ledger import Ledger, attempts, claims
from connector.ledger.attempts import Done
from connector.ledger.claims import Claim, Place, Target
from connector.saying import say
from connector.settings import Settings, SettingsProblem
from connector.sinks import opened
from connector.sinks.base import Broken, Sink
from connector.vault import Vault

log = structlog.get_logger()

# Seconds between two looks for what nobody kicked for; and while others are still on their way, for how long attempts
# that have ended are gathered, for one commit of many costs no more than one of one.
_LOOK, _GATHER = 1.0, 0.01
# Deliveries of one subscription, and of one sink, that are in hand at once.
_PER_SUBSCRIPTION, _PER_SINK = 4, 100
# Claims in hand, of the places: so that a place that becomes free is taken at once, even when all do together.
_AHEAD = 2
# Milliseconds that a claim lasts beyond the time that an exchange may take: waiting for a place, looking up a name; and
# that of a sink, which waits for its quota.
_SPARE, _WRITING = 60_000, 600_000
_BROKE = say("something broke here; the log says what")


class Telling:
    """Tells subscribers and writes to sinks in this process, from `start` until `stop`. Threads are made when there is
    something to be told; before that it costs one look a second."""

    def __init__(
        self,
        ledger: Ledger,
        vault: Vault,
        egress: Egress,
        settings: Settings,
        *,
        dice: Callable[[], float] = random.random,
    ) -> None:
        """`dice`: by chance, from 0 to 1."""
        self.ledger, self.clock, self.holder = ledger, ledger.clock, own_name()
        self._vault, self._settings, self._dice = vault, settings, dice
        self._pauses, self._places = settings.hook_pauses, settings.hook_concurrency
        self._egress, self._sender = egress, Sender(egress, settings.hook_timeout, ledger.clock)
        self._writer = Writer(self._open_sink, self._pauses, ledger.clock, dice)
        self._changed = threading.Condition()
        self._done: list[Done] = []
        self._in_hand, self._kicked = 0, False
        self._look_at = 0.0
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(self._places, thread_name_prefix="telling")
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to tell."""
        self._thread = threading.Thread(target=self._run, name="telling", daemon=True)
        self._thread.start()

    def kick(self) -> None:
        """There is something new to tell: it is looked for at once."""
        with self._changed:
            self._kicked = True
            self._changed.notify()

    def begin_stop(self) -> None:
        """Takes nothing more in hand."""
        self._stop.set()
        self.kick()

    def stop(self) -> None:
        """Lets attempts in flight end, saves what became of them, gives back the rest, and ends; waits for no quota."""
        self.begin_stop()
        if self._thread is not None:
            self._thread.join()
        self._pool.shutdown(cancel_futures=True)
        self._guarded(self._leave)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._guarded(self._turn)
            self._wait()

    def _wait(self) -> None:
        """Until something has ended, somebody kicks, or it is time for a look."""
        with self._changed:
            self._changed.wait_for(self._is_stirred, max(0.0, self._look_at - time.monotonic()))
            others = self._in_hand > 0
        if others:
            self._stop.wait(_GATHER)

    def _is_stirred(self) -> bool:
        return bool(self._done) or self._kicked or self._stop.is_set()

    def _turn(self) -> None:
        """Saves what has ended and takes on what is due, in one transaction."""
        with self._changed:
            done, self._done, self._kicked = self._done, [], False
        self._look_at = time.monotonic() + _LOOK
        try:
            found = self._exchanged(done) if done or self._is_due() else ()
        except SQLAlchemyError:
            with self._changed:
                self._done = done + self._done  # it is saved with what ends next
            raise
        for work in found:
            self._begin(*work)

    def _is_due(self) -> bool:
        with self.ledger.read() as connection:
            return claims.any_due(connection, self.holder, self.clock())

    def _exchanged(self, done: Sequence[Done]) -> Sequence[tuple[Target | Place, Sequence[Claim], int]]:
        """What has ended is saved; what is taken in hand for it, each with the end of its claim."""
        now = self.clock()
        room = self._places * _AHEAD - self._in_hand
        with self.ledger.write() as connection:
            ended = attempts.save(connection, self.holder, done, now)
            found = list(self._claimed(connection, now, room)) if room > 0 else []
        _say(ended, done)
        return found

    def _claimed(self, connection: Any, now: int, room: int) -> Iterable[tuple[Target | Place, Sequence[Claim], int]]:
        until = now + self._settings.hook_timeout * 1000 + _SPARE
        taken = claims.claim(
            connection, self.holder, now, until, room, _PER_SUBSCRIPTION, doubtful=max(1, self._places // 2)
        )
        yield from ((target, [claim], until) for target, claim in taken)
        for place, batch in claims.claim_sinks(connection, self.holder, now, now + _WRITING, _PER_SINK):
            yield place, batch, now + _WRITING

    def _begin(self, of: Target | Place, batch: Sequence[Claim], until: int) -> None:
        with self._changed:
            self._in_hand += len(batch)
        self._pool.submit(self._tell, of, batch, until)

    def _tell(self, of: Target | Place, batch: Sequence[Claim], until: int) -> None:
        """One attempt, in a thread of the pool. It never fails."""
        late = self.clock() > until - self._settings.hook_timeout * 1000
        try:
            done = [] if late else self._told(of, batch)
        except Exception:
            log.exception("telling_failed", connection=batch[0].connection_id)
            done = [self._failed(of, claim, _BROKE) for claim in batch]
        with self._changed:
            self._done += done
            self._in_hand -= len(batch)
            self._changed.notify()

    def _told(self, of: Target | Place, batch: Sequence[Claim]) -> list[Done]:
        if isinstance(of, Place):
            return self._writer.write(of, batch)
        return [self._sent(of, claim) for claim in batch]

    def _sent(self, target: Target, claim: Claim) -> Done:
        try:
            secrets = secrets_of(self._vault, target, self.clock())
        except SettingsProblem:
            self._vault.tell(claim.connection_id, target.secret_sealed)
            return self._failed(target, claim, say("its secret cannot be opened: the secret key is another"))
        message = Message(claim.event_id, claim.body.encode(), claim.sequence)
        attempt = self._sender.send(target.url, secrets, message)
        return Done(claim, target, attempt, following(attempt, claim.attempts + 1, self._pauses, self._dice()))

    def _failed(self, of: Target | Place, claim: Claim, reason: str) -> Done:
        attempt = Attempt(self.clock(), 0, reason=reason)
        return Done(claim, of, attempt, following(attempt, claim.attempts + 1, self._pauses, self._dice()))

    def _open_sink(self, kind: str, options: Mapping[str, Any], credential_sealed: bytes) -> Sink:
        try:
            return opened(
                kind, options, self._vault.open(credential_sealed), self._egress, self._settings, self._stop.wait
            )
        except SettingsProblem:
            raise Broken(say("its credential cannot be opened: the secret key is another")) from None
        except KeyError:
            raise Broken(say("there is no such kind of place in this version")) from None

    def _leave(self) -> None:
        with self._changed:
            done, self._done = self._done, []
        with self.ledger.write() as connection:
            _say(attempts.save(connection, self.holder, done, self.clock()), done)
            claims.release(connection, self.holder)

    def _guarded(self, run: Callable[[], None]) -> None:
        """A database that is away, or a mistake of ours, must not end all telling."""
        try:
            run()
        except SQLAlchemyError as problem:
            log.warning("database_unavailable", reason=type(problem).__name__)
            self._stop.wait(1)
        except Exception:
            log.exception("telling_failed")
            self._stop.wait(1)


def secrets_of(vault: Vault, target: Target, now: int) -> list[str]:
    """The secrets that sign, the newest first; the one before it for a day. Raises `SettingsProblem`."""
    secrets = [vault.open(target.secret_sealed)]
    if target.old_sealed is not None and (target.old_until or 0) > now:
        secrets.append(vault.open(target.old_sealed))
    return secrets


def _say(ended: Sequence[tuple[str, str]], done: Sequence[Done]) -> None:
    """Who is told no more, in the log."""
    known = {each.of.id: each for each in done}
    for target_id, what in ended:
        each = known[target_id]
        about = {"connection": each.claim.connection_id, "reason": each.attempt.words}
        if isinstance(each.of, Place):
            log.error("sink_disabled", sink=target_id, **about)
        elif what == "gone":
            log.info("subscription_gone", subscription=target_id, connection=each.claim.connection_id)
        else:
            log.error("subscription_disabled", subscription=target_id, **about)
