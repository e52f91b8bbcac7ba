"""Plans: exactly which calls are made of what is told and what is known, by a table of answers."""

import pytest

from connector.contact import Contact
from connector.crisp.calls import How, Mode, Outcome, Reply

from .planning import (
    ADDED,
    BY_ID,
    CARD,
    DATA_BY_ID,
    DONE,
    EMAIL,
    EXISTS,
    FULL,
    MISSING,
    NOBODY,
    PERSON,
    PLAIN,
    PROFILE,
    STRANGER,
    TAKEN,
    THEIRS,
    UNCHANGED,
    UPDATED,
    Sent,
    known,
    run,
)


def test_promise_9_a_new_person_without_data_costs_one_call() -> None:
    calls, outcome = run(PLAIN, ADDED)
    assert (calls, outcome) == ([("POST", PROFILE, {"email": EMAIL, "person": PERSON})], UPDATED)


def test_promise_9_a_new_person_with_data_costs_two() -> None:
    calls, outcome = run(FULL, ADDED, DONE)
    assert calls == [("POST", PROFILE, CARD), ("PATCH", DATA_BY_ID, {"data": {"plan": "pro"}})]
    assert outcome == UPDATED


@pytest.mark.parametrize("mode", ["upsert", "update"])
def test_promise_9_an_unchanged_person_costs_none(mode: Mode) -> None:
    assert run(FULL, seen=known(FULL), mode=mode) == ([], UNCHANGED)


@pytest.mark.parametrize(
    ("told", "calls"),
    [
        pytest.param(
            Contact({"email": EMAIL, "phone": "+33639981234"}),
            [("PATCH", BY_ID, {"person": {"phone": "+33639981234"}})],
            id="profile",
        ),
        pytest.param(
            Contact({"email": EMAIL}, ("vip", "new")), [("PATCH", BY_ID, {"segments": ["vip", "new"]})], id="segments"
        ),
        pytest.param(
            Contact({"email": EMAIL}, data={"plan": "pro", "seats": 3}),
            [("PATCH", DATA_BY_ID, {"data": {"seats": 3}})],
            id="data",
        ),
        pytest.param(
            Contact({"email": EMAIL, "notepad": "Hi"}, ("new",), {"plan": "free"}),
            [
                ("PATCH", BY_ID, {"notepad": "Hi", "segments": ["vip", "new"]}),
                ("PATCH", DATA_BY_ID, {"data": {"plan": "free"}}),
            ],
            id="profile-and-data",
        ),
        pytest.param(Contact({"email": EMAIL, "city": None}), [], id="nothing-to-clear"),
        pytest.param(
            Contact({"email": EMAIL, "phone": None}), [("PATCH", BY_ID, {"person": {"phone": None}})], id="cleared"
        ),
    ],
)
def test_promise_9_a_change_costs_one_call_per_resource(told: Contact, calls: list[Sent]) -> None:
    expected = UPDATED if calls else UNCHANGED
    assert run(told, *[DONE] * len(calls), seen=known(FULL)) == (calls, expected)


def test_promise_9_a_person_whom_only_crisp_knows_costs_four() -> None:
    there = {"people_id": "p-1", "email": EMAIL, "person": {"nickname": "Ada Lovelace"}, "segments": ["old"]}
    calls, outcome = run(FULL, TAKEN, Reply(200, "resolved", there), DONE, DONE)
    assert calls == [
        ("POST", PROFILE, CARD),
        ("GET", THEIRS, None),
        ("PATCH", BY_ID, {"person": {"phone": "+33639985612"}, "segments": ["old", "vip"]}),
        ("PATCH", DATA_BY_ID, {"data": {"plan": "pro"}}),
    ]
    assert outcome == UPDATED


def test_a_person_whom_only_crisp_knows_is_read_once_to_learn_both_names() -> None:
    calls, outcome = run(PLAIN, TAKEN, Reply(200, "resolved", {"people_id": "p-1", "email": EMAIL}), DONE)
    assert [call[:2] for call in calls] == [("POST", PROFILE), ("GET", THEIRS), ("PATCH", BY_ID)]
    assert calls[2][2] == {"person": PERSON}
    assert outcome == UPDATED


def test_a_person_whom_only_crisp_knows_may_be_unchanged() -> None:
    there = {"people_id": "p-1", **CARD}
    calls, outcome = run(Contact(FULL.fields, FULL.segments), TAKEN, Reply(200, "resolved", there))
    assert ([call[0] for call in calls], outcome) == (["POST", "GET"], UNCHANGED)


@pytest.mark.parametrize(
    ("behaves", "segments", "employment"),
    [
        (How(), ["old", "vip"], {"title": "CTO", "role": "lead"}),
        (How(segments="append"), ["vip"], {"title": "CTO", "role": "lead"}),
        (How(nested="merge"), ["old", "vip"], {"title": "CTO"}),
    ],
)
def test_nothing_is_lost_however_crisp_behaves(behaves: How, segments: list[str], employment: dict[str, str]) -> None:
    before = Contact({"email": EMAIL, "job_title": "CEO", "role": "lead", "city": "Nantes"}, ("old",))
    told = Contact({"email": EMAIL, "job_title": "CTO"}, ("vip",))
    calls, _ = run(told, DONE, seen=known(before), how=behaves)
    assert calls == [("PATCH", BY_ID, {"person": {"employment": employment}, "segments": segments})]


def test_a_person_of_an_email_alone_is_named_as_crisps_import_does() -> None:
    assert run(Contact({"email": EMAIL}), ADDED)[0] == [
        ("POST", PROFILE, {"email": EMAIL, "person": {"nickname": "ada"}})
    ]


def test_what_crisp_has_no_place_for_is_not_sent() -> None:
    told = Contact({"email": EMAIL, "nickname": "Ada", "created_at": "2024-05-02T09:14:33Z", "city": None})
    assert run(told, ADDED)[0] == [("POST", PROFILE, {"email": EMAIL, "person": {"nickname": "Ada"}})]


FOUND = Reply(200, "resolved", {"people_id": "p-1", "email": EMAIL})
# mode, what Crisp holds (None: unknown to us) → calls and end.
MODES = [
    pytest.param("create", None, [TAKEN], ["POST"], EXISTS, id="create-exists"),
    pytest.param("create", None, [ADDED], ["POST"], UPDATED, id="create-new"),
    pytest.param("create", PLAIN, [TAKEN], ["POST"], EXISTS, id="create-known"),
    pytest.param("update", None, [FOUND, DONE], ["GET", "PATCH"], UPDATED, id="update-there"),
    pytest.param("update", None, [NOBODY], ["GET"], MISSING, id="update-missing"),
    pytest.param(
        "upsert", Contact({"email": EMAIL}), [NOBODY, ADDED], ["PATCH", "POST"], UPDATED, id="upsert-vanished"
    ),
    pytest.param("update", Contact({"email": EMAIL}), [NOBODY], ["PATCH"], MISSING, id="update-vanished"),
]


@pytest.mark.parametrize(("mode", "there", "replies", "methods", "outcome"), MODES)
def test_a_mode_says_what_404_and_409_mean(
    mode: Mode, there: Contact | None, replies: list[Reply], methods: list[str], outcome: Outcome
) -> None:
    calls, ended = run(PLAIN, *replies, seen=known(there) if there else STRANGER, mode=mode)
    assert ([call[0] for call in calls], ended) == (methods, outcome)


def test_an_update_reads_before_it_could_lose_something() -> None:
    calls, outcome = run(FULL, NOBODY, mode="update")
    assert (calls, outcome) == ([("GET", THEIRS, None)], MISSING)


def test_a_person_named_by_people_id_alone_is_never_created() -> None:
    told = Contact({"phone": "+33639985612"})
    assert run(told, NOBODY, who="p-1") == ([("GET", BY_ID, None)], MISSING)


def test_who_is_named_by_people_id_is_in_crisp_already() -> None:
    """Under another address, or under none that is known here: a create would make a second contact."""
    calls, outcome = run(
        PLAIN, Reply(200, "resolved", {"people_id": "p-1", "email": "old@example.com"}), DONE, who="p-1"
    )
    assert calls == [("GET", BY_ID, None), ("PATCH", BY_ID, {"email": EMAIL, "person": PERSON})]
    assert outcome == UPDATED


@pytest.mark.parametrize(
    ("mode", "replies", "methods", "outcome"),
    [("upsert", [NOBODY, ADDED], ["GET", "POST"], UPDATED), ("update", [NOBODY], ["GET"], MISSING)],
)
def test_a_people_id_that_is_nobodys_is_created_if_there_is_an_address(
    mode: Mode, replies: list[Reply], methods: list[str], outcome: Outcome
) -> None:
    calls, ended = run(PLAIN, *replies, who="p-1", mode=mode)
    assert ([call[0] for call in calls], ended) == (methods, outcome)


def test_after_a_change_of_address_the_person_goes_by_the_new_one() -> None:
    """Where Crisp does not tell the people_id."""
    told = Contact({"email": "ada@new.example"}, data={"plan": "pro"})
    calls, outcome = run(told, Reply(200, "resolved", {"email": EMAIL}), DONE, DONE, mode="update")
    assert [call[1] for call in calls] == [THEIRS, THEIRS, "people/data/ada@new.example"]
    assert outcome == UPDATED


def test_data_of_a_person_who_vanished_begins_again() -> None:
    told = Contact(PLAIN.fields, data={"plan": "free"})
    calls, outcome = run(told, NOBODY, ADDED, DONE, seen=known(PLAIN))
    assert [call[:2] for call in calls] == [("PATCH", DATA_BY_ID), ("POST", PROFILE), ("PATCH", DATA_BY_ID)]
    assert outcome == UPDATED


def test_a_person_who_always_vanishes_is_waited_for() -> None:
    told = Contact(PLAIN.fields, data={"plan": "free"})
    calls, outcome = run(told, *[ADDED, NOBODY] * 3)
    assert (len(calls), outcome) == (6, Outcome("waiting", "crisp_unsettled"))


@pytest.mark.parametrize("who", [EMAIL, "p-1"])
def test_an_email_is_changed_under_the_old_name(who: str) -> None:
    told = Contact({"email": "ada@new.example"})
    assert run(told, DONE, seen=known(PLAIN), who=who, mode="update") == (
        [("PATCH", BY_ID, {"email": "ada@new.example"})],
        UPDATED,
    )


def test_an_email_of_somebody_else_is_refused() -> None:
    told = Contact({"email": "eve@example.com"})
    outcome = run(told, TAKEN, seen=known(PLAIN), mode="update")[1]
    assert outcome == Outcome("rejected", "email_taken", "people_exists")
