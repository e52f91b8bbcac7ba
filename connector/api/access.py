"""Who asks: the API key, its connection, and what it may do."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flask import current_app, g, request
from structlog.contextvars import bind_contextvars

from connector.errors import Problem
from connector.ledger import connections as tenants
from connector.ledger.connections import SCOPES, CrispConnection, Key
from connector.services import Services

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

        documented: Any = guarded
        documented._apidoc = {**getattr(view, "_apidoc", {})}
        return guarded

    return decorator


def _authenticate() -> Caller:
    secret = given_key()
    with services().ledger.read() as connection:
        key = tenants.find_key(connection, secret) if secret else None
        if key is not None and key.revoked_at is None:
            tenant = tenants.get(connection, key.connection_id)
            if tenant is not None:
                bind_contextvars(connection=tenant.id)
                return Caller(key, tenant)
        if not tenants.every(connection):
            raise Problem("no_connection")
    raise Problem("key_invalid" if secret else "key_missing")


def given_key() -> str | None:
    """The key that came with the request, right or wrong."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return request.headers.get("X-API-Key", "").strip() or None
