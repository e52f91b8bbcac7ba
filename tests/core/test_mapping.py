"""Mapping: one record becomes a contact and notes; the user's mapping comes first, nothing given is lost silently."""

from dataclasses import replace
from typing import Any

import pytest

from connector.contact import Contact
from connector.convert import Given
from connector.manifest import Candidate, shipped
from connector.mapping import Rules, Translated, UserMapping, date_orders, missing_paths, translate
from connector.record import Record, Unusable, Value
from connector.sources import read

GENERIC = shipped().sources["generic"]
ADA: dict[str, Any] = {"email": "ada@example.com"}


def reading(values: dict[str, Value], mapping: UserMapping = (), country: str | None = None, **more: Any) -> Translated:
    """A record of plain fields, translated."""
    return translate(Record(values), GENERIC, shipped(), Rules(Given(country), mapping, **more))


def told(translated: Translated) -> list[tuple[str, str | None]]:
    """Code and field of each note."""
    return [(note.code, note.field) for note in translated.notes]


def test_the_users_mapping_comes_before_the_names() -> None:
    found = reading({**ADA, "Courriel pro": "pro@example.com"}, (("email", ("Courriel pro",)),))
    assert found.contact == Contact({"email": "pro@example.com"})
    assert told(found) == [("field_unmapped", "email")]


def test_a_mapping_overrides_the_fields_it_names_and_no_others() -> None:
    found = reading({**ADA, "city": "Nantes", "country": "FR", "Where": "Brest"}, (("city", ("Where",)),))
    assert found.contact.fields == {**ADA, "country": "FR", "city": "Brest"}


@pytest.mark.parametrize("path", ["Home town", "home_town", "HOMETOWN", "homeTown"])
def test_a_mapping_names_a_column_in_any_spelling(path: str) -> None:
    assert reading({**ADA, "Home town": "Nantes"}, (("city", (path,)),)).contact.fields["city"] == "Nantes"


@pytest.mark.parametrize(
    ("values", "phone", "notes"),
    [
        pytest.param({"A": "+33639981234", "B": "+33639985612"}, "+33639981234", [("field_unused", "B")], id="first"),
        pytest.param({"A": "+33639981234", "B": "+33 6 39 98 12 34"}, "+33639981234", [], id="both-the-same"),
        pytest.param({"A": "", "B": "+33639985612"}, "+33639985612", [], id="blank-gives-way"),
        pytest.param({"A": None, "B": "+33639985612"}, "+33639985612", [], id="null-gives-way"),
        pytest.param({"A": "at home", "B": "+33639985612"}, "+33639985612", [], id="unreadable-gives-way"),
        pytest.param({"B": "+33639985612"}, "+33639985612", [], id="absent-gives-way"),
        pytest.param({"A": "at home", "B": "none"}, None, [("phone_dropped", "phone")], id="none-readable"),
        pytest.param({"A": "", "B": " "}, None, [], id="nothing-given"),
    ],
)
def test_the_first_of_several_paths_that_can_be_read_wins(
    values: dict[str, Value], phone: str | None, notes: list[tuple[str, str]]
) -> None:
    found = reading({**ADA, **values}, (("phone", ("A", "B")),))
    assert (found.contact.fields.get("phone"), told(found)) == (phone, notes)


def test_a_mapping_gives_custom_data() -> None:
    found = reading({**ADA, "Plan": "pro", "Seats": 3.0}, (("data.plan", ("Plan",)), ("data.seat count", ("Seats",))))
    assert found.contact.data == {"plan": "pro", "seat_count": 3}
    assert told(found) == [("data_key_renamed", "data.seat_count")]


def test_several_paths_of_segments_are_united() -> None:
    values: dict[str, Value] = {**ADA, "Tags": "vip, new", "Lists": ["new", "Gold Member"], "x": "y z"}
    assert reading(values).contact.segments == ("vip", "new", "Gold Member")
    assert reading(values, (("segments", ("x",)),)).contact.segments == ("y", "z")


@pytest.mark.parametrize(
    ("path", "left"),
    [
        pytest.param("Mobile", {"phone": "+33639985612", "city": "Nantes"}, id="one-of-two-that-feed-a-field"),
        pytest.param("TOWN", {"phone": "+33639981234"}, id="in-another-spelling"),
        pytest.param("data.plan", {"phone": "+33639981234", "city": "Nantes"}, id="named-as-custom-data"),
        pytest.param("Shoe size", {"phone": "+33639981234", "city": "Nantes"}, id="what-goes-nowhere"),
    ],
)
@pytest.mark.parametrize("unmapped", [True, False])
def test_what_is_ignored_is_not_read_and_not_noted(path: str, left: dict[str, str], unmapped: bool) -> None:
    values: dict[str, Value] = {"Mobile": "+33639981234", "Tel": "+33639985612", "Town": "Nantes"}
    more: dict[str, Value] = {"data.plan": "pro", "Shoe size": 38}
    found = reading({**ADA, **values, **more}, (("ignored", (path,)),), unmapped_as_data=unmapped)
    assert found.contact.fields == {**ADA, **left}
    expected = {"plan": "pro", **({"shoe_size": 38} if unmapped else {})}
    gone = {"data.plan": "plan", "Shoe size": "shoe_size"}.get(path)
    assert found.contact.data == {key: value for key, value in expected.items() if key != gone}
    assert path not in {note.field for note in found.notes} | {note.path for note in found.notes}


def test_what_is_ignored_of_a_source_is_not_read_by_its_own_rows_either() -> None:
    payload = read({"hs_object_id": 7, **ADA, "jobtitle": "Analyst"})
    assert payload.source == "hubspot"
    source, mapping = shipped().sources["hubspot"], (("ignored", ("jobtitle",)),)
    for rules, fields in ((Rules(Given()), {**ADA, "job_title": "Analyst"}), (Rules(Given(), mapping), ADA)):
        assert translate(payload.records[0], source, shipped(), rules).contact.fields == fields


def test_what_is_ignored_and_nowhere_is_missing_like_any_path() -> None:
    assert missing_paths([Record(ADA)], GENERIC, shipped(), (("ignored", ("Fax",)),)) == ["ignored"]
    assert missing_paths([Record({**ADA, "Fax": ""})], GENERIC, shipped(), (("ignored", ("Fax",)),)) == []


@pytest.mark.parametrize("saved", [True, False])
def test_a_saved_mapping_that_finds_nothing_says_so(saved: bool) -> None:
    found = reading(ADA, (("city", ("Town hall", "Where")),), saved_mapping=saved)
    expected = [("mapping_path_missing", "Town hall"), ("mapping_path_missing", "Where")] if saved else []
    assert told(found) == expected
    assert all(note.level == "warning" for note in found.notes)


def test_a_path_that_any_record_has_is_not_missing() -> None:
    records = [Record({**ADA}), Record({**ADA, "Where": "Brest"})]
    mapping: UserMapping = (("city", ("Where",)), ("region", ("Area", "State of mind")), ("email", ("email",)))
    assert missing_paths(records, GENERIC, shipped(), mapping) == ["region"]
    assert missing_paths([Record({"Area": ""})], GENERIC, shipped(), mapping[1:2]) == []


@pytest.mark.parametrize(
    ("mapping", "fields", "notes"),
    [
        (
            (("email", ("B",)), ("full_name", ("A",))),
            {"email": "nadia@example.com", "full_name": "Nadia"},
            [("field_unmapped", "C")],
        ),
        (
            (),
            {"email": "nadia@example.com"},
            [("header_missing", None), ("field_unmapped", "A"), ("field_unmapped", "C")],
        ),
    ],
)
def test_a_row_without_names_is_read_by_letter(
    mapping: UserMapping, fields: dict[str, str], notes: list[tuple[str, str | None]]
) -> None:
    payload = read({"__ROW_NUMBER__": 7, "0": "Nadia", "1": "nadia@example.com", "2": "Haddad & Co"})
    found = translate(payload.records[0], shipped().sources[payload.source], shipped(), Rules(Given(), mapping))
    assert (found.contact.fields, told(found)) == (fields, notes)


def test_what_goes_nowhere_is_named() -> None:
    found = reading({**ADA, "Shoe size": 38, "data.plan": "pro", "Nothing": "", "None": None, "Empty": []})
    assert told(found) == [("field_unmapped", "Shoe size")]
    assert found.contact == Contact(ADA, data={"plan": "pro"})


def test_what_goes_nowhere_becomes_custom_data_when_the_user_says_so() -> None:
    values: dict[str, Value] = {**ADA, "Shoe size": 38.0, "plan": "pro", "ok": True, "many": ["a", "b"], "blank": ""}
    found = reading(values, unmapped_as_data=True)
    assert found.contact == Contact(ADA, data={"shoe_size": 38, "plan": "pro", "ok": True, "many": "a, b"})
    assert told(found) == [("data_key_renamed", "data.shoe_size")]


def test_what_is_named_data_wins_over_what_is_left() -> None:
    assert reading({**ADA, "plan": "left", "data.plan": "pro"}, unmapped_as_data=True).contact.data == {"plan": "pro"}


@pytest.mark.parametrize(("other", "error"), [("free", "data_key_collision"), ("pro", None)])
def test_two_keys_that_become_one_with_different_values_are_an_error(other: str, error: str | None) -> None:
    found = reading({**ADA, "data.My Plan": "pro", "data.my_plan": other})
    assert (found.error.code if found.error else None) == error


@pytest.mark.parametrize(
    ("value", "kept", "notes"),
    [
        ("pro", {"k": "pro"}, []),
        (0, {"k": 0}, []),
        (False, {"k": False}, []),
        (["a", "b"], {"k": "a, b"}, []),
        ("", {"k": None}, []),
        (None, {"k": None}, []),
        ("N/A", {}, []),
        ("{{1.plan}}", {}, [("value_dropped", "data.k")]),
        ({"a": 1}, {}, [("value_dropped", "data.k")]),
        ([{"a": 1}], {}, [("value_dropped", "data.k")]),
    ],
)
def test_custom_data_values(value: Any, kept: dict[str, Any], notes: list[tuple[str, str]]) -> None:
    found = reading({**ADA, "data.k": value})
    assert (dict(found.contact.data), told(found)) == (kept, notes)


@pytest.mark.parametrize(
    ("values", "email", "notes"),
    [
        ({"email": "a@x.example", "Work email": "b@x.example"}, "a@x.example", [("several_emails", "email")]),
        ({"email": "a@x.example", "Work email": "A@X.example"}, "a@x.example", []),
        ({"email": "a@x.example; b@x.example"}, "a@x.example", [("several_emails", "email")]),
        ({"email": "a@@x.example", "Work email": "b@x.example"}, "b@x.example", []),
        ({"email": "a@@x.example"}, None, [("email_invalid", "email")]),
        ({"email": ""}, None, [("email_missing", "email")]),
        ({"email": "{{1.email}}"}, None, [("value_dropped", "email"), ("email_missing", "email")]),
        ({"first_name": "Ada"}, None, [("email_missing", "email")]),
        ({"people_id": "c46126cf", "first_name": "Ada"}, None, []),
    ],
)
def test_the_first_valid_email_of_all_places_wins(
    values: dict[str, Value], email: str | None, notes: list[tuple[str, str]]
) -> None:
    found = reading(values)
    assert (found.contact.email, told(found)) == (email, notes)
    assert (found.error is None) == (email is not None or "people_id" in values)


@pytest.mark.parametrize(
    ("values", "given", "phone"),
    [
        ({"phone": "06 39 98 56 12"}, None, None),
        ({"phone": "06 39 98 56 12"}, "FR", "+33639985612"),
        ({"phone": "06 39 98 56 12", "country": "France"}, None, "+33639985612"),
        pytest.param({"phone": "020 808 0123", "country": "NL"}, "FR", "+31208080123", id="the-records-country-wins"),
    ],
)
def test_the_country_reads_a_national_phone(values: dict[str, Value], given: str | None, phone: str | None) -> None:
    assert reading({**ADA, **values}, country=given).contact.fields.get("phone") == phone


@pytest.mark.parametrize(
    ("values", "field", "code"),
    [
        ({"phone": "call me"}, "phone", "phone_dropped"),
        ({"country": "XX"}, "country", "country_dropped"),
        ({"created_at": "05/02/2024"}, "created_at", "date_dropped"),
        ({"updated_at": "soon"}, "updated_at", "date_dropped"),
        ({"website": "javascript:alert(1)"}, "website", "url_dropped"),
        ({"avatar": Unusable("url_dropped")}, "avatar", "url_dropped"),
        ({"locale": "Klingon!"}, "locale", "value_dropped"),
        ({"timezone": "Mars"}, "timezone", "value_dropped"),
        ({"first_name": "{{ $json.name }}"}, "first_name", "value_dropped"),
        ({"city": "x" * 300}, "city", "value_truncated"),
    ],
)
def test_a_value_that_cannot_be_kept_is_noted_and_the_contact_goes_on(
    values: dict[str, Value], field: str, code: str
) -> None:
    found = reading({**ADA, **values})
    assert told(found) == [(code, field)]
    assert (found.error, found.notes[0].level, found.contact.email) == (None, "warning", "ada@example.com")
    assert field not in found.contact.fields or len(str(found.contact.fields[field])) == 256


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"Nom": "Dupont", "Prénom": "Inès"}, {"last_name": "Dupont", "first_name": "Inès"}),
        ({"Nom": "Inès Dupont"}, {"full_name": "Inès Dupont"}),
    ],
)
def test_french_nom_is_the_last_name_beside_a_first_name(values: dict[str, Value], fields: dict[str, str]) -> None:
    assert reading({**ADA, **values}).contact.fields == {**ADA, **fields}


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (["03/04/2024", "25/04/2024"], ["2024-04-03T00:00:00Z", "2024-04-25T00:00:00Z"]),
        (["03/04/2024", "04/25/2024"], ["2024-03-04T00:00:00Z", "2024-04-25T00:00:00Z"]),
        (["03/04/2024", "05/06/2024"], [None, None]),
    ],
)
def test_days_or_months_first_is_judged_once_per_column(column: list[str], expected: list[str | None]) -> None:
    records = [Record({**ADA, "created": written, "Updated": "01/02/2024"}) for written in column]
    rules = Rules(Given(), date_orders=date_orders(records, GENERIC, shipped(), ()))
    found = [translate(record, GENERIC, shipped(), rules) for record in records]
    assert [each.contact.fields.get("created_at") for each in found] == expected
    assert [each.updated_at for each in found] == [None] * len(column)


def test_a_note_tells_the_field_and_never_the_value() -> None:
    secrets: dict[str, Value] = {key: f"s3cret {key}" for key in (*shipped().fields, "other", "data.{}", "updated_at")}
    notes = reading(secrets).notes
    assert len(notes) >= 8
    assert not [note for note in notes if "s3cret" in str(note.as_json())]


def test_where_custom_names_are_known_the_sources_own_are_silent() -> None:
    source = replace(GENERIC, custom=("*__c",), tables={"": {"data.plan": (Candidate("Plan"),)}})
    manifest = replace(shipped(), sources={**shipped().sources, "generic": source})
    values: dict[str, Value] = {**ADA, "phone": "no", "Phone": "+33639981234", "OwnerId": "7", "Size__c": "42"}
    found = translate(Record(values), source, manifest, Rules(Given()))
    assert (found.contact.fields["phone"], told(found)) == ("+33639981234", [("field_unmapped", "Size__c")])
    kept = translate(Record(values), source, manifest, Rules(Given(), unmapped_as_data=True))
    assert (kept.contact.data, told(kept)) == ({"Size__c": "42"}, [])


@pytest.mark.parametrize(
    ("values", "mapping", "data"),
    [
        ({"Plan": "pro"}, (), {"plan": "pro"}),
        ({"Plan": None}, (), {}),
        ({"Plan": ""}, (), {}),
        ({"Plan": None}, (("data.plan", ("Plan",)),), {"plan": None}),
        ({"data.plan": None}, (), {"plan": None}),
    ],
)
def test_a_blank_in_a_sources_own_field_removes_no_custom_data(
    values: dict[str, Value], mapping: UserMapping, data: dict[str, Any]
) -> None:
    source = replace(GENERIC, tables={"": {"data.plan": (Candidate("Plan"),)}})
    manifest = replace(shipped(), sources={**shipped().sources, "generic": source})
    assert translate(Record({**ADA, **values}), source, manifest, Rules(Given(), mapping)).contact.data == data
