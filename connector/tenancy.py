"""Crisp websites come, change and go: the same over HTTP and from the command line."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from connector.courier.single import held
from connector.courier.tally import Tally
from connector.crisp import plan
from connector.errors import Problem
from connector.ids import new_key
from connector.ledger import connections as tenants
from connector.ledger import importing
from connector.ledger.connections import SCOPES, CrispConnection
from connector.services import ENVIRONMENT, Services, Token, described

About = Mapping[str, Any]


def add(
    services: Services, token: Token, about: About, *, added_by: str | None = None, check: bool = True
) -> tuple[CrispConnection, str]:
    """Connects a website that is not connected yet; returns it with the secret of its first API key.

    `about`: any of label, daily_quota, rate; `added_by`: the connection whose key asks. `check`: Crisp is asked first
    (one call); unless it takes the credential nothing is stored. Raises `connection_exists`, `credential_refused`,
    `crisp_unreachable`.
    """
    with services.ledger.read() as connection:
        if tenants.get(connection, token.website_id) is not None:
            raise Problem("connection_exists")
    tally = Tally()
    if check:
        _try_out(services, token, tally)
    now = services.courier.clock()
    wanted = replace(described(services.vault, token, None), added_by=added_by, created_at=now, **about)
    with services.ledger.write(durable=True) as connection:
        if not tenants.add(connection, wanted, now):
            raise Problem("connection_exists")
        if check:
            services.courier.buy(connection, wanted, now)
            tally.save(connection, wanted.id)
        return wanted, first_key(services, connection, wanted.id)


def change(
    services: Services, connection_id: str, about: About, token: Token | None = None, *, check: bool = True
) -> CrispConnection:
    """Changes what is said of a connection and, with a token, its credential, which ends a halt of another one.

    What runs goes on with it at once. Raises `connection_missing`, `credential_refused`, `crisp_unreachable`, and
    `quota_used_up` or `crisp_rate_limited` when there is no call to check with now; the connection is then as it was.
    """
    if token is not None and check:
        _pay(services, connection_id)
        _try_out_known(services, connection_id, token)
    with services.ledger.write(durable=True) as connection:
        known = _known(tenants.locked(connection, connection_id))
        wanted = replace(known if token is None else described(services.vault, token, known), **about)
        tenants.save(connection, wanted, services.courier.clock())
    services.engine.wake(connection_id)
    return wanted


def take_hooks(services: Services, connection_id: str, said: Mapping[str, str | None]) -> None:
    """Crisp's hooks for this connection prove by these who they are: `hook_secret`, `hook_key`; None: by none."""
    if not said:
        return
    sealed = {f"{name}_sealed": None if value is None else services.vault.seal(value) for name, value in said.items()}
    with services.ledger.write(durable=True) as connection:
        tenants.save_hooks(connection, connection_id, sealed)


def remove(services: Services, connection_id: str, *, wait: bool) -> None:
    """Removes a connection with its keys, records, uploaded files and everything that is known of its people. Without
    `wait` a large database's files are cleaned later. Raises `connection_missing`."""
    with services.ledger.write(durable=True) as connection:
        files = {row.file for row in importing.files_of(connection, connection_id)}
        if not tenants.remove(connection, connection_id):
            raise Problem("connection_missing")
    for digest in files:
        services.store.drop(connection_id, digest)
    if not services.ledger.forget(wait=wait):
        services.engine.sweep_soon()


def first_key(services: Services, connection: Connection, connection_id: str) -> str:
    """An admin key for a connection that has none: the environment's if nobody has that, else a new one."""
    given, now = services.settings.api_key, services.courier.clock()
    mine = bool(given) and tenants.find_key(connection, given) is None
    secret, label = (given, ENVIRONMENT) if mine else (new_key(), "first key")
    tenants.add_key(connection, connection_id, secret, label=label, scopes=SCOPES, now=now)
    return secret


def _try_out(services: Services, token: Token, tally: Tally) -> None:
    services.courier.try_out(described(services.vault, token, None), plan.check(), tally)


def _try_out_known(services: Services, connection_id: str, token: Token) -> None:
    """Whatever comes of it, the call was made."""
    tally = Tally()
    try:
        _try_out(services, token, tally)
    finally:
        with services.ledger.write() as connection:
            tally.save(connection, connection_id)


def _pay(services: Services, connection_id: str) -> None:
    """Buys one call, or says why there is none and when there is one again."""
    now = services.courier.clock()
    with services.ledger.write() as connection:
        tenant = _known(tenants.get(connection, connection_id))
        _, grant = services.courier.buy(connection, tenant, now)
    if not grant.slots:
        raise held(grant.budget, now)


def _known(tenant: CrispConnection | None) -> CrispConnection:
    if tenant is None:
        raise Problem("connection_missing")
    return tenant
