"""The first start: as long as nobody has a key, a one-time code from the log of the service opens it.

Only who runs the service reads its log; whoever else finds its address first cannot take it.
"""

import secrets
from collections.abc import Mapping
from typing import Any

from connector import tenancy
from connector.errors import Problem
from connector.ledger import connections as tenants
from connector.ledger import tickets
from connector.ledger.connections import CrispConnection
from connector.services import Services, Token

# Without letters and digits that look alike; 12 of 31 are 59 bits, and wrong ones are slowed down.
_LETTERS, _GROUPS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789", 3
_YEARS = 10 * 366 * 86_400_000
_LINK_GOOD_FOR = 86_400_000


def is_open(services: Services) -> bool:
    """Whether nobody has a key that may do everything."""
    with services.ledger.read() as connection:
        return not tenants.has_admin_key(connection)


def new_code(services: Services) -> str | None:
    """A code in the place of the one before, good until somebody has a key; None when somebody has."""
    code = "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(_GROUPS))
    with services.ledger.write(durable=True) as connection:
        tickets.end(connection, tickets.SETUP)
        if tenants.has_admin_key(connection):
            return None
        tickets.add(connection, tickets.SETUP, code, services.ledger.clock() + _YEARS)
    return code


def check(services: Services, code: str) -> None:
    """Raises `setup_done`, or `setup_code_wrong`."""
    with services.ledger.read() as connection:
        if tenants.has_admin_key(connection):
            raise Problem("setup_done")
        if not tickets.is_good(connection, tickets.SETUP, _tidy(code), services.ledger.clock()):
            raise Problem("setup_code_wrong")


def set_up(
    services: Services, code: str, token: Token | None, about: Mapping[str, Any], *, checked: bool = True
) -> tuple[CrispConnection, str]:
    """The connection and the secret of its first key, for who has the code. The website that is connected already, or
    else that of the token, which Crisp is asked about when it is to be `checked`.

    Raises `setup_done`, `setup_code_wrong`, `setup_token_missing`, and what `tenancy.add` raises; then the code stays
    good.
    """
    check(services, code)
    with services.ledger.read() as connection:
        known = tenants.every(connection)
    if known:
        made = known[0], _first_key(services, known[0].id)
    elif token is None:
        raise Problem("setup_token_missing")
    else:
        made = tenancy.add(services, token, about, check=checked)
    with services.ledger.write(durable=True) as connection:
        tickets.end(connection, tickets.SETUP)
    return made


def new_link(services: Services, connection_id: str) -> str:
    """The secret of a link that signs in once, within a day, as the connection's newest key that may do everything.
    Raises `key_unknown` when there is none."""
    now = services.ledger.clock()
    with services.ledger.write(durable=True) as connection:
        living = [key for key in tenants.list_keys(connection, connection_id) if key.revoked_at is None]
        able = [key for key in living if "admin" in key.scopes]
        if not able:
            raise Problem("key_unknown")
        secret = secrets.token_urlsafe(24)
        tickets.add(connection, tickets.LINK, secret, now + _LINK_GOOD_FOR, key_id=able[-1].id)
    return secret


def _first_key(services: Services, connection_id: str) -> str:
    with services.ledger.write(durable=True) as connection:
        return tenancy.first_key(services, connection, connection_id)


def _tidy(code: str) -> str:
    """As it was printed, however it was typed."""
    plain = "".join(code.upper().split()).replace("-", "")
    return "-".join(plain[at : at + 4] for at in range(0, len(plain), 4))
