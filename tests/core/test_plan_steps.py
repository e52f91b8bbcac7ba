"""Plans, step by step: custom data removed, an answer that was lost, what a step makes known, the small plans."""

from typing import Any

import pytest

from connector.contact import Contact
from connector.crisp.calls import Call, How, Reply, Seen
from connector.crisp.plan import check, erase, read, suggestions, upsert

from .planning import (
    ADDED,
    BY_ID,
    DATA_BY_ID,
    DONE,
    EMAIL,
    EXISTS,
    FIELDS,
    FULL,
    NOBODY,
    PLAIN,
    PROFILE,
    TAKEN,
    THEIRS,
    UNCHANGED,
    UPDATED,
    Sent,
    drive,
    known,
    run,
    sent,
)

REMOVAL = Contact({"email": EMAIL}, data={"plan": None, "seats": 3})
HELD = Reply(200, "resolved", {"data": {"plan": "pro", "beta": True}})
REFUSED = Reply(400, "invalid_data", {})
PUT = ("PUT", DATA_BY_ID, {"data": {"beta": True, "seats": 3}})


@pytest.mark.parametrize(
    ("behaves", "replies", "calls"),
    [
        pytest.param(How(), [DONE], [("PATCH", DATA_BY_ID, {"data": {"plan": None, "seats": 3}})], id="null"),
        pytest.param(
            How(removal="empty"), [DONE], [("PATCH", DATA_BY_ID, {"data": {"plan": "", "seats": 3}})], id="empty"
        ),
        pytest.param(How(removal="put"), [HELD, DONE], [("GET", DATA_BY_ID, None), PUT], id="put"),
        pytest.param(
            How(),
            [REFUSED, HELD, DONE],
            [("PATCH", DATA_BY_ID, {"data": {"plan": None, "seats": 3}}), ("GET", DATA_BY_ID, None), PUT],
            id="null-refused",
        ),
    ],
)
def test_custom_data_is_removed_as_crisp_takes_it(behaves: How, replies: list[Reply], calls: list[Sent]) -> None:
    assert run(REMOVAL, *replies, seen=known(FULL), how=behaves) == (calls, UPDATED)


@pytest.mark.parametrize("removal", ["null", "empty", "put"])
def test_only_a_removal_costs_more_than_one_call(removal: Any) -> None:
    calls, _ = run(Contact({"email": EMAIL}, data={"seats": 3}), DONE, seen=known(FULL), how=How(removal=removal))
    assert calls == [("PATCH", DATA_BY_ID, {"data": {"seats": 3}})]


def test_there_is_nothing_to_remove_from_a_new_person() -> None:
    assert run(Contact(PLAIN.fields, data={"plan": None}), ADDED)[0] == run(PLAIN, ADDED)[0]


@pytest.mark.parametrize("steps", [[NOBODY], [HELD, NOBODY]])
def test_a_person_may_vanish_while_data_is_replaced(steps: list[Reply]) -> None:
    calls, outcome = run(REMOVAL, *steps, ADDED, DONE, seen=known(FULL), how=How(removal="put"))
    assert [call[:2] for call in calls[len(steps) :]] == [("POST", PROFILE), ("PATCH", DATA_BY_ID)]
    assert outcome == UPDATED


LOST_AT = 1_714_641_273_000
UNSURE = Seen(unsure_since=LOST_AT)


def card(made_at: int) -> Reply:
    """The profile that is found, made at this time."""
    person = {"nickname": "Ada Lovelace", "phone": "+33639985612"}
    return Reply(200, "resolved", {"people_id": "p-1", "email": EMAIL, "person": person, "created_at": made_at})


def test_a_create_whose_answer_was_lost_is_looked_for_first() -> None:
    calls, outcome = run(PLAIN, NOBODY, ADDED, seen=UNSURE)
    assert [call[:2] for call in calls] == [("GET", THEIRS), ("POST", PROFILE)]
    assert outcome == UPDATED


@pytest.mark.parametrize("made_at", [LOST_AT, LOST_AT + 500, LOST_AT - 59_000])
def test_a_create_that_was_done_is_not_done_again(made_at: int) -> None:
    assert run(PLAIN, card(made_at), seen=UNSURE) == ([("GET", THEIRS, None)], UPDATED)
    assert run(PLAIN, card(made_at), seen=UNSURE, mode="create") == ([("GET", THEIRS, None)], UPDATED)


def test_a_create_that_was_done_is_finished() -> None:
    calls, outcome = run(Contact(PLAIN.fields, data={"plan": "pro"}), card(LOST_AT), DONE, seen=UNSURE)
    assert calls == [("GET", THEIRS, None), ("PATCH", DATA_BY_ID, {"data": {"plan": "pro"}})]
    assert outcome == UPDATED


def test_somebody_who_was_there_before_was_not_created_by_us() -> None:
    before = card(LOST_AT - 86_400_000)
    assert run(PLAIN, before, seen=UNSURE) == ([("GET", THEIRS, None)], UNCHANGED)
    assert run(PLAIN, before, TAKEN, seen=UNSURE, mode="create")[1] == EXISTS


@pytest.mark.parametrize("mode", ["create", "upsert"])
def test_a_retry_after_our_own_create_goes_on(mode: str) -> None:
    told = Contact(PLAIN.fields, data={"plan": "pro"})
    calls, outcome = run(told, DONE, DONE, seen=known(PLAIN, phone=None), mode=mode, created=True)
    assert [call[:2] for call in calls] == [("PATCH", BY_ID), ("PATCH", DATA_BY_ID)]
    assert outcome == UPDATED


def test_each_answer_makes_known_what_was_sent() -> None:
    calls, _ = drive(upsert(FULL, EMAIL, Seen(), mode="upsert", how=How(), fields=FIELDS), ADDED, DONE)
    seen = Seen().after(calls[0], ADDED, FIELDS)
    assert (seen.people_id, seen.exists, seen.complete, seen.known.data) == ("p-1", True, True, {})
    seen = seen.after(calls[1], DONE, FIELDS)
    assert seen == known(FULL)
    assert run(FULL, seen=seen) == ([], UNCHANGED)


@pytest.mark.parametrize("status", [400, 404, 429, 500, 302])
def test_an_answer_that_is_not_2xx_makes_nothing_known(status: int) -> None:
    creation = drive(upsert(PLAIN, EMAIL, Seen(), mode="upsert", how=How(), fields=FIELDS), ADDED)[0][0]
    assert UNSURE.after(creation, Reply(status, data={"people_id": "x"}), FIELDS) == UNSURE


@pytest.mark.parametrize("seen", [Seen(), UNSURE])
def test_a_create_that_was_refused_shows_that_the_person_is_there(seen: Seen) -> None:
    creation = drive(upsert(PLAIN, EMAIL, Seen(), mode="upsert", how=How(), fields=FIELDS), ADDED)[0][0]
    assert seen.after(creation, TAKEN, FIELDS) == Seen(exists=True)
    assert known(FULL).after(creation, TAKEN, FIELDS) == known(FULL)


@pytest.mark.parametrize(("method", "path"), [("PATCH", "people/profile/{who}"), ("GET", "people/data/{who}")])
def test_a_person_who_is_gone_is_not_known_any_more(method: str, path: str) -> None:
    assert known(FULL).after(Call(method, path, EMAIL), NOBODY, FIELDS) == Seen()


def test_what_was_read_is_known_and_custom_data_is_kept() -> None:
    seen = Seen(known=Contact(data={"plan": "pro"}))
    after = seen.after(Call("GET", "people/profile/{who}", EMAIL), card(1), FIELDS)
    expected = {"email": EMAIL, "nickname": "Ada Lovelace", "phone": "+33639985612"}
    assert after == Seen("p-1", Contact(expected, data={"plan": "pro"}), exists=True, complete=True)


def test_reading_the_data_alone_changes_nothing_that_is_known() -> None:
    assert known(FULL).after(Call("GET", "people/data/{who}", EMAIL), HELD, FIELDS) == known(FULL)


def test_a_person_who_is_created_again_has_nothing_from_before() -> None:
    told = Contact({"email": EMAIL, "nickname": "Ada"})
    calls, outcome = run(told, ADDED, seen=known(FULL), mode="create")
    assert (calls, outcome) == ([("POST", PROFILE, {"email": EMAIL, "person": {"nickname": "Ada"}})], UPDATED)
    creation = drive(upsert(told, EMAIL, known(FULL), mode="create", how=How(), fields=FIELDS), ADDED)[0][0]
    assert known(FULL).after(creation, ADDED, FIELDS) == known(told)


HALF_KNOWN = Seen("p-1", known=Contact({"email": EMAIL, "nickname": "Ada"}), exists=True)


@pytest.mark.parametrize(
    ("told", "sent_last"),
    [
        (Contact({"email": EMAIL}, ("vip",)), {"segments": ["old", "vip"]}),
        (Contact({"email": EMAIL, "job_title": "CTO"}), {"person": {"employment": {"title": "CTO", "role": "lead"}}}),
    ],
)
def test_a_person_who_is_half_known_is_read_before_something_could_be_lost(told: Contact, sent_last: Any) -> None:
    there = {"people_id": "p-1", "person": {"employment": {"title": "CEO", "role": "lead"}}, "segments": ["old"]}
    calls, outcome = run(told, Reply(200, "resolved", there), DONE, seen=HALF_KNOWN)
    assert (calls, outcome) == ([("GET", BY_ID, None), ("PATCH", BY_ID, sent_last)], UPDATED)


@pytest.mark.parametrize(
    "told", [Contact({"email": EMAIL, "phone": "+33639981234"}), Contact({"email": EMAIL}, data={"a": 1})]
)
def test_a_person_who_is_half_known_is_not_read_without_need(told: Contact) -> None:
    assert [call[0] for call in run(told, DONE, seen=HALF_KNOWN)[0]] == ["PATCH"]


def test_a_key_is_removed_from_a_person_whose_data_was_never_read() -> None:
    told = Contact({"email": EMAIL}, ("vip",), {"old_key": None})
    there = Reply(200, "resolved", {"people_id": "p-1", "email": EMAIL, "segments": ["vip"]})
    calls, outcome = run(told, TAKEN, there, DONE)
    assert (calls[2:], outcome) == ([("PATCH", DATA_BY_ID, {"data": {"old_key": None}})], UPDATED)


def test_a_creation_tells_what_it_makes_and_changes() -> None:
    calls, _ = drive(upsert(FULL, EMAIL, Seen(), mode="upsert", how=How(), fields=FIELDS), ADDED, DONE)
    assert [(call.makes, sorted(call.changes)) for call in calls] == [
        ("created", ["nickname", "phone", "segments"]),
        ("updated", ["data.plan"]),
    ]
    assert [call.route for call in calls] == ["POST people/profile", "PATCH people/data/{people_id}"]


@pytest.mark.parametrize(
    ("replies", "calls", "end"),
    [
        pytest.param([NOBODY], [("GET", THEIRS, None)], None, id="nobody"),
        pytest.param(
            [card(1), HELD],
            [("GET", THEIRS, None), ("GET", DATA_BY_ID, None)],
            (card(1).data, {"plan": "pro", "beta": True}),
            id="somebody",
        ),
        pytest.param(
            [card(1), NOBODY], [("GET", THEIRS, None), ("GET", DATA_BY_ID, None)], (card(1).data, {}), id="without-data"
        ),
    ],
)
def test_reading_a_person_is_two_calls(replies: list[Reply], calls: list[Sent], end: object) -> None:
    made, found = drive(read(EMAIL), *replies)
    assert ([sent(call) for call in made], found) == (calls, end)


@pytest.mark.parametrize(("reply", "erased"), [(DONE, True), (NOBODY, False)])
def test_erasing_a_person_is_one_call(reply: Reply, erased: bool) -> None:
    made, found = drive(erase(EMAIL), reply)
    assert ([sent(call) for call in made], found) == ([("DELETE", THEIRS, None)], erased)


def test_a_credential_is_checked_by_one_call_that_routes_nothing() -> None:
    made, found = drive(check(), Reply(200, "listed", [], date="Mon, 05 Jan 2026 09:30:00 GMT"))
    assert ([sent(call) for call in made], made[0].routes, found) == (
        [("GET", "people/profiles/1", None)],
        frozenset(),
        "Mon, 05 Jan 2026 09:30:00 GMT",
    )


@pytest.mark.parametrize("status", [402, 403, 404])
def test_suggestions_that_may_not_be_asked_for_are_none(status: int) -> None:
    """They are a help; that the token may not ask must not halt deliveries."""
    made, found = drive(suggestions(), *[Reply(status)] * 2)
    assert (len(made), found) == (2, ([], []))
    assert all(status in call.routes for call in made)


def test_suggestions_are_read_until_a_page_brings_nothing_new() -> None:
    pages = [
        [{"segment": "vip", "count": 3}, {"segment": "new"}],
        [{"segment": "vip"}],
        [{"key": "plan", "count": 9}, {"other": 1}, "odd"],
        [],
    ]
    made, found = drive(suggestions(), *[Reply(200, "listed", page) for page in pages])
    assert [call.path for call in made] == [
        "people/suggest/segments/1",
        "people/suggest/segments/2",
        "people/suggest/data/1",
        "people/suggest/data/2",
    ]
    assert found == (["vip", "new"], ["plan"])


def test_suggestions_stop_at_the_most_pages() -> None:
    pages = [[{"segment": f"s{page}"}] for page in range(2)] + [[{"key": f"k{page}"}] for page in range(2)]
    made, found = drive(suggestions(2), *[Reply(200, "listed", page) for page in pages])
    assert (len(made), found) == (4, (["s0", "s1"], ["k0", "k1"]))
