"""Zoho CRM: records, notifications with and without values, and workflow webhooks as forms and as JSON."""

import json
from typing import Any

import pytest

from connector.body import read_form
from connector.sources import Inbound, read, registry

from .contract import sample, translated

TOKEN = "token-chosen-at-set-up"
NOTIFIED = {
    "module": "Contacts",
    "resource_uri": "https://www.zohoapis.com.au/crm/v8/Contacts",
    "channel_id": "1000000068001",
    "operation": "update",
    "server_time": 1772442908123,
    "ids": ["4876876000000376001"],
    "token": TOKEN,
}
zoho = registry()["zoho"]


def record(**fields: Any) -> dict[str, Any]:
    return {"data": [{"id": "4876876000000376001", "Email": "a@b.example", "$approved": True, **fields}]}


def only(payload: Any) -> Any:
    (found,) = translated(read(payload, "zoho"))
    return found


def codes(payload: Any) -> list[tuple[str, str | None]]:
    return [(note.code, note.field) for note in only(payload).notes]


@pytest.mark.parametrize(
    ("payload", "variant"),
    [
        ({"data": [{"id": "1", "Full_Name": "Ada", "$state": "save"}]}, "records"),
        ({"data": [], "info": {"more_records": False}}, "records"),
        ({"data": [{"id": "1", "Modified_Time": None}]}, "records"),
        (NOTIFIED, "notification"),
        ({"Last_Name": "Lovelace"}, "webhook_json"),
        (read_form(b"First_Name=Ada", ""), "webhook_form"),
    ],
)
def test_shapes(payload: Any, variant: str) -> None:
    found = read(payload)
    assert (found.source, found.variant) == ("zoho", variant)


@pytest.mark.parametrize(
    "payload",
    [
        {"Email": "a@b.example", "Phone": "1"},
        {"data": [{"id": "1", "email": "a@b.example"}]},
        {"first_name": "Ada", "email": "a@b.example"},
        {"resource_uri": "https://api.example.com/customers/1", "channel_id": 1, "email": "a@b.example"},
        {"row_number": 2, "First_Name": "Ada", "email": "a@b.example"},
    ],
)
def test_what_other_systems_write_too_proves_nothing(payload: Any) -> None:
    assert read(payload).source != "zoho"


@pytest.mark.parametrize(
    ("fields", "name", "wanted"),
    [
        ({"Account_Name": {"name": "Harbour Mills", "id": "1"}}, "company_name", "Harbour Mills"),
        ({"Account_Name": None, "Company": "Delta Loom"}, "company_name", "Delta Loom"),
        ({"Account_Name": "Sousa Lda"}, "company_name", "Sousa Lda"),
        ({"Full_Name": "Ms. Ada Lovelace", "Last_Name": "Lovelace"}, "full_name", None),
        ({"Full_Name": "Ms. Ada Lovelace", "Last_Name": ""}, "full_name", "Ms. Ada Lovelace"),
        ({"Phone": "", "Mobile": "+351 910 000 000"}, "phone", "+351910000000"),
        ({"Mailing_City": "Bristol", "Street": "4 Quay", "City": "Bath"}, "address", "4 Quay, Bath"),
        ({"Mailing_Street": "4 Quay\r\nTop floor", "Mailing_Zip": "BS1"}, "address", "4 Quay, Top floor, BS1"),
        ({"Description": "<p>Met at the fair</p>"}, "description", "<p>Met at the fair</p>"),
        ({"Title": 7}, "job_title", "7"),
        ({"Website": "www.deltaloom.example"}, "website", "https://www.deltaloom.example"),
    ],
)
def test_values(fields: dict[str, Any], name: str, wanted: str | None) -> None:
    found = only(record(**fields))
    assert found.contact.fields.get(name) == wanted
    assert found.notes == ()


@pytest.mark.parametrize(
    ("tags", "segments"),
    [
        ([{"name": "vip", "id": "1"}, {"name": "spring fair"}], ("vip", "spring fair")),
        ("vip, spring fair", ("vip", "spring fair")),
        ("spring fair", ("spring fair",)),
        ("", ()),
        (None, ()),
        ([], ()),
        ([None, {"id": "9"}], ("9",)),
    ],
)
def test_tags_keep_their_spaces(tags: Any, segments: tuple[str, ...]) -> None:
    assert only(record(Tag=tags)).contact.segments == segments


@pytest.mark.parametrize(
    "value", ["A", 3, ["A", "B"], {"name": "Harbour", "id": "1"}, [{"id": "1", "name": "row of a subform"}]]
)
def test_fields_of_the_customers_own_are_named(value: Any) -> None:
    assert codes(record(Account_Tier=value)) == [("field_unmapped", "Account_Tier")]
    empty: list[Any] = [None, "", [], {}, {"name": None}]
    assert all(codes(record(Account_Tier=each)) == [] for each in empty)


@pytest.mark.parametrize(
    ("mark", "deleted"),
    [({"Record_Status__s": "Trash"}, True), ({"$in_merge": True}, True), ({"$in_merge": False}, False)],
)
def test_who_is_marked_as_deleted_is(mark: dict[str, Any], deleted: Any) -> None:
    assert only(record(**mark)).deleted is deleted


class TestNotifications:
    """What a channel tells."""

    def test_ids_are_texts_of_all_their_digits(self) -> None:
        found = translated(read({**NOTIFIED, "ids": [4876876000000376001, "4876876000000376009"]}))
        assert [each.id for each in found] == ["4876876000000376001", "4876876000000376009"]

    def test_values_may_come_without_ids(self) -> None:
        values = [{"record_id": "7", "values": {"Email": "a@b.example", "Tag": "vip"}}]
        found = only({**{key: value for key, value in NOTIFIED.items() if key != "ids"}, "affected_values": values})
        assert (found.id, found.contact.email, found.contact.segments) == ("7", "a@b.example", ("vip",))

    @pytest.mark.parametrize("ids", [[None], [True], [[]], None, "x", {}])
    def test_what_names_no_record_is_rejected(self, ids: Any) -> None:
        assert [code for code, _ in codes({**NOTIFIED, "ids": ids})] == ["record_invalid"]

    @pytest.mark.parametrize("values", [None, [], "x", [None], [{"record_id": "4876876000000376001"}]])
    def test_an_id_without_values_has_no_email(self, values: Any) -> None:
        assert codes({**NOTIFIED, "affected_values": values}) == [("email_missing", "email")]

    def test_one_bad_id_keeps_nobody_else_back(self) -> None:
        found = translated(read({**NOTIFIED, "ids": ["1", None, "2"]}))
        assert [[note.code for note in each.notes] for each in found] == [
            ["email_missing"],
            ["record_invalid"],
            ["email_missing"],
        ]

    @pytest.mark.parametrize("module", ["Deals", "Accounts", "CustomModule1", None])
    def test_other_modules_are_no_record(self, module: Any) -> None:
        uri = f"https://www.zohoapis.com/crm/v8/{module}"
        assert read({**NOTIFIED, "module": module, "resource_uri": uri}).records == []

    def test_a_deletion_tells_its_time(self) -> None:
        marked = [{"record_id": "4876876000000376001", "values": {"Record_Status__s": 0}}]
        found = only({**NOTIFIED, "operation": "delete", "affected_values": marked})
        assert (found.deleted, found.updated_at) == (True, "2026-03-02T09:15:08.123Z")


class TestProof:
    """`verify`, `senders` and `kept`"""

    @pytest.mark.parametrize(
        "token", [None, "", [], [TOKEN], {"token": TOKEN}, TOKEN[:-1], TOKEN + "x", TOKEN.upper(), 7, True]
    )
    def test_a_notification_has_exactly_its_token(self, token: Any) -> None:
        for query in ({}, {"key": [TOKEN]}):
            body = json.dumps({**NOTIFIED, "token": token}).encode()
            assert not zoho.verify(Inbound({}, query, body), TOKEN)
        assert zoho.verify(Inbound({}, {}, json.dumps(NOTIFIED).encode()), TOKEN)

    def test_one_without_a_token_is_none(self) -> None:
        body = json.dumps({key: value for key, value in NOTIFIED.items() if key != "token"}).encode()
        assert not zoho.verify(Inbound({}, {"key": [TOKEN]}, body), TOKEN)

    @pytest.mark.parametrize("query", [{}, {"key": []}, {"key": [""]}, {"key": [TOKEN, TOKEN]}, {"token": [TOKEN]}])
    def test_a_workflow_has_the_secret_in_its_address(self, query: Any) -> None:
        assert not zoho.verify(Inbound({}, query, b"First_Name=Ada"), TOKEN)
        assert zoho.verify(Inbound({}, {"key": [TOKEN]}, b"First_Name=Ada"), TOKEN)

    @pytest.mark.parametrize(
        "body", [b'{"channel_id"', b'["channel_id"]', b'"channel_id"', b'{"a":' * 9999 + b'"channel_id"']
    )
    def test_what_only_looks_like_a_notification(self, body: bytes) -> None:
        assert not zoho.verify(Inbound({}, {}, body), TOKEN)
        assert zoho.kept(body) == body  # type: ignore[attr-defined]

    def test_the_token_is_not_kept(self) -> None:
        told = {**sample("zoho", "notification_edit")}
        kept = zoho.kept(json.dumps(told).encode())  # type: ignore[attr-defined]
        assert TOKEN.encode() not in kept
        assert b"shared-url-secret" not in kept
        assert json.loads(kept) == {key: value for key, value in told.items() if key not in ("token", "query_params")}
        assert translated(read(json.loads(kept))) == translated(read(told))


def test_more_pages_are_noted() -> None:
    found = read({"data": [None], "info": {"more_records": True}})
    assert [(note.code, note.field) for note in found.notes] == [("list_incomplete", "data")]
    assert [[note.code for note in each.notes] for each in translated(found)] == [["record_invalid"]]


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("Mar 02, 2026 10:15 AM", "2026-03-02T10:15:00Z"),
        ("02/03/2026 10:15 AM", None),
        ("31/03/2026", "2026-03-31T00:00:00Z"),
    ],
)
def test_a_date_of_a_form_is_taken_if_it_reads_in_one_way(written: str, read_as: str | None) -> None:
    found = only(read_form(f"Last_Name=Ada&Email=a@b.example&Modified_Time={written}".encode(), ""))
    assert found.updated_at == read_as
    assert [note.code for note in found.notes] == ([] if read_as else ["date_dropped"])
