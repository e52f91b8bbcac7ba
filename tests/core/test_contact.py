"""The contact: merging, naming, what is news, what is out of date, and many changes as one."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.contact import NAMES, Contact, dated, fold, fresh, merge, named, news

EMAIL = {"email": "ada@example.com"}
KEYS = (*NAMES, "city", "phone", "timezone")
VALUES = st.sampled_from(["a", "b", 0, 1, True, False])
FIELDS = st.dictionaries(st.sampled_from(KEYS), VALUES | st.none(), max_size=4).map(lambda said: {**EMAIL, **said})
SEGMENTS = st.lists(st.sampled_from("vxyz"), max_size=3, unique=True).map(tuple)
DATA = st.dictionaries(st.sampled_from("pqr"), VALUES | st.none(), max_size=3)
CONTACTS = st.builds(Contact, FIELDS, SEGMENTS, DATA)
# `True == 1` in Python, but not for Crisp.
NOBODY = Contact()


def exact(contact: Contact) -> dict[str, Any]:
    """The contact as text, so that True and 1 differ and the order of segments does not."""
    said = contact._replace(segments=tuple(sorted(contact.segments))).flat()
    return {key: repr(sorted(value.items()) if isinstance(value, dict) else value) for key, value in said.items()}


@given(CONTACTS)
def test_flat_and_back_is_the_same_contact(contact: Contact) -> None:
    assert Contact.from_flat(contact.flat()) == contact


def test_flat_always_has_segments_and_data() -> None:
    assert NOBODY.flat() == {"segments": [], "data": {}}


@given(CONTACTS)
def test_everything_said_is_listed_once_but_the_email(contact: Contact) -> None:
    said = list(contact.said())
    expected = {*contact.fields} - {"email"} | {f"data.{key}" for key in contact.data}
    assert len(said) == len(set(said))
    assert set(said) == expected | ({"segments"} if contact.segments else set())


@given(CONTACTS, CONTACTS, CONTACTS)
def test_merging_is_associative(one: Contact, two: Contact, three: Contact) -> None:
    assert exact(merge(merge(one, two), three)) == exact(merge(one, merge(two, three)))


@given(CONTACTS)
def test_merging_with_nothing_changes_nothing(contact: Contact) -> None:
    assert merge(contact, NOBODY) == merge(NOBODY, contact) == merge(contact, contact) == contact


@pytest.mark.parametrize(
    ("older", "newer", "merged"),
    [
        pytest.param({"city": "Paris"}, {}, {"city": "Paris"}, id="absent-keeps"),
        pytest.param({"city": "Paris"}, {"city": "Nantes"}, {"city": "Nantes"}, id="newer-wins"),
        pytest.param({"city": "Paris"}, {"city": None}, {"city": None}, id="null-wins"),
        pytest.param({"nickname": "Ada"}, {"first_name": "Eve"}, {"first_name": "Eve"}, id="names-are-one"),
        pytest.param({"first_name": "Ada", "last_name": "L"}, {"nickname": "A"}, {"nickname": "A"}, id="name-replaced"),
        pytest.param({"nickname": "Ada"}, {"city": "Nantes"}, {"nickname": "Ada", "city": "Nantes"}, id="name-kept"),
    ],
)
def test_fields_merge_one_by_one(older: Mapping[str, Any], newer: Mapping[str, Any], merged: Mapping[str, Any]) -> None:
    assert merge(Contact(older), Contact(newer)) == Contact(merged)


def test_segments_and_data_are_united() -> None:
    older = Contact(segments=("vip", "old"), data={"plan": "pro", "seats": 3})
    newer = Contact(segments=("new", "vip"), data={"seats": None, "beta": True})
    merged = Contact(segments=("vip", "old", "new"), data={"plan": "pro", "seats": None, "beta": True})
    assert merge(older, newer) == merged


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ({"nickname": "Countess", "first_name": "Ada", "last_name": "Lovelace", "full_name": "A. L."}, "Countess"),
        ({"first_name": "Ada", "last_name": "Lovelace", "full_name": "Dr. Ada L."}, "Ada Lovelace"),
        ({"first_name": "Ada", "full_name": "Dr. Ada L."}, "Dr. Ada L."),
        ({"last_name": "Lovelace", "full_name": "Dr. Ada L."}, "Dr. Ada L."),
        ({"first_name": "Ada"}, "Ada"),
        ({"last_name": "Lovelace"}, "Lovelace"),
        ({}, None),
    ],
)
def test_four_names_become_one(names: Mapping[str, Any], shown: str | None) -> None:
    expected = EMAIL if shown is None else {**EMAIL, "nickname": shown}
    assert named(Contact({**EMAIL, **names}, ("vip",), {"a": 1})) == Contact(expected, ("vip",), {"a": 1})


@given(CONTACTS, CONTACTS, st.booleans())
def test_what_was_merged_in_is_no_news(contact: Contact, known: Contact, complete: bool) -> None:
    assert news(contact, merge(known, contact), complete=complete) == NOBODY


@given(CONTACTS, CONTACTS)
def test_the_news_are_enough_to_know_it_all(contact: Contact, known: Contact) -> None:
    said_once = {key: value for key, value in contact.fields.items() if key not in NAMES}
    contact = contact._replace(fields=said_once)
    told = merge(known, news(contact, known, complete=False))
    assert exact(told) == exact(merge(known, contact))


@pytest.mark.parametrize(
    ("known", "told", "complete", "is_news"),
    [
        pytest.param({"plan": "pro"}, {"plan": "pro"}, True, False, id="the-same"),
        pytest.param({"plan": "pro"}, {"plan": "free"}, True, True, id="another-value"),
        pytest.param({}, {"plan": "pro"}, True, True, id="a-new-key"),
        pytest.param({"plan": "pro"}, {"plan": None}, True, True, id="a-removal"),
        pytest.param({"plan": None}, {"plan": None}, False, False, id="a-removal-that-was-done"),
        pytest.param({"on": 1}, {"on": True}, True, True, id="true-is-not-one"),
        pytest.param({"on": False}, {"on": 0}, True, True, id="zero-is-not-false"),
        pytest.param({"n": 1}, {"n": 1.0}, True, False, id="one-is-one-point-zero"),
    ],
)
def test_news_of_a_value(known: Mapping[str, Any], told: Mapping[str, Any], complete: bool, is_news: bool) -> None:
    expected = Contact(data=told) if is_news else NOBODY
    assert news(Contact(data=told), Contact(data=known), complete=complete) == expected
    expected = Contact(told) if is_news else NOBODY
    assert news(Contact(told), Contact(known), complete=complete) == expected


@pytest.mark.parametrize("complete", [True, False])
def test_clearing_what_a_whole_profile_does_not_have_is_no_news(complete: bool) -> None:
    told = Contact({"city": None})
    assert news(told, NOBODY, complete=complete) == (NOBODY if complete else told)


@pytest.mark.parametrize("complete", [True, False])
def test_custom_data_that_was_never_seen_may_have_to_be_removed(complete: bool) -> None:
    told = Contact(data={"plan": None})
    assert news(told, NOBODY, complete=complete) == told


@pytest.mark.parametrize(
    ("at", "times", "kept"),
    [
        pytest.param(None, {"city": 9}, {"city": "Nantes", "first_name": "Ada"}, id="no-time-is-never-late"),
        pytest.param(5, {}, {"city": "Nantes", "first_name": "Ada"}, id="nothing-known"),
        pytest.param(5, {"city": 9}, {"first_name": "Ada"}, id="late-for-the-city-alone"),
        pytest.param(5, {"city": 5}, {"city": "Nantes", "first_name": "Ada"}, id="last-received-of-equal-times-wins"),
        pytest.param(5, {"nickname": 9}, {"city": "Nantes"}, id="a-name-is-late-for-any-of-the-four"),
        pytest.param(5, {"city": 9, "nickname": 9}, {}, id="late-for-everything"),
    ],
)
def test_a_late_change_loses_only_what_is_older(at: int | None, times: dict[str, int], kept: Mapping[str, Any]) -> None:
    change = Contact({**EMAIL, "city": "Nantes", "first_name": "Ada"}, ("vip",), {"plan": "pro"})
    assert fresh(change, at, times) == Contact({**EMAIL, **kept}, ("vip",), {"plan": "pro"})


def test_custom_data_has_times_of_its_own() -> None:
    change = Contact({"city": "Nantes"}, data={"city": "x", "plan": "pro"})
    assert fresh(change, 5, {"data.city": 9}) == Contact({"city": "Nantes"}, data={"plan": "pro"})
    assert list(dated(change)) == ["city", "data.city", "data.plan"]


CHANGES = st.lists(st.tuples(CONTACTS, st.integers(1, 10**13)), max_size=6, unique_by=lambda change: change[1])
TIMES = st.dictionaries(st.sampled_from(["nickname", "city", "data.p"]), st.integers(10**13 + 1, 10**13 + 2))


@given(CHANGES, TIMES | st.just({}), st.data())
def test_the_order_of_delivery_does_not_matter(
    changes: list[tuple[Contact, int]], times: dict[str, int], data: st.DataObject
) -> None:
    one = fold(changes, times)
    other = fold(data.draw(st.permutations(changes)), times)
    assert exact(one.contact) == exact(other.contact)
    assert one.times == other.times


@given(CHANGES)
def test_in_order_of_time_a_fold_is_a_merge(changes: list[tuple[Contact, int]]) -> None:
    merged = NOBODY
    in_order = sorted(changes, key=lambda change: change[1])
    for contact, _ in in_order:
        merged = merge(merged, contact)
    folded = fold(in_order, {})
    assert folded.contact == merged
    assert all(folded.told)


def test_a_change_without_time_is_newer_than_what_came_before_it() -> None:
    changes = [(Contact({"city": "Paris"}), 9), (Contact({"city": "Nantes"}), None), (Contact({"city": "Brest"}), 5)]
    folded = fold(changes, {})
    assert (folded.contact.fields["city"], folded.told, folded.times) == ("Nantes", (True, True, False), {"city": 9})


def test_an_address_that_only_names_the_person_takes_no_other_back() -> None:
    named, moved = Contact({**EMAIL, "city": "Nantes"}), Contact({"email": "ada@example.org"})
    who = EMAIL["email"]
    for changes in ([(moved, None), (named, None)], [(named, None), (moved, None)]):
        assert fold(changes, {}, who).contact.fields == {"email": "ada@example.org", "city": "Nantes"}
    assert fold([(named, None)], {}, who).contact == named


def test_a_change_that_is_late_in_every_field_adds_nothing() -> None:
    late, empty = Contact({**EMAIL, "city": "Paris"}), Contact(EMAIL)
    folded = fold([(late, 5), (empty, 5)], {"city": 9})
    assert folded.told == (False, True)
    assert folded.contact == Contact(EMAIL)
