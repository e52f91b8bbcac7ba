"""Pipedrive: persons in both versions of its API and webhooks."""

from typing import Any

import pytest

from connector.sources import Inbound, read, registry

from .contract import sample, translated

HASH = "5a9c1e0d4b7f2a63c8d1e0f5b6a79384c2d1e0fa"
POINT = [{"value": "a@b.example", "primary": True}]


def person(**more: Any) -> dict[str, Any]:
    return {"id": 52, "owner_id": 8, "name": "Ada", "emails": POINT, "phones": [], **more}


def hook(data: Any, previous: Any = None, **meta: Any) -> dict[str, Any]:
    told = {"version": "2.0", "action": "change", "entity": "person", "entity_id": "52", "id": "b7a1", **meta}
    return {"meta": told, "data": data, "previous": previous}


def only(payload: Any) -> Any:
    (record,) = translated(read(payload, "pipedrive"))
    return record


def codes(payload: Any) -> list[str]:
    return [note.code for note in only(payload).notes]


@pytest.mark.parametrize(
    ("payload", "variant"),
    [
        ({"success": True, "data": person()}, "person_v2"),
        (person(), "person_v2"),
        ({"id": 1, "owner_id": {"value": 8}, "email": POINT, "phone": [{"value": "", "primary": True}]}, "person_v1"),
        ({"success": True, "data": [person(emails=[]), person()]}, "person_list_v2"),
        ({"data": [{"id": 1, "owner_id": 8, "email": POINT, "phone": []}]}, "person_list_v1"),
        ({"success": True, "data": None, "additional_data": {"pagination": {}}}, "person_list_v2"),
        ({"success": True, "data": [], "additional_data": {"next_cursor": None}}, "person_list_v2"),
        (hook(person()), "webhook_v2"),
        ({"meta": {"object": "deal", "action": "added"}, "current": {}, "previous": None}, "webhook_v1"),
    ],
)
def test_shapes(payload: Any, variant: str) -> None:
    found = read(payload)
    assert (found.source, found.variant) == ("pipedrive", variant)


@pytest.mark.parametrize(
    "payload",
    [
        {"emails": POINT, "phones": [], "name": "Ada"},
        {"data": {"email": "a@b.example", "owner_id": 8}},
        {"success": True, "data": []},
        {"meta": {"page": 1}, "data": [{"email": "a@b.example"}]},
    ],
)
def test_what_other_systems_write_too_proves_nothing(payload: Any) -> None:
    assert read(payload).source == "generic"


@pytest.mark.parametrize(
    ("emails", "email", "noted"),
    [
        ([{"value": "a@b.example"}, {"value": "c@d.example", "primary": True}], "c@d.example", ["several_emails"]),
        ([{"value": "", "primary": True}, {"value": "c@d.example"}], "c@d.example", []),
        (
            [{"value": "a@b.example", "primary": True}, {"value": "c@d.example", "primary": True}],
            "a@b.example",
            ["several_emails"],
        ),
        ([{"value": "nobody", "primary": True}, {"value": "c@d.example"}], "c@d.example", []),
        ([{"value": "", "primary": True}], None, ["email_missing"]),
        ([{"value": "nobody", "primary": True}], None, ["email_invalid"]),
        ([], None, ["email_missing"]),
        ("a@b.example", "a@b.example", []),
        (["a@b.example"], "a@b.example", []),
        ([None, 7, {"label": "work"}], None, ["email_missing"]),
    ],
)
def test_of_several_addresses_the_primary_counts_if_it_is_one(emails: Any, email: str | None, noted: list[str]) -> None:
    record = only(person(emails=emails))
    assert record.contact.email == email
    assert [note.code for note in record.notes] == noted


@pytest.mark.parametrize(
    ("value", "noted"),
    [
        ("Gold", True),
        (0, True),
        (None, False),
        ("", False),
        ({"type": "varchar", "value": "Gold"}, True),
        ({"type": "monetary", "value": 120, "currency": "EUR"}, True),
        ({"type": "enum", "id": 3}, True),
        ({"type": "set", "values": [{"id": 1}, {"id": 2}]}, True),
        ({"type": "varchar", "value": None}, False),
        ({"value": {"value": {"deep": 1}}}, False),
    ],
)
def test_fields_of_the_customers_own_are_named(value: Any, noted: bool) -> None:
    wanted = ["field_unmapped"] if noted else []
    assert codes(person(custom_fields={HASH: value})) == wanted
    assert [note.field for note in only(person(custom_fields={HASH: value})).notes] == [HASH] * noted


def test_pipedrives_own_fields_are_not_named() -> None:
    own = {"cc_email": "x@mail.example", "first_char": "a", "label": 5, "im": [{"value": "x"}], "notes": "<p>Hi</p>"}
    assert codes(person(**own, **{f"{HASH}_currency": "EUR"})) == []


@pytest.mark.parametrize("time", ["2026-03-02 09:15:07", "2026-03-02T09:15:07Z", 1772442907, "1772442907"])
def test_times_are_utc_with_or_without_saying_so(time: Any) -> None:
    (record,) = translated(read(person(update_time=time, add_time=time)), {"timezone": "Asia/Tokyo"})
    assert (record.updated_at, record.contact.fields["created_at"]) == ("2026-03-02T09:15:07Z",) * 2


class TestHooks:
    """What a webhook says."""

    def test_what_was_there_before_is_not_the_persons(self) -> None:
        record = only(hook(person(emails=[]), previous={"emails": POINT, "job_title": "CEO"}))
        assert (record.contact.email, "job_title" in record.contact.fields) == (None, False)

    @pytest.mark.parametrize("timestamp", ["2026-03-02T10:00:00.000Z", 1772445600, "1772445600"])
    def test_a_deletion_is_dated_by_the_hook(self, timestamp: Any) -> None:
        before = {"id": 52, "emails": POINT, "name": "Ada", "update_time": "2026-02-12T08:00:00Z"}
        record = only(hook(None, before, action="delete", timestamp=timestamp))
        assert (record.id, record.deleted, record.updated_at) == ("52", True, "2026-03-02T10:00:00Z")
        assert dict(record.contact.fields) == {"email": "a@b.example"}

    def test_a_deletion_of_which_nothing_is_known_is_one(self) -> None:
        record = only(hook(None, None, action="delete"))
        assert (record.id, record.deleted, dict(record.contact.fields)) == ("52", True, {})

    def test_who_is_merged_into_another_goes_and_the_other_changes(self) -> None:
        lost = only(hook(None, {"emails": POINT}, action="delete", merged_to_id="53"))
        kept = only(hook(person(id=53), {}, entity_id="53", merged_from_id="52"))
        assert (lost.id, lost.deleted) == ("52", True)
        assert (kept.id, kept.deleted, kept.contact.email) == ("53", False, "a@b.example")

    def test_the_first_version_deletes_and_merges_likewise(self) -> None:
        told = {**sample("pipedrive", "webhook_v1_updated")}
        deleted = only({**told, "meta": {**told["meta"], "action": "deleted"}, "current": None})
        assert (deleted.id, deleted.deleted) == ("77", True)
        assert dict(deleted.contact.fields) == {"email": "tess@example.org"}
        assert deleted.updated_at == "2026-03-02T09:15:07Z"
        merged = only({**told, "meta": {**told["meta"], "action": "merged"}})
        assert (merged.deleted, merged.contact.email) == (False, "tess.oduya@example.com")

    @pytest.mark.parametrize("kind", ["deal", "organization", "activity", None])
    def test_hooks_of_other_things_are_no_record(self, kind: Any) -> None:
        assert read(hook(person(), entity=kind)).records == []

    def test_a_hook_without_a_person_says_so(self) -> None:
        assert codes(hook(None)) == ["content_missing"]

    @pytest.mark.parametrize(("flag", "value"), [("is_deleted", True), ("active_flag", False)])
    def test_who_is_marked_as_deleted_is(self, flag: str, value: Any) -> None:
        assert only(person(**{flag: value})).deleted


@pytest.mark.parametrize(
    "told",
    [
        "",
        "Basic",
        "Basic ",
        "basic cGlwZWRyaXZlOnMzY3LDqXQ=",
        "Basic cGlwZWRyaXZlOnMzY3LDqXQ",
        "Basic cGlwZWRyaXZlOnMzY3LDqXR=",
        "Basic cGlwZWRyaXZlOnMzY3LpdA==",
        "Basic  cGlwZWRyaXZlOnMzY3LDqXQ=",
        "Basic czNjcsOpdA==",
        "Basic OnMzY3LDqXQ=",
        "Bearer s3crét",
        "s3crét",
    ],
)
def test_the_authentication_is_exactly_as_given(told: str) -> None:
    assert not registry()["pipedrive"].verify(Inbound({"authorization": told}, {}, b"{}"), "s3crét")


def test_of_a_list_each_member_counts_by_itself() -> None:
    found = read({"success": True, "data": [person(), None, person()], "additional_data": {"next_cursor": "x"}})
    assert [[note.code for note in each.notes] for each in translated(found)] == [[], ["record_invalid"], []]
    assert [(note.code, note.field) for note in found.notes] == [("list_incomplete", "data")]
    older = {"data": [], "success": True, "additional_data": {"pagination": {"more_items_in_collection": True}}}
    assert [note.code for note in read(older).notes] == ["list_incomplete"]
