"""Receiving: what comes to an inbound address is proved, then kept in one durable commit. Nothing is read of it yet."""

from dataclasses import dataclass, field, replace
from typing import Any

from connector.budget import DAY
from connector.errors import Problem
from connector.ids import new_id
from connector.inbound import event_ids, handshake, secret
from connector.inbound.needs import Needs
from connector.inbound.signing import is_signed
from connector.ledger import arrivals, inbounds
from connector.ledger import connections as tenants
from connector.ledger.connections import SCOPES, Key
from connector.ledger.inbounds import Address
from connector.settings import SettingsProblem
from connector.sources import Inbound, registry

# The most bytes that are taken at once.
LIMIT = 10_000_000
# The same event that comes again within this time is the same (milliseconds).
_REMEMBERED = DAY
_LONGEST_HEADER = 255
# Seconds after which a sender may try again, when a key is missing.
_AGAIN = 60


@dataclass(frozen=True, slots=True)
class Came:
    """A request that came: the request itself, the type of its body in lower case, and the API key in its headers."""

    request: Inbound
    content_type: str
    key: str | None


@dataclass(frozen=True, slots=True)
class Kept:
    """What came is kept. `is_new`: nobody has taken it in yet; else it is the same that came before."""

    arrival_id: str
    is_new: bool


@dataclass
class Receiver:
    """Takes what comes. Whatever is wrong with it, the answer is one, and the work for it is the same."""

    needs: Needs
    _nobodys: str = field(default_factory=secret.new_secret, repr=False)
    _sealed: bytes | None = field(default=None, repr=False)

    def receive(self, source: str, inbound_id: str, came: Came) -> Kept | None:
        """Keeps what came, when it is proved; None when it is a handshake, or a greeting, which nobody signs and which
        says nothing: of these nothing is taken in. Raises `arrival_refused`, `arrival_unreadable`."""
        now = self.needs.intake.clock()
        came = replace(came, request=replace(came.request, at=now))
        with self.needs.ledger.read() as connection:
            found = inbounds.find(connection, source, inbound_id)
            key = tenants.find_key(connection, came.key or "")
        address = found or self._decoy(source)
        proof = self._proof(address, came, key, now)
        if found is not None and _greets(found, came.request):
            return None
        token = handshake.token_of(source, came.request.body)
        if found is None or not (proof or (token and handshake.is_awaited(address.state))):
            raise Problem("arrival_refused")
        if token is not None:
            self._shake_hands(address, token)
            return None
        return self._keep(address, came, now, lasting=proof == "lasting")

    def _proof(self, address: Address, came: Came, key: Key | None, now: int) -> str:
        """`lasting`: by the newest secret or an API key; `passing`: by the one before it; "": not proved. Always two
        secrets are tried, so that nobody can measure how many there are."""
        valid = self._secrets(address, now)
        tried = [_knows(address, came.request, each) for each in [*valid, self._nobodys][:2]][: len(valid)]
        if _may_write(address, key):
            return "lasting"
        if not (any(tried) and _is_for(address, came.request)):
            return ""
        return "lasting" if tried[0] else "passing"

    def _secrets(self, address: Address, now: int) -> list[str]:
        """Raises `arrival_unreadable` when no key opens them: the sender may try again when it is back."""
        try:
            return secret.valid(self.needs.vault, address, now)
        except SettingsProblem:
            self.needs.vault.tell(address.connection_id, address.secret_sealed)
            raise Problem("arrival_unreadable", retry_after=_AGAIN) from None

    def _decoy(self, source: str) -> Address:
        """An address that nobody has the secret of."""
        if self._sealed is None:
            self._sealed = self.needs.vault.seal(self._nobodys)
        known = source if source in registry() else "generic"
        return Address("", "", known, "", self._sealed, None, {}, {"verified_at": 0}, 0)

    def _shake_hands(self, address: Address, token: str) -> None:
        """Keeps the token as the secret, unless the address is verified already."""
        with self.needs.ledger.write(durable=True) as connection:
            known = inbounds.locked(connection, address.id)
            if known is not None and handshake.is_awaited(known.state):
                inbounds.save(connection, secret.with_token(self.needs.vault, known, token))

    def _keep(self, address: Address, came: Came, now: int, *, lasting: bool) -> Kept:
        digest, named = event_ids.identity(address.source, came.request)
        row = _row(address, came, digest, now)
        with self.needs.ledger.write(durable=True) as connection:
            known = inbounds.locked(connection, address.id)
            if known is None:
                raise Problem("arrival_refused")
            if lasting and handshake.is_awaited(known.state):
                inbounds.verified(connection, known, now)
            twin = arrivals.twin(connection, address.id, digest, now - _REMEMBERED) if named else None
            if twin is None:
                arrivals.add(connection, row)
        return Kept(twin or row["id"], is_new=twin is None)


def _row(address: Address, came: Came, digest: str, now: int) -> dict[str, Any]:
    module, headers = registry()[address.source], came.request.headers
    kept = getattr(module, "kept", bytes)
    said = {name: headers[name][:_LONGEST_HEADER] for name in getattr(module, "READ_WITH", ()) if name in headers}
    return {
        "id": new_id(),
        "connection_id": address.connection_id,
        "inbound_id": address.id,
        "digest": digest,
        "content_type": came.content_type[:_LONGEST_HEADER],
        "body": kept(came.request.body),
        "headers": said or None,
        "received_at": now,
    }


def _knows(address: Address, request: Inbound, expected: str) -> bool:
    """Whether the sender knew the secret: by the way that was agreed on for this address, else by its source's."""
    way = address.options.get("signature")
    return is_signed(way, request, expected) if way else registry()[address.source].verify(request, expected)


def _greets(address: Address, request: Inbound) -> bool:
    greets = getattr(registry()[address.source], "greets", None)
    return greets is not None and greets(request)


def _is_for(address: Address, request: Inbound) -> bool:
    """Whether a request comes from the account that the address is for, and names no other; without one, from any."""
    wanted, senders = address.options.get("sender"), getattr(registry()[address.source], "senders", None)
    return wanted is None or (senders is not None and senders(request) == {wanted})


def _may_write(address: Address, key: Key | None) -> bool:
    if key is None or key.revoked_at is not None or key.connection_id != address.connection_id:
        return False
    return max(SCOPES.index(scope) for scope in key.scopes) >= SCOPES.index("write")
