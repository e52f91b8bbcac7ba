"""One drain at a time: the lease, its growing token, and what a dead holder leaves behind."""

import pytest

from connector.ledger import Ledger, leases, work
from connector.ledger.leases import TERM, LeaseLost
from tests.building import NOW, add_rows, add_tenant, contact, grant, outcome, row


def test_the_token_grows_with_every_grant(shop: Ledger) -> None:
    tokens = []
    for _ in range(3):
        lease = grant(shop)
        tokens.append(lease.token)
        with shop.write() as connection:
            leases.release(connection, lease)
    assert tokens == [1, 2, 3]


def test_a_lease_that_somebody_has_is_not_granted(shop: Ledger) -> None:
    grant(shop)
    with shop.write() as connection:
        assert leases.take(connection, "W", "another", NOW + TERM - 1) is None


def test_each_connection_has_its_own_lease(shop: Ledger) -> None:
    add_tenant(shop, "V")
    assert grant(shop).connection_id != grant(shop, connection_id="V").connection_id


def test_a_lease_runs_out(shop: Ledger) -> None:
    first = grant(shop)
    assert grant(shop, NOW + TERM).token == first.token + 1


def test_renewing_keeps_a_lease(shop: Ledger) -> None:
    lease = grant(shop)
    with shop.write() as connection:
        leases.renew(connection, lease, NOW + TERM - 1)
        assert leases.take(connection, "W", "another", NOW + TERM) is None


def test_a_late_holder_is_refused(shop: Ledger) -> None:
    late = grant(shop)
    grant(shop, NOW + TERM)
    with shop.write() as connection, pytest.raises(LeaseLost):
        leases.renew(connection, late, NOW + TERM)


def test_a_late_holder_cannot_release_the_new_lease(shop: Ledger) -> None:
    late = grant(shop)
    grant(shop, NOW + TERM)
    with shop.write() as connection:
        leases.release(connection, late)
        assert leases.take(connection, "W", "another", NOW + TERM + 1) is None


def test_what_a_dead_holder_had_in_hand_is_free_and_unsure(shop: Ledger) -> None:
    in_hand, finished = add_rows(shop, [row(contact("ada@example.com")), row(contact("bob@example.com"))])
    lease = grant(shop)
    with shop.write() as connection:
        assert len(work.claim(connection, lease, 9, NOW, busy=(), bulk=True)) == 2
        done = {"status": "created", "finished_at": NOW, "claim": None}
        blank = dict.fromkeys(work._SAVED) | {"changed": [], "calls": 2, "trail": []}
        work.save(connection, lease, [{**blank, **done, "b_id": finished}])
    grant(shop, NOW + TERM)
    freed = outcome(shop, in_hand)
    assert (freed.status, freed.claim, freed.unsure) == ("waiting", None, NOW)
    assert outcome(shop, finished).unsure is None


def test_a_lease_in_good_order_leaves_nothing_unsure(shop: Ledger) -> None:
    [waiting] = add_rows(shop, [row(contact("ada@example.com"))])
    lease = grant(shop)
    with shop.write() as connection:
        leases.release(connection, lease)
    grant(shop)
    assert outcome(shop, waiting).unsure is None
