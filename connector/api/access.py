"""Who asks: the API key, its connection, and what it may do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import current_app, g, request
from sqlalchemy import Connection
from structlog.contextvars import bind_contextvars

from connector.api.described import told
from connector.api.failures import KEY
from connector.brake import Brake
from connector.errors import Problem
from connector.ledger import connections as tenants
from connector.ledger.connections import SCOPES, CrispConnection, Key
from connector.services import Services

# Under this name of a request's environment stands who makes it, where the pages ask for somebody who is signed in:
# nothing that comes over HTTP gets there.
CALLER = "connector.caller"
# How exactly it is known when a key was last used (milliseconds): once in this time it is written down.
_EXACT = 60_000

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Caller:
    """The key that came with the request and the connection that it is for."""

    key: Key
    connection: CrispConnection


def services() -> Services:
    """What this process shares."""
    found: Services = current_app.extensions["connector"]
    return found


def caller() -> Caller:
    """Who makes this request; only in views that `needs` guards."""
    found: Caller = g.caller
    return found


def connection_id() -> str:
    """The connection that this request is about."""
    return caller().connection.id


def needs(scope: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Guards a view: an API key with this scope, or one above it (admin may all, write may read)."""

    def decorator(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            g.caller = _authenticate()
            highest = max(SCOPES.index(each) for each in g.caller.key.scopes)
            if highest < SCOPES.index(scope):
                raise Problem("scope_missing", scope=scope)
            return view(*args, **kwargs)

        # Every key may read.
        return told(guarded, fail=(*KEY, *(() if scope == SCOPES[0] else (f"scope_missing/{scope}",))))

    return decorator


def _authenticate() -> Caller:
    found = request.environ.get(CALLER) or _of_key(given_key())
    bind_contextvars(connection=found.connection.id)
    return found


def _of_key(secret: str | None) -> Caller:
    with services().ledger.read() as connection:
        found = of_key(connection, tenants.find_key(connection, secret)) if secret else None
        if found is None and not tenants.every(connection):
            raise Problem("no_connection")
    if found is None:
        raise Problem("key_invalid" if secret else "key_missing")
    used(found.key)
    return found


def of_key(connection: Connection, key: Key | None) -> Caller | None:
    """Who asks with this key, as long as it is good."""
    if key is None or key.revoked_at is not None:
        return None
    tenant = tenants.get(connection, key.connection_id)
    return None if tenant is None else Caller(key, tenant)


def used(key: Key) -> None:
    """Writes down that a key is used, unless that was done a moment ago."""
    now = services().courier.clock()
    if key.used_at is None or now - key.used_at > _EXACT:
        with services().ledger.write() as connection:
            tenants.used_key(connection, key.id, now)


@contextmanager
def braked() -> Iterator[None]:
    """Around what somebody may guess at: whoever is refused too often waits. Raises `key_slowed`."""
    brake: Brake = current_app.extensions["brake"]
    sender = request.remote_addr or ""
    brake.check(sender)
    try:
        yield
    except Problem as problem:
        if problem.status == 401:
            brake.count(sender)
        raise


def given_key() -> str | None:
    """The key that came with the request, right or wrong."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return request.headers.get("X-API-Key", "").strip() or None
