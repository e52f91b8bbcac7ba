"""One drain at a time: the lease, its growing token, and what a dead holder leaves behind."""

import subprocess
import sys

import pytest

from connector import alive
from connector.alive import is_dead, own_name
from connector.ledger import Ledger, leases, work
from connector.ledger import connections as tenants
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
        blank = dict.fromkeys(work._SAVED) | {"alone": False, "changed": [], "calls": 2, "trail": [], "attempts": 1}
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


def test_a_process_that_died_here_is_not_waited_for_until_its_lease_runs_out(shop: Ledger) -> None:
    """Only as long as its last calls may still be on their way."""
    script = "from connector.alive import own_name; print(own_name())"
    dead = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    grant(shop, holder=dead)
    with shop.write() as connection:
        assert leases.take(connection, "W", "another", NOW + 1_000) is None
        assert leases.take(connection, "W", "another", NOW + 3_000)


def test_a_process_that_lives_is_waited_for(shop: Ledger) -> None:
    grant(shop, holder=own_name())
    with shop.write() as connection:
        assert leases.take(connection, "W", "another", NOW + TERM - 1) is None
        assert leases.take(connection, "W", "another", NOW + TERM)


@pytest.mark.skipif(sys.platform != "linux", reason="LEFT OUT: names of processes are Linux's")
def test_a_process_whose_state_is_hidden_is_not_taken_for_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `/proc` hides others' with `hidepid`, or in user namespaces of their own (systemd's PrivateUsers)."""
    lives = own_name()
    place, _, started, rest = lives.split(".", 3)
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    monkeypatch.setattr(alive, "_started", lambda _: "")
    assert not is_dead(lives)
    assert is_dead(f"{place}.{gone.stdout.strip()}.{started}.{rest}")


def test_who_lost_its_drain_has_the_lease_again_at_once(shop: Ledger) -> None:
    first = grant(shop, holder="one")
    second = grant(shop, holder="one")
    assert second.token > first.token
    with shop.write() as connection, pytest.raises(LeaseLost):
        leases.renew(connection, first, NOW)


@pytest.mark.parametrize("name", ["", "x", "1.2.3.4", "....", "a.-1.3.4", "somewhere.1.0.id"])
def test_a_stranger_is_not_known_to_be_dead(name: str) -> None:
    assert not is_dead(name)


def test_a_holder_of_before_a_connection_was_removed_is_refused(shop: Ledger) -> None:
    """Its tokens begin anew: the same number is another grant."""
    late = grant(shop)
    with shop.write() as connection:
        tenants.remove(connection, "W")
    add_tenant(shop)
    with shop.write() as connection:
        fresh = leases.take(connection, "W", "another", NOW + 1)
    assert fresh is not None
    assert fresh.token == late.token
    with shop.write() as connection:
        leases.release(connection, late)
        leases.renew(connection, fresh, NOW + 2)
        with pytest.raises(LeaseLost):
            leases.renew(connection, late, NOW + 2)
