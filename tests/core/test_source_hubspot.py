"""HubSpot: signatures of three versions, events folded into contacts, and what HubSpot may send besides."""

from dataclasses import replace
from typing import Any

import pytest

from connector.sources import Inbound, detect, read, registry

from .contract import CASES, translated

V1, V2, V3, V3_ESCAPED = CASES["hubspot"].signed
MINUTE = 60_000
CONTACT: dict[str, Any] = {"portalId": 62500001, "subscriptionId": 3, "attemptNumber": 0}


def event(event_id: int, kind: str, object_id: Any = 51, at: Any = 1772442000000, **more: Any) -> dict[str, Any]:
    told = {"eventId": event_id, "subscriptionType": kind, "objectId": object_id, "occurredAt": at}
    return {**CONTACT, **told, **more}


def changed(name: str, value: Any, at: int = 0, object_id: int = 51) -> dict[str, Any]:
    told = {"propertyName": name, "propertyValue": value}
    return event(1, "contact.propertyChange", object_id, 1772442000000 + at, **told)


def told_of(events: Any) -> list[tuple[str | None, bool, dict[str, Any]]]:
    """Id, whether deleted, and the contact's fields, of each record."""
    return [(each.id, each.deleted, dict(each.contact.fields)) for each in translated(read(events, "hubspot"))]


def codes_of(payload: Any, source: str | None = "hubspot") -> list[list[str]]:
    return [[note.code for note in each.notes] for each in translated(read(payload, source))]


class TestSignatures:
    """`verify`"""

    def verified(self, case: tuple[str, Inbound], **changed: Any) -> bool:
        secret, inbound = case
        return registry()["hubspot"].verify(replace(inbound, **changed), secret)

    @pytest.mark.parametrize("late", [-5 * MINUTE, -1, 0, 1, 5 * MINUTE])
    def test_the_third_is_good_for_five_minutes(self, late: int) -> None:
        assert self.verified(V3, at=V3[1].at + late)

    @pytest.mark.parametrize("late", [-5 * MINUTE - 1, 5 * MINUTE + 1, 86_400_000])
    def test_and_for_no_longer(self, late: int) -> None:
        assert not self.verified(V3, at=V3[1].at + late)

    @pytest.mark.parametrize("late", [0, 86_400_000])
    def test_the_older_ones_say_nothing_of_the_time(self, late: int) -> None:
        assert self.verified(V1, at=V1[1].at + late)
        assert self.verified(V2, at=V2[1].at + late)

    @pytest.mark.parametrize("stamp", ["", "x", "1772442000001", "-1772442000000", "١٧٧٢٤٤٢٠٠٠٠٠٠", "1" * 400, " "])
    def test_the_time_is_signed_too(self, stamp: str) -> None:
        headers = {**V3[1].headers, "x-hubspot-request-timestamp": stamp}
        assert not self.verified(V3, headers=headers)

    def test_without_its_time_the_third_proves_nothing(self) -> None:
        headers = {"x-hubspot-signature-v3": V3[1].headers["x-hubspot-signature-v3"]}
        assert not self.verified(V3, headers=headers)

    def test_after_a_wrong_third_no_older_one_counts(self) -> None:
        assert self.verified(V1, headers={**V1[1].headers, **V3[1].headers})
        wrong = {**V3[1].headers, "x-hubspot-signature-v3": "AAAA"}
        for older in (V1, V2):
            assert not self.verified(older, headers={**older[1].headers, **wrong})
            assert not self.verified(older, headers={**older[1].headers, "x-hubspot-signature-v3": ""})

    @pytest.mark.parametrize("case", [V2, V3, V3_ESCAPED], ids=["v2", "v3", "v3 escaped"])
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("https://", "http://"),
            ("connector.example", "other.example"),
            ("/abc123", "/abc124"),
            ("/abc123", "/abc123/"),
            ("?", "?y=2&"),
        ],
    )
    def test_the_address_is_signed_with_its_query(self, case: Any, old: str, new: str) -> None:
        assert not self.verified(case, url=case[1].url.replace(old, new))

    @pytest.mark.parametrize("case", [V2, V3], ids=["v2", "v3"])
    def test_the_method_is_signed(self, case: Any) -> None:
        assert not self.verified(case, method="PUT")

    @pytest.mark.parametrize("query", ["q=a%2Fb%3Ac", "q=a/b:c", "q=a%2fb%3ac", "q=a/b%3Ac"])
    def test_the_address_may_come_with_or_without_the_escapes_that_are_not_signed(self, query: str) -> None:
        address = V3_ESCAPED[1].url.partition("?")[0]
        assert self.verified(V3_ESCAPED, url=f"{address}?{query}")
        assert not self.verified(V3_ESCAPED, url=f"{address}?q=a%252Fb:c")

    @pytest.mark.parametrize("version", ["", "v0", "v3", "V1", "v1,v2"])
    def test_another_version_is_none(self, version: str) -> None:
        headers = {**V1[1].headers, "x-hubspot-signature-version": version}
        assert not self.verified(V1, headers=headers)

    def test_one_version_is_not_taken_for_another(self) -> None:
        for signature, version in ((V1, "v2"), (V2, "v1")):
            headers = {**signature[1].headers, "x-hubspot-signature-version": version}
            assert not self.verified(signature, headers=headers)


class TestEvents:
    """Events of one contact are one record."""

    def test_the_later_of_two_values_counts_whatever_comes_first(self) -> None:
        events = [
            changed("firstname", "Ada", 2000),
            changed("firstname", "Augusta", 1000),
            changed("email", "a@b.example"),
        ]
        for order in (events, events[::-1]):
            (record,) = translated(read(order))
            assert (record.contact.fields["first_name"], record.contact.email) == ("Ada", "a@b.example")
            assert record.updated_at == "2026-03-02T09:00:02Z"

    def test_who_is_deleted_and_restored_is_not_deleted(self) -> None:
        deleted, restored = event(1, "contact.deletion", at=1000), event(2, "contact.restore", at=2000)
        for order in ([deleted, restored], [restored, deleted]):
            assert told_of(order) == [("51", False, {})]
        assert told_of([restored, {**deleted, "occurredAt": 3000}]) == [("51", True, {})]

    def test_a_deletion_keeps_no_more_than_the_email(self) -> None:
        events = [changed("email", "a@b.example"), changed("firstname", "Ada"), event(3, "contact.privacyDeletion")]
        assert told_of(events) == [("51", True, {"email": "a@b.example"})]

    @pytest.mark.parametrize(
        ("merged", "primary", "new", "lost"),
        [
            ([304], 303, 310, ["304"]),
            ([303, 304, 305], 303, 303, ["304", "305"]),
            (["304", 310], "303", "310", ["304"]),
            ([304], 303, None, ["304"]),
            ([], 303, 310, []),
            (None, 303, 310, []),
            ([None, True, [304]], 303, 310, []),
        ],
    )
    def test_a_merge_ends_those_that_are_not_kept(self, merged: Any, primary: Any, new: Any, lost: list[str]) -> None:
        merge = event(1, "contact.merge", 310, mergedObjectIds=merged, primaryObjectId=primary, newObjectId=new)
        assert told_of([merge]) == [(its_id, True, {}) for its_id in lost]

    @pytest.mark.parametrize(
        "other",
        [
            event(1, "company.propertyChange", propertyName="email", propertyValue="a@b.example"),
            event(1, "object.creation", objectTypeId="0-2"),
            event(1, "object.creation"),
            event(1, "conversation.newMessage"),
            event(1, "contact.associationChange", None, fromObjectId=51, toObjectId=52),
        ],
    )
    def test_what_changes_no_contact_is_no_record(self, other: dict[str, Any]) -> None:
        assert told_of([other]) == []
        assert told_of([other, changed("email", "a@b.example")]) == [("51", False, {"email": "a@b.example"})]

    @pytest.mark.parametrize(
        "bad",
        [
            None,
            7,
            "x",
            [],
            {},
            {"subscriptionType": 7},
            event(1, "contact.creation", None),
            event(1, "contact.creation", []),
        ],
    )
    def test_a_bad_event_is_rejected_and_the_others_go_on(self, bad: Any) -> None:
        good = [changed("email", f"p{number}@example.com", object_id=number) for number in range(99)]
        records = translated(read([*good[:50], bad, *good[50:]], "hubspot"))
        assert sum(each.contact.email is not None for each in records) == 99
        (rejected,) = [each for each in records if each.contact.email is None]
        assert [note.code for note in rejected.notes] == ["record_invalid"]

    def test_an_event_by_itself_is_read_like_a_list_of_one(self) -> None:
        one = changed("email", "a@b.example")
        assert detect(one) == detect([one])
        assert told_of(one) == told_of([one])

    def test_a_value_that_is_hidden_says_nothing(self) -> None:
        hidden = {**changed("email", "REDACTED"), "isSensitive": True}
        assert codes_of([hidden]) == [["email_missing"]]
        assert codes_of([{**hidden, "isSensitive": False}]) == [["email_invalid"]]

    @pytest.mark.parametrize("at", [None, "yesterday", True, [], 1e300])
    def test_an_event_without_a_time_is_taken(self, at: Any) -> None:
        (record,) = translated(read([{**changed("email", "a@b.example"), "occurredAt": at}]))
        assert (record.contact.email, record.updated_at) == ("a@b.example", None)

    def test_an_erased_value_says_nothing(self) -> None:
        assert told_of([changed("email", "a@b.example"), changed("city", "")]) == [
            ("51", False, {"email": "a@b.example"})
        ]


class TestContacts:
    """What is read of a contact."""

    def test_the_sender_is_told_by_its_headers_where_the_body_tells_nothing(self) -> None:
        body = {"email": "ada@example.com", "firstname": "Ada", "jobtitle": "Engineer"}
        assert detect(body).source == "generic"
        found = read(body, headers={"x-hubspot-signature": "whatever"})
        assert (found.source, found.variant) == ("hubspot", "flat")
        assert translated(found)[0].contact.fields["job_title"] == "Engineer"

    def test_also_by_those_that_n8n_has_wrapped(self) -> None:
        item = {"headers": {"X-HubSpot-Signature-v3": "x"}, "params": {}, "query": {}, "body": {"email": "a@b.example"}}
        for wrapped in (item, [item], {"json": item}):
            assert read(wrapped).source == "hubspot"

    def test_a_header_makes_nothing_of_what_hubspot_does_not_send(self) -> None:
        assert read([["Email"], ["a@b.example"]], headers={"x-hubspot-signature": "x"}).source == "google_sheets"
        assert read({"Courriel": "a@b.example"}, headers={"x-hubspot-signature": "x"}).source == "generic"

    @pytest.mark.parametrize("prefix", ["properties__", "properties."])
    def test_names_that_zapier_flattened(self, prefix: str) -> None:
        found = read({f"{prefix}hs_object_id": "51", f"{prefix}email": "a@b.example", f"{prefix}firstname": "Ada"})
        assert (found.source, found.variant) == ("hubspot", "flat")
        (record,) = translated(found)
        assert (record.id, dict(record.contact.fields)) == ("51", {"email": "a@b.example", "first_name": "Ada"})

    @pytest.mark.parametrize(
        ("properties", "field", "wanted"),
        [
            ({"phone": "n/a", "mobilephone": "+46 8 465 00 412"}, "phone", "+46846500412"),
            (
                {"hs_country_region_code": "DE", "country": "Germany", "phone": "030 23125 456"},
                "phone",
                "+493023125456",
            ),
            ({"zip": "44000", "city": "Nantes"}, "address", None),
            ({"createdate": "1767264896000"}, "created_at", "2026-01-01T10:54:56Z"),
            ({"createdate": "02/03/2026"}, "created_at", None),
            ({"hs_language": "pt-br"}, "locale", "pt"),
            ({"website": "javascript:alert(1)"}, "website", None),
            ({"jobtitle": "<b>CEO</b>"}, "job_title", "<b>CEO</b>"),
            ({"gender": "unsaid"}, "gender", None),
        ],
    )
    def test_values(self, properties: dict[str, Any], field: str, wanted: str | None) -> None:
        (record,) = translated(
            read({"id": "1", "properties": {"email": "a@b.example", "hs_object_id": "1", **properties}})
        )
        assert record.contact.fields.get(field) == wanted
        assert not [note for note in record.notes if note.code == "field_unused"]

    def test_what_is_empty_there_removes_nothing_here(self) -> None:
        (record,) = translated(
            read({"id": "1", "properties": {"hs_object_id": "1", "hs_lead_status": None, "email": "a@b.example"}})
        )
        assert record.contact.data == {}

    def test_an_archived_contact_is_deleted(self) -> None:
        contact = {
            "id": "1",
            "archived": True,
            "createdAt": "2026-01-01T00:00:00Z",
            "properties": {"email": "a@b.example"},
        }
        assert told_of(contact) == [("1", True, {"email": "a@b.example"})]

    def test_of_a_list_each_member_counts_by_itself(self) -> None:
        good = {"id": "1", "properties": {"hs_object_id": "1", "email": "a@b.example"}}
        assert codes_of({"results": [good, None, {"id": "2"}, good]}) == [[], ["record_invalid"], ["email_missing"], []]
        assert codes_of([good, good], None) == [[], []]
        more = read({"results": [good], "paging": {"next": {"after": "1"}}})
        assert [(note.code, note.field) for note in more.notes] == [("list_incomplete", "results")]

    def test_the_primary_identity_counts_before_others(self) -> None:
        identities = [
            {"type": "LEAD_GUID", "value": "x"},
            {"type": "EMAIL", "value": "second@example.com"},
            {"type": "EMAIL", "value": "first@example.com", "is-primary": True},
        ]
        contact = {
            "vid": 1,
            "properties": {"firstname": {"value": "A"}},
            "identity-profiles": [{"identities": identities}],
        }
        (record,) = translated(read(contact))
        assert record.contact.email == "first@example.com"
        assert [note.code for note in record.notes] == ["several_emails"]
