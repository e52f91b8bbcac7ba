"""Asking: requests to the system of an inbound address, guarded, at its pace, with the address's credential."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import urlsplit

from sqlalchemy import Connection

from connector import vendors
from connector.body import read_json
from connector.errors import Problem
from connector.hooks.egress import Answer, Egress, Failed, Refused
from connector.inbound.needs import Needs
from connector.inbound.pace import Pace
from connector.inbound.secret import access_of, credential_of
from connector.ledger import inbounds
from connector.ledger.inbounds import Address
from connector.markup import read_xml
from connector.pauses import retry_after
from connector.vendors.base import Access, Account, Asking, Page, Reply, Request, Trouble, VendorModule

T = TypeVar("T")
# Seconds that an answer may take, and bytes that it may have.
_SECONDS, _LARGEST = 30.0, 20_000_000
# Seconds of a pause, when nobody says how long, and the longest that is believed.
_PAUSE, _LONGEST_PAUSE = 1, 3_600
# Seconds before its end in which an access token is not used any more.
_EARLY = 120
# What an answer means, by its status; whatever is not here is refused below 500.
_MEANINGS = {401: "source_credential_refused", 403: "source_credential_refused", 404: "source_missing"}
_MEANINGS |= {410: "source_missing", 408: "source_unreachable", 425: "source_unreachable", 429: "source_busy"}


@dataclass(frozen=True)
class Asker:
    """Whoever asks the system of an address.

    Raises `source_missing`, `source_credential_refused`, `source_refused`, `source_forbidden`, `source_busy`,
    `source_repeats`, `source_unreachable`, and `SettingsProblem` when no key opens the credential.
    """

    needs: Needs
    address: Address
    pace: Pace
    vendor: VendorModule

    @property
    def place(self) -> str:
        """A hash of where its contacts are. Raises `source_credential_refused`, and `SettingsProblem`."""
        return vendors.place(self.address.source, self._said, self.address.options.get("pull") or {})

    def carry(self, asked: Callable[[Account], Asking[T]]) -> T:
        """Carries out what is asked. An access token that is refused may have been taken back: another is asked for."""
        account = self._account()
        try:
            return self._run(asked(account))
        except Problem as problem:
            if problem.code != "source_credential_refused" or not account.access.token:
                raise
        self._keep(None)
        return self._run(asked(self._account()))

    def page(self, since: int | None, cursor: Any) -> Page:
        """The page at this cursor. Raises `source_repeats` too, when the next one begins where this one does."""
        found = self.carry(lambda account: self.vendor.page(account, since, cursor))
        if found.cursor is not None and found.cursor == cursor:
            raise Problem("source_repeats", source=self.pace.label)
        return found

    @cached_property
    def _said(self) -> dict[str, str]:
        """The parts of the credential. Raises `source_credential_refused` for one that has been none all along."""
        try:
            return vendors.credential(self.address.source, credential_of(self.needs, self.address) or "")
        except ValueError:
            raise Problem("source_credential_refused", source=self.pace.label) from None

    def _account(self) -> Account:
        account = Account(self._said, pull=self.address.options.get("pull") or {}, fields=self._fields)
        login = getattr(self.vendor, "login", None)
        asking = login(self._said, self.needs.intake.clock()) if login else None
        return account if asking is None else replace(account, access=self._access(asking))

    def _access(self, asking: Asking[Access]) -> Access:
        """The access token that is kept, while it is good for a while yet; else a new one."""
        now = self.needs.intake.clock()
        with self.needs.ledger.read() as connection:
            known = inbounds.get(connection, self.address.connection_id, self.address.id)
        kept = None if known is None else access_of(self.needs.vault, known, now)
        if kept is not None:
            asking.close()
            return kept
        access = self._run(asking, logs_in=True)
        self._keep(access)
        return access

    def _keep(self, access: Access | None) -> None:
        now, vault = self.needs.intake.clock(), self.needs.vault
        told = None
        if access is not None:
            sealed = vault.seal(f"{access.base} {access.token}").decode()
            told = {"access_sealed": sealed, "access_until": now + (access.seconds - _EARLY) * 1000}
        with self.needs.ledger.write() as connection:
            inbounds.keep_access(connection, self.address.id, told)

    @property
    def _fields(self) -> tuple[str, ...]:
        """Fields of the other system that something here is read from."""
        source = self.needs.manifest.source(self.address.source)
        candidates = [each for table in source.tables.values() for found in table.values() for each in found]
        paths = [path for each in candidates for path in (each.path, *each.lines, *each.postcode, *each.city) if path]
        mapping = self.address.options.get("mapping") or {}
        named = [path for each in mapping.values() for path in ([each] if isinstance(each, str) else each)]
        return tuple(dict.fromkeys((*named, *paths, *source.updated_at)))

    def _run(self, asking: Asking[T], *, logs_in: bool = False) -> T:
        """Performs its requests until it ends."""
        try:
            request = next(asking)
            while True:
                request = asking.send(self._reply(request, logs_in=logs_in))
        except StopIteration as end:
            result: T = end.value
            return result
        except Trouble as trouble:
            raise self._told(trouble, 200) from None

    def _reply(self, request: Request, *, logs_in: bool) -> Reply:
        self.pace.take_turn()
        answer = self._sent(request)
        if answer.status in range(200, 300) or answer.status == 304:
            return Reply(answer.status, answer.headers, self._value(answer) if answer.body.strip() else None)
        raise self._told(self._meaning(answer, logs_in=logs_in), answer.status)

    def _sent(self, request: Request) -> Answer:
        egress, url = _way(self.needs, self.address.source, request.url)
        try:
            return egress.ask(request.method, url, request.body, request.headers, seconds=_SECONDS, most=_LARGEST)
        except Refused as refused:
            raise Problem("source_forbidden", source=self.pace.label, reason=refused.reason) from None
        except Failed:
            raise Problem("source_unreachable", source=self.pace.label) from None

    def _value(self, answer: Answer) -> Any:
        """What the body says. A page in HTML, or an answer that was cut off, says nothing."""
        try:
            return read_xml(answer.body) if getattr(self.vendor, "XML", False) else read_json(answer.body)
        except Problem:
            raise Problem("source_unreachable", source=self.pace.label) from None

    def _meaning(self, answer: Answer, *, logs_in: bool) -> Trouble:
        status = answer.status
        found = self._said_beside(answer)
        if found is not None:
            return found
        if logs_in and status == 400:  # RFC 6749, 5.2: whatever is wrong with a credential
            return Trouble("source_credential_refused")
        away = status >= 500 or status in getattr(self.vendor, "BUSY", ())
        code = "source_unreachable" if away else _MEANINGS.get(status, "source_refused")
        asked = retry_after(answer.headers.get("retry-after"), answer.headers.get("date"), self.needs.intake.clock)
        return Trouble(code, None if asked is None else math.ceil(asked))

    def _said_beside(self, answer: Answer) -> Trouble | None:
        """What its body says beyond its status, where this vendor has such answers."""
        meaning = getattr(self.vendor, "meaning", None)
        if meaning is None:
            return None
        try:
            value = read_json(answer.body)
        except Problem:
            value = None
        found: Trouble | None = meaning(answer.status, value)
        return found

    def _told(self, trouble: Trouble, status: int) -> Problem:
        """As a problem; of a pause all others hear."""
        if trouble.code != "source_busy":
            return Problem(trouble.code, source=self.pace.label, status=status)
        usual = getattr(self.vendor, "PAUSE", _PAUSE)
        seconds = min(max(usual if trouble.seconds is None else trouble.seconds, _PAUSE), _LONGEST_PAUSE)
        self.pace.busy(seconds)
        return Problem("source_busy", source=self.pace.label, retry_after=seconds)


def asker_of(
    needs: Needs,
    address: Address,
    wait: Callable[[float], object] = time.sleep,
    holds: Callable[[Connection], None] | None = None,
) -> Asker | None:
    """Who asks the system of this address; None without a credential, or when nobody knows how. `wait` waits for a
    turn, `holds` is told of each."""
    vendor = vendors.registry().get(address.source)
    if vendor is None or address.credential_sealed is None:
        return None
    label = needs.manifest.source(address.source).label
    more = {} if holds is None else {"holds": holds}
    return Asker(needs, address, Pace(needs, address.id, label, vendor.GAP, wait, **more), vendor)


def _way(needs: Needs, source: str, url: str) -> tuple[Egress, str]:
    """The way out, and where to: at its own address over TLS, or where the operator has it asked instead."""
    settings = needs.settings
    instead = settings.source_bases.get(source)
    if instead is None:
        return Egress(allow=settings.allowed), url
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    opened = settings.allowed | {urlsplit(instead).netloc}
    return Egress(allow=opened, allow_http=True), f"{instead.rstrip('/')}{parts.path}{query}"
