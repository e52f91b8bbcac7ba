"""Deliveries in the ledger: who gets one, who may take it in hand, and what becomes of it and of who is told."""

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, event

from connector.alive import own_name
from connector.hooks.plan import PATIENCE, Next
from connector.ledger import Ledger, attempts, claims, deliveries, subscriptions
from connector.ledger.attempts import Done
from connector.ledger.tables import deliveries as rows
from tests.building import NOW, add_tenant
from tests.ledger.telling import (
    AGAIN,
    DELIVERED,
    PAYLOAD,
    add_sink,
    all_of,
    change,
    claim,
    found,
    said,
    subscribe,
    tell,
)


def save(ledger: Ledger, *done: Done, holder: str = "a", now: int = NOW) -> list[tuple[str, str]]:
    with ledger.write() as connection:
        return attempts.save(connection, holder, done, now)


def one(ledger: Ledger, **more: Any) -> Done:
    """The one delivery there is, claimed and delivered."""
    [(target, claimed)] = claim(ledger, **more)
    return Done(claimed, target, said(), DELIVERED)


# Telling


def test_who_wants_an_event_gets_its_payload_frozen(shop: Ledger) -> None:
    subscription, sink = subscribe(shop), add_sink(shop, "contact_created")
    assert tell(shop, event_id="e1") == 2
    told = all_of(shop)
    assert {row.subscription_id or row.sink_id for row in told} == {subscription, sink}
    for row in told:
        assert (row.event_id, row.status, row.due_at, row.attempts) == ("e1", "waiting", NOW, 0)
        assert row.body == json.dumps(PAYLOAD, separators=(",", ":"))


@pytest.mark.parametrize(
    "of_another",
    [
        pytest.param({"event": "contact_updated"}, id="another event"),
        pytest.param({"filter": {"segment": ["gold"]}}, id="its filter does not fit"),
        pytest.param({"disabled_at": NOW}, id="it is disabled"),
        pytest.param({"connection_id": "other"}, id="another connection"),
    ],
)
def test_who_does_not_want_it_gets_nothing(shop: Ledger, of_another: dict[str, Any]) -> None:
    add_tenant(shop, "other")
    subscribe(shop, **of_another)
    add_sink(shop, "contact_updated")
    add_sink(shop, "contact_created", disabled_at=NOW)
    assert tell(shop) == 0
    assert all_of(shop) == []


def test_the_echo_of_our_own_write_is_told_only_to_who_includes_it(shop: Ledger) -> None:
    subscribe(shop)
    loud, sink = subscribe(shop, include_own=True), add_sink(shop, "contact_created", options={"include_own": True})
    add_sink(shop, "contact_created")
    assert tell(shop, own=True) == 2
    assert {row.subscription_id or row.sink_id for row in all_of(shop)} == {loud, sink}


def test_the_sequence_grows_whatever_the_clock_does_and_whatever_was_removed(shop: Ledger) -> None:
    subscribe(shop)
    for now in (NOW, NOW, NOW + 1, NOW - 5_000, NOW + 10):
        tell(shop, now=now)
    assert [row.sequence for row in all_of(shop)] == [NOW, NOW + 1, NOW + 2, NOW + 3, NOW + 10]
    with shop.write() as connection:
        connection.execute(delete(rows))
    tell(shop, now=NOW + 11)
    assert [row.sequence for row in all_of(shop)] == [NOW + 11]


def test_each_subscription_has_its_own_sequence(shop: Ledger) -> None:
    first, second = subscribe(shop), subscribe(shop)
    tell(shop)
    tell(shop)
    assert [row.sequence for row in all_of(shop, subscription_id=first)] == [NOW, NOW + 1]
    assert [row.sequence for row in all_of(shop, subscription_id=second)] == [NOW, NOW + 1]


def test_what_is_rolled_back_is_told_to_nobody(shop: Ledger) -> None:
    subscribe(shop)

    def broken() -> None:
        with shop.write() as connection:
            told: dict[str, Any] = {
                "event_id": "e",
                "event": "contact_created",
                "own": False,
                "who": "",
                "payload": PAYLOAD,
                "now": NOW,
            }
            deliveries.tell(connection, "W", **told)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert all_of(shop) == []


# Claims


def test_what_is_claimed_is_in_one_hand(shop: Ledger) -> None:
    subscription = subscribe(shop)
    tell(shop)
    [(target, claimed)] = claim(shop)
    assert (target.id, target.url, claimed.attempts) == (subscription, "https://hooks.example.com/x", 0)
    assert claim(shop, "b") == []
    assert claim(shop) == []


def test_what_is_not_due_is_left(shop: Ledger) -> None:
    subscribe(shop)
    tell(shop, now=NOW + 5_000)
    assert claim(shop) == []
    assert len(claim(shop, now=NOW + 5_000)) == 1


def test_at_most_four_of_a_subscription_are_in_hand_over_all_processes(shop: Ledger) -> None:
    subscribe(shop)
    for _ in range(10):
        tell(shop)
    assert [len(claim(shop, holder)) for holder in "aab"] == [4, 0, 0]
    [first, *_] = all_of(shop, claim="a")
    change(shop, first.id, status="delivered", claim=None)
    assert [len(claim(shop, holder)) for holder in "ba"] == [1, 0]


def test_who_has_much_waiting_delays_nobody(shop: Ledger) -> None:
    busy = subscribe(shop)
    for _ in range(40):
        tell(shop)
    others = [subscribe(shop) for _ in range(5)]
    tell(shop, now=NOW + 1)
    counts = dict.fromkeys((busy, *others), 0)
    for target, _ in claim(shop, now=NOW + 1, limit=9):
        counts[target.id] += 1
    assert counts == {busy: 4, **dict.fromkeys(others, 1)}


def test_those_that_are_full_hide_nobody_behind_them(shop: Ledger) -> None:
    full = [subscribe(shop) for _ in range(3)]
    for _ in range(8):
        tell(shop)
    assert len(claim(shop, limit=12)) == 12
    late = subscribe(shop)
    tell(shop, now=NOW + 1)
    [(target, _)] = claim(shop, now=NOW + 1, limit=2)
    assert target.id == late
    assert late not in full


def test_of_one_that_fails_a_single_delivery_is_tried_and_after_all_others(shop: Ledger) -> None:
    failing, fine = subscribe(shop, failing_since=NOW - 1), subscribe(shop)
    for _ in range(3):
        tell(shop)
    assert [target.id for target, _ in claim(shop, limit=3)] == [fine, fine, fine]
    assert [target.id for target, _ in claim(shop, limit=3)] == [failing]
    assert claim(shop, limit=3) == []


def test_those_that_fail_never_have_all_places(shop: Ledger) -> None:
    for _ in range(5):
        subscribe(shop, failing_since=NOW - 1)
    tell(shop)
    assert len(claim(shop, limit=2, doubtful=2)) == 2
    assert claim(shop, doubtful=2) == []
    assert len(claim(shop, doubtful=5)) == 3


def test_two_deliveries_about_one_person_are_not_on_their_way_at_once(shop: Ledger) -> None:
    subscribe(shop)
    for who in ("ada", "ada", "eve", "ada"):
        tell(shop, who=who)
    first, second, third, fourth = (row.id for row in all_of(shop))
    assert [claimed.id for _, claimed in claim(shop)] == [first, third]
    assert claim(shop) == []
    change(shop, first, status="delivered", claim=None)
    assert [claimed.id for _, claimed in claim(shop)] == [second]
    assert fourth not in (first, second, third)


def test_events_about_nobody_do_not_wait_for_each_other(shop: Ledger) -> None:
    subscribe(shop)
    tell(shop, who="")
    tell(shop, who="")
    assert len(claim(shop)) == 2


@pytest.mark.parametrize("closed", [{"disabled_at": NOW - 1}, {"resume_at": NOW + 1}], ids=["disabled", "asked"])
def test_nobody_is_told_who_is_disabled_or_asked_to_be_left_alone(shop: Ledger, closed: dict[str, int]) -> None:
    subscription = subscribe(shop)
    tell(shop)
    with shop.write() as connection:
        subscriptions.change(connection, "W", subscription, **closed)
    assert claim(shop) == []
    assert len(claim(shop, now=NOW + 1)) == ("resume_at" in closed)


def test_a_claim_ends_by_itself(shop: Ledger) -> None:
    subscribe(shop)
    tell(shop)
    [(_, first)] = claim(shop)
    assert claim(shop, "b", now=NOW + 59_999) == []
    [(_, second)] = claim(shop, "b", now=NOW + 60_000)
    assert first.id == second.id


def test_claims_of_a_dead_process_are_free_at_once(shop: Ledger) -> None:
    place, number, _, rest = own_name().split(".", 3)
    dead = f"{place}.{number}.1.{rest}"[:64]  # a process of the same number that was started before this one
    subscribe(shop)
    tell(shop)
    assert len(claim(shop, dead)) == 1
    with shop.read() as connection:
        assert claims.any_due(connection, "b", NOW)
    assert len(claim(shop, "b")) == 1


def test_what_is_given_back_is_free(shop: Ledger) -> None:
    subscribe(shop)
    tell(shop)
    claim(shop)
    with shop.write() as connection:
        assert claims.release(connection, "b") == 0
        assert claims.release(connection, "a") == 1
    assert len(claim(shop, "b")) == 1


def test_an_idle_look_sees_what_is_due(shop: Ledger) -> None:
    def due(now: int = NOW) -> bool:
        with shop.read() as connection:
            return claims.any_due(connection, "a", now)

    subscribe(shop)
    assert not due()
    tell(shop, now=NOW + 10)
    assert [due(), due(NOW + 10)] == [False, True]
    claim(shop, now=NOW + 10)
    assert [due(NOW + 10), due(NOW + 60_010)] == [False, True]


# Sinks


def sinks_claimed(ledger: Ledger, now: int = NOW, limit: int = 100) -> list[tuple[str, list[str]]]:
    with ledger.write() as connection:
        found = claims.claim_sinks(connection, "a", now, now + 60_000, limit)
        return [(place.id, [each.id for each in batch]) for place, batch in found]


def test_a_sink_gets_its_deliveries_together_and_in_order_from_one_writer(shop: Ledger) -> None:
    sink = add_sink(shop, "contact_created")
    for _ in range(5):
        tell(shop, who="ada")
    order = [row.id for row in all_of(shop)]
    assert sinks_claimed(shop, limit=3) == [(sink, order[:3])]
    assert sinks_claimed(shop) == []
    for done in order[:3]:
        change(shop, done, status="delivered", claim=None)
    assert sinks_claimed(shop) == [(sink, order[3:])]


def test_nothing_overtakes_what_a_sink_could_not_take(shop: Ledger) -> None:
    add_sink(shop, "contact_created")
    tell(shop)
    tell(shop)
    first, second = (row.id for row in all_of(shop))
    change(shop, first, due_at=NOW + 30_000)
    assert sinks_claimed(shop) == []
    assert [ids for _, ids in sinks_claimed(shop, NOW + 30_000)] == [[first, second]]


# Saving


def test_an_attempt_is_saved_with_what_follows(shop: Ledger) -> None:
    subscribe(shop)
    tell(shop)
    done = one(shop)
    save(shop, replace(done, attempt=said(500), next=AGAIN))
    [row] = all_of(shop)
    assert (row.status, row.attempts, row.due_at, row.claim) == ("waiting", 1, NOW + 5_000, None)
    assert row.trail == [{"at": NOW, "status": 500, "ms": 7}]
    again = one(shop, now=NOW + 5_000)
    save(shop, again)
    [row] = all_of(shop)
    assert (row.status, row.attempts, row.due_at, row.finished_at) == ("delivered", 2, None, NOW)
    assert [each["status"] for each in row.trail] == [500, 200]


def test_a_late_holder_is_refused(shop: Ledger) -> None:
    subscribe(shop)
    tell(shop)
    late = one(shop)
    claim(shop, "b", now=NOW + 60_000)
    save(shop, late)
    [row] = all_of(shop)
    assert (row.status, row.attempts, row.claim) == ("waiting", 0, "b")


def test_a_late_attempt_of_the_same_holder_is_refused_once_the_next_was_saved(shop: Ledger) -> None:
    subscribe(shop)
    tell(shop)
    late = one(shop)
    again = one(shop, now=NOW + 60_000)
    save(shop, replace(again, attempt=said(500), next=replace(AGAIN, due_at=NOW + 60_000)))
    one(shop, now=NOW + 60_000)
    save(shop, late)
    [row] = all_of(shop)
    assert (row.status, row.attempts) == ("waiting", 1)


def test_failures_are_remembered_until_a_success(shop: Ledger) -> None:
    subscription = subscribe(shop)
    tell(shop)
    save(shop, replace(one(shop), attempt=said(503), next=replace(AGAIN, resume_at=NOW + 9_000)))
    failing = found(shop, subscription)
    assert failing is not None
    assert (failing.failing_since, failing.resume_at) == (NOW, NOW + 9_000)
    save(shop, replace(one(shop, now=NOW + 9_000), attempt=said(at=NOW + 9_000)))
    fine = found(shop, subscription)
    assert fine is not None
    assert (fine.failing_since, fine.resume_at) == (None, None)


def test_who_is_gone_is_removed_with_all_that_waits(shop: Ledger) -> None:
    subscription, other = subscribe(shop), subscribe(shop)
    tell(shop)
    tell(shop)
    gone = next(
        Done(claimed, target, said(410), Next("dead", gone=True))
        for target, claimed in claim(shop)
        if target.id == subscription
    )
    assert save(shop, gone) == [(subscription, "gone")]
    assert found(shop, subscription) is None
    assert {row.subscription_id for row in all_of(shop)} == {other}


def test_five_days_of_failures_disable_and_what_waits_can_be_replayed(shop: Ledger) -> None:
    subscription = subscribe(shop, failing_since=NOW - PATIENCE)
    for _ in range(3):
        tell(shop)
    last = one(shop)
    ended = save(shop, replace(last, claim=last.claim, attempt=said(None), next=Next("dead")))
    assert ended == [(subscription, "disabled")]
    disabled = found(shop, subscription)
    assert disabled is not None
    assert (disabled.disabled_at, disabled.disabled_reason) == (NOW, "the connection broke off")
    assert {row.status for row in all_of(shop)} == {"dead"}
    assert [len(row.trail) for row in all_of(shop)] == [1, 0, 0]
    assert tell(shop) == 0
    with shop.write() as connection:
        assert [each.id for each in subscriptions.disabled(connection, "W")] == [subscription]
        assert deliveries.replay(connection, "W", [], NOW) == 0
        subscriptions.change(connection, "W", subscription, disabled_at=None, failing_since=None)
        assert deliveries.replay(connection, "W", [], NOW) == 3
    assert len(claim(shop)) == 3


def test_many_attempts_of_one_subscription_are_judged_by_the_last(shop: Ledger) -> None:
    subscription = subscribe(shop)
    for _ in range(3):
        tell(shop)
    first, second, third = (Done(claimed, target, said(), DELIVERED) for target, claimed in claim(shop))
    failed = replace(second, attempt=said(500, NOW + 2), next=AGAIN)
    save(shop, replace(third, attempt=said(at=NOW + 3)), failed, replace(first, attempt=said(500), next=AGAIN))
    known = found(shop, subscription)
    assert known is not None
    assert known.failing_since is None
    assert sorted(row.status for row in all_of(shop)) == ["delivered", "waiting", "waiting"]


def test_the_trail_does_not_grow_for_ever(shop: Ledger) -> None:
    subscribe(shop)
    tell(shop)
    for number in range(35):
        [row] = all_of(shop)
        change(shop, row.id, due_at=NOW)
        save(shop, replace(one(shop), attempt=said(500, NOW + number), next=AGAIN))
    [row] = all_of(shop)
    assert (row.attempts, len(row.trail), row.trail[-1]["at"]) == (35, 30, NOW + 34)


# Replaying, forgetting


def test_a_replay_tells_what_has_ended_once_more(shop: Ledger) -> None:
    first, second = subscribe(shop), subscribe(shop)
    tell(shop)
    tell(shop, now=NOW + 1)
    for row in all_of(shop):
        change(shop, row.id, status="dead", attempts=10, due_at=None, finished_at=NOW)
    chosen = deliveries.chosen(subscription_id=first, since=NOW + 1, until=NOW + 2)
    with shop.write() as connection:
        assert deliveries.replay(connection, "W", chosen, NOW + 9) == 1
        assert deliveries.replay(connection, "W", chosen, NOW + 9) == 0
        assert deliveries.replay(connection, "other", [], NOW + 9) == 0
    [row] = all_of(shop, status="waiting")
    assert (row.subscription_id, row.attempts, row.due_at, row.finished_at) == (first, 0, NOW + 9, None)
    assert len(all_of(shop, subscription_id=second, status="dead")) == 2


def test_what_is_forgotten_is_told_to_nobody_again(shop: Ledger) -> None:
    subscribe(shop)
    tell(shop, event_id="e1")
    tell(shop, event_id="e2")
    late = next(Done(c, t, said(), DELIVERED) for t, c in claim(shop) if c.event_id == "e1")
    with shop.write() as connection:
        assert deliveries.forget(connection, "W", ["e1"], NOW) == 1
    save(shop, late)
    [row] = all_of(shop, event_id="e1")
    assert (row.body, row.status, row.trail, row.person) == (None, "dead", [], 0)
    with shop.write() as connection:
        assert deliveries.replay(connection, "W", deliveries.chosen(ids=[row.id]), NOW) == 0
    assert len(all_of(shop, event_id="e2", status="waiting")) == 1


def test_what_ended_long_ago_is_removed_and_what_waits_is_kept(shop: Ledger) -> None:
    subscribe(shop)
    for _ in range(4):
        tell(shop)
    done, *_ = all_of(shop)
    for row in all_of(shop)[:3]:
        change(shop, row.id, id=f"{NOW:012x}{row.id[12:]}", status="delivered")
    with shop.write() as connection:
        assert deliveries.purge(connection, NOW, limit=10) == 0
        assert deliveries.purge(connection, NOW + 1, limit=2) == 2
        assert deliveries.purge(connection, NOW + 1, limit=2) == 1
    assert [row.status for row in all_of(shop)] == ["waiting"]
    assert done.status == "waiting"


# Indexes


@pytest.mark.parametrize("ledger", [("sqlite", "copied_sqlite")], indirect=True, ids=["sqlite"])
def test_no_look_reads_all_deliveries(shop: Ledger) -> None:
    subscribe(shop)
    add_sink(shop, "contact_created")
    for number in range(50):
        tell(shop, now=NOW + number)
    seen = list[tuple[str, Any]]()

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if "deliveries" in statement and not many:
            seen.append((statement, parameters))

    with shop.write() as connection:
        event.listen(connection, "before_cursor_execute", note)
        claims.any_due(connection, "a", NOW)
        claims.claim(connection, "a", NOW, NOW + 1, 10, 4)
        claims.claim_sinks(connection, "a", NOW, NOW + 1, 10)
        told: dict[str, Any] = {
            "event_id": "e",
            "event": "contact_created",
            "own": False,
            "who": "",
            "payload": PAYLOAD,
            "now": NOW,
        }
        deliveries.tell(connection, "W", **told)
        plans = [
            line[3]
            for statement, parameters in list(seen)
            for line in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", tuple(parameters))
            if "deliveries" in line[3]
        ]
    assert len(plans) > 8
    assert not [line for line in plans if line.startswith("SCAN deliveries") and "ix_deliveries_" not in line], plans
