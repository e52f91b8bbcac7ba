"""A plugin's token serves several websites: its quota is one."""

from dataclasses import replace

import pytest

from connector.budget import Limits, take
from connector.ledger import Ledger, quotas
from connector.ledger import connections as tenants
from tests.building import NOW, tenant

LIMITS = Limits(5, reserve=0)


def connected(ledger: Ledger, *names: str, tier: str = "plugin", identifier: str = "I") -> None:
    with ledger.write() as connection:
        for name in names:
            wanted = replace(tenant(name), tier=tier, identifier=identifier, daily_quota=5)
            tenants.save(connection, wanted, NOW)


def bought(ledger: Ledger, name: str, count: int) -> int:
    """How many of so many calls this website gets."""
    with ledger.write() as connection:
        grant = take(quotas.locked(connection, name), LIMITS, count, NOW, live=True)
        quotas.save(connection, name, grant.budget)
    return len(grant.slots)


def test_promise_7_no_call_over_it_however_many_websites_it_serves(ledger: Ledger) -> None:
    connected(ledger, "V", "W")
    assert [bought(ledger, "V", 3), bought(ledger, "W", 3), bought(ledger, "V", 3)] == [3, 2, 0]


@pytest.mark.parametrize(("tier", "other"), [("website", "I"), ("plugin", "J")], ids=["website tokens", "two plugins"])
def test_other_tokens_have_quotas_of_their_own(ledger: Ledger, tier: str, other: str) -> None:
    connected(ledger, "V", tier=tier)
    connected(ledger, "W", tier=tier, identifier=other)
    assert [bought(ledger, "V", 5), bought(ledger, "W", 5)] == [5, 5]


def test_it_stays_as_long_as_one_website_has_it(ledger: Ledger) -> None:
    connected(ledger, "V", "W")
    bought(ledger, "V", 4)
    with ledger.write() as connection:
        tenants.remove(connection, "V")
    assert bought(ledger, "W", 4) == 1
    with ledger.write() as connection:
        tenants.remove(connection, "W")
    connected(ledger, "W")
    assert bought(ledger, "W", 4) == 4


def test_another_token_counts_anew(ledger: Ledger) -> None:
    connected(ledger, "W")
    assert bought(ledger, "W", 5) == 5
    connected(ledger, "W", identifier="J")
    assert bought(ledger, "W", 5) == 5
