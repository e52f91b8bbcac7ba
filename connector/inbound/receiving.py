"""Receiving: what comes to an inbound address is proved, then kept in one durable commit. Nothing is read of it yet."""

from dataclasses import dataclass, field
from typing import Any

from connector.budget import DAY
from connector.errors import Problem
from connector.ids import new_id
from connector.inbound import event_ids, handshake, secret
from connector.inbound.needs import Needs
from connector.ledger import arrivals, inbounds
from connector.ledger import connections as tenants
from connector.ledger.connections import SCOPES, Key
from connector.ledger.inbounds import Address
from connector.settings import SettingsProblem
from connector.sources import Inbound, registry
from connector.sources.base import same

# The most bytes that are taken at once.
LIMIT = 10_000_000
# The same event that comes again within this time is the same (milliseconds).
_REMEMBERED = DAY
# Sources whose senders may be of any kind, so that the secret may stand in the address, as `key`.
_UNSIGNED = ("generic",)
_LONGEST_TYPE = 255
# Seconds after which a sender may try again, when a key is missing.
_AGAIN = 60


@dataclass(frozen=True, slots=True)
class Came:
    """A request that came: the request itself, the type of its body in lower case, and the API key in its headers."""

    request: Inbound
    content_type: str
    key: str | None


@dataclass
class Receiver:
    """Takes what comes. Whatever is wrong with it, the answer is one, and the work for it is the same."""

    needs: Needs
    _nobodys: str = field(default_factory=secret.new_secret, repr=False)
    _sealed: bytes | None = field(default=None, repr=False)

    def receive(self, source: str, inbound_id: str, came: Came) -> bool:
        """Keeps what came, when it is proved; True when there is something new to take in. Raises `arrival_refused`,
        `arrival_unreadable`."""
        now = self.needs.intake.clock()
        with self.needs.ledger.read() as connection:
            found = inbounds.find(connection, source, inbound_id)
            key = tenants.find_key(connection, came.key or "")
        address = found or self._decoy(source)
        proof = self._proof(address, came, key, now)
        token = handshake.token_of(source, came.request.body)
        if found is None or not (proof or (token and handshake.is_awaited(address.state))):
            raise Problem("arrival_refused")
        if token is not None:
            self._shake_hands(address, token)
            return False
        return self._keep(address, came, now, lasting=proof == "lasting")

    def _proof(self, address: Address, came: Came, key: Key | None, now: int) -> str:
        """`lasting`: by the newest secret or an API key; `passing`: by the one before it; "": not proved. Always two
        secrets are tried, so that nobody can measure how many there are."""
        valid = self._secrets(address, now)
        tried = [_knows(address, came.request, each) for each in [*valid, self._nobodys][:2]][: len(valid)]
        if _may_write(address, key) or tried[0]:
            return "lasting"
        return "passing" if any(tried) else ""

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
        known = source if source in registry() else _UNSIGNED[0]
        return Address("", "", known, "", self._sealed, None, {}, {"verified_at": 0}, 0)

    def _shake_hands(self, address: Address, token: str) -> None:
        """Keeps the token as the secret, unless the address is verified already."""
        with self.needs.ledger.write(durable=True) as connection:
            known = inbounds.locked(connection, address.id)
            if known is not None and handshake.is_awaited(known.state):
                inbounds.save(connection, secret.with_token(self.needs.vault, known, token))

    def _keep(self, address: Address, came: Came, now: int, *, lasting: bool) -> bool:
        event_id = event_ids.in_headers(came.request.headers)
        row = _row(address, came, event_ids.digest(event_id, came.request.body), now)
        with self.needs.ledger.write(durable=True) as connection:
            known = inbounds.locked(connection, address.id)
            if known is None:
                raise Problem("arrival_refused")
            if lasting and handshake.is_awaited(known.state):
                inbounds.verified(connection, known, now)
            twin = arrivals.has_twin(connection, address.id, row["digest"], now - _REMEMBERED)
            if twin and (event_id or event_ids.in_body(address.source, came.request.body)):
                return False
            arrivals.add(connection, row)
        return True


def _row(address: Address, came: Came, digest: str, now: int) -> dict[str, Any]:
    return {
        "id": new_id(),
        "connection_id": address.connection_id,
        "inbound_id": address.id,
        "digest": digest,
        "content_type": came.content_type[:_LONGEST_TYPE],
        "body": came.request.body,
        "received_at": now,
    }


def _knows(address: Address, request: Inbound, expected: str) -> bool:
    """Whether the sender knew the secret: by the source's own scheme, or where senders have none, in the address."""
    given = request.query.get("key", ())
    told = len(given) == 1 and same(given[0], expected)
    return registry()[address.source].verify(request, expected) or (told and address.source in _UNSIGNED)


def _may_write(address: Address, key: Key | None) -> bool:
    if key is None or key.revoked_at is not None or key.connection_id != address.connection_id:
        return False
    return max(SCOPES.index(scope) for scope in key.scopes) >= SCOPES.index("write")
