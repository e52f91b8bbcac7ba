"""Salesforce: ids, shapes that its tools send besides the samples, events, outbound messages, and whose they are."""

from typing import Any

import pytest

from connector.markup import read_xml
from connector.sources import Inbound, detect, read, registry

from .contract import CASES, sent, translated

SALESFORCE: Any = registry()["salesforce"]
MESSAGE = sent("salesforce", "outbound_message").body
ORGANISATION = "00D5e0000012AbCEAU"
SECRET = CASES["salesforce"].signed[0][0]


def told_of(payload: Any, source: str | None = None) -> list[tuple[str | None, dict[str, Any]]]:
    """Id and contact's fields of each record."""
    return [(each.id, dict(each.contact.fields)) for each in translated(read(payload, source))]


def change(kind: str, ids: list[str], entity: str = "Contact", **fields: Any) -> dict[str, Any]:
    header = {"entityName": entity, "recordIds": ids, "changeType": kind, "commitTimestamp": 1772442909000}
    return {"schema": "x", "payload": {"ChangeEventHeader": header, **fields}, "event": {"replayId": 1}}


def message(*notifications: str) -> bytes:
    head, _, rest = MESSAGE.partition(b"<Notification>")
    return head + "".join(notifications).encode() + rest[rest.rindex(b"</Notification>") + len(b"</Notification>") :]


def notification(its_id: str, fields: str, kind: str = "Contact") -> str:
    sobject = f'<sObject xsi:type="sf:{kind}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">{fields}</sObject>'
    return f"<Notification><Id>{its_id}</Id>{sobject}</Notification>"


class TestIds:
    """18 characters, whatever is sent."""

    @pytest.mark.parametrize(
        ("written", "its_id"),
        [
            ("0035e00000AbCdJ", "0035e00000AbCdJAAV"),
            ("0035e00000abcdj", "0035e00000abcdjAAA"),
            ("003AAAAAAAAAAAA", "003AAAAAAAAAAAAY55"),
            ("0035e00000AbCdEAAV", "0035e00000AbCdEAAV"),
        ],
    )
    def test_the_checksum_tells_cases_apart(self, written: str, its_id: str) -> None:
        assert told_of({"Id": written, "LastName": "Falk"}) == [(its_id, {"last_name": "Falk"})]

    def test_where_it_was_not_selected_the_address_has_it(self) -> None:
        attributes = {"type": "Lead", "url": "/services/data/v62.0/sobjects/Lead/00Q5e00000AbCdG"}
        assert told_of({"attributes": attributes, "LastName": "Pryce"}) == [
            ("00Q5e00000AbCdGEAV", {"last_name": "Pryce"})
        ]

    @pytest.mark.parametrize("its_id", ["0015e00000XyZaBAAV", "0035e00000AbCd", "0035e00000AbCdJA", "003", 35, None])
    def test_an_id_of_anything_else_proves_nothing(self, its_id: Any) -> None:
        assert detect({"Id": its_id, "email": "ada@example.com"}).source == "generic"


class TestObjects:
    """Objects of the API."""

    def kind(self, kind: str, **fields: Any) -> dict[str, Any]:
        return {
            "attributes": {"type": kind, "url": f"/services/data/v62.0/sobjects/{kind}/0015e00000XyZaBAAV"},
            **fields,
        }

    @pytest.mark.parametrize("kind", ["Account", "User", "Opportunity", "Case", "Contact__c"])
    def test_what_is_no_person_is_no_record(self, kind: str) -> None:
        found = read(self.kind(kind, Id="0015e00000XyZaBAAV", Name="Cobalt Freight", Email="x@example.com"))
        assert (found.source, found.variant, found.records) == ("salesforce", "sobject", [])

    def test_a_person_account_is(self) -> None:
        fields = {"IsPersonAccount": True, "PersonEmail": "mia@example.com", "LastName": "Tran", "PersonTitle": "Buyer"}
        [(_, contact)] = told_of(self.kind("Account", Name="Mia Tran", **fields))
        assert contact == {"email": "mia@example.com", "last_name": "Tran", "job_title": "Buyer"}

    def test_the_whole_name_counts_where_there_is_no_last_name(self) -> None:
        [(_, contact)] = told_of(self.kind("Contact", Name="Dr. Greta Falk", LastName=None))
        assert contact == {"full_name": "Dr. Greta Falk"}

    def test_who_owns_a_contact_is_not_the_contact(self) -> None:
        owner = {
            "attributes": {"type": "User", "url": "/services/data/v62.0/sobjects/User/0055"},
            "Email": "boss@example.com",
        }
        [found] = translated(read(self.kind("Contact", Email="mia@example.com", Owner=owner)))
        assert (found.contact.email, found.notes) == ("mia@example.com", ())

    def test_children_are_passed_over_and_a_deleted_one_is_told(self) -> None:
        children = {"totalSize": 1, "done": True, "records": [self.kind("Case")]}
        [found] = translated(read(self.kind("Contact", Email="mia@example.com", Cases=children, IsDeleted=True)))
        assert (found.deleted, dict(found.contact.fields)) == (True, {"email": "mia@example.com"})

    @pytest.mark.parametrize(("done", "codes"), [(True, []), (False, ["list_incomplete"])])
    def test_a_query_of_which_there_is_more_says_so(self, done: bool, codes: list[str]) -> None:
        found = read({"totalSize": 3000, "done": done, "records": [self.kind("Contact", Email="a@example.com")]})
        assert [note.code for note in found.notes] == codes

    def test_a_query_may_hold_anything(self) -> None:
        records = [self.kind("Contact", LastName="Falk"), self.kind("User"), None, 7, {"Id": "0035e00000AbCdJ"}]
        assert [its_id for its_id, _ in told_of({"totalSize": 5, "done": True, "records": records})] == [
            "0015e00000XyZaBAAV",
            "0035e00000AbCdJAAV",
        ]


class TestFlat:
    """What flows, Zapier and Make send."""

    @pytest.mark.parametrize("name", ["Account.Name", "Account__Name", "Account"])
    def test_the_account_of_a_person_account_is_the_person_and_no_company(self, name: str) -> None:
        account = {"Name": "Mia Tran", "Website": "https://mia.example"} if name == "Account" else "Mia Tran"
        fields = {"IsPersonAccount": True, "LastName": "Tran", "Email": "mia@example.com", name: account}
        [(_, contact)] = told_of({"Id": "0035e00000AbCdEAAV", **fields})
        assert contact == {"last_name": "Tran", "email": "mia@example.com"}

    @pytest.mark.parametrize("name", ["Account.Name", "Account__Name", "Account"])
    def test_a_company_in_each_spelling(self, name: str) -> None:
        value = {"Name": "Maple Parts"} if name == "Account" else "Maple Parts"
        [(_, contact)] = told_of({"Id": "0035e00000AbCdJ", "Email": "ravi@example.com", name: value})
        assert contact == {"email": "ravi@example.com", "company_name": "Maple Parts"}

    def test_a_list_of_serialised_objects(self) -> None:
        listed = [{"Id": "0035e00000AbCdJ", "LastName": "Menon"}, {"Id": "00Q5e00000AbCdG", "LastName": "Pryce"}]
        assert [its_id for its_id, _ in told_of(listed)] == ["0035e00000AbCdJAAV", "00Q5e00000AbCdGEAV"]


class TestEvents:
    """Change Data Capture and platform events."""

    @pytest.mark.parametrize("wrapped", ["payload", "data", "detail"])
    def test_in_each_envelope(self, wrapped: str) -> None:
        event = change("CREATE", ["0035e00000AbCdK"], Email="elif@example.com", Name={"LastName": "Kaya"})
        around = {"payload": event, "data": {"channel": "/data/x", "data": event}, "detail": {"detail": event}}[wrapped]
        assert told_of(around) == [("0035e00000AbCdKAAV", {"email": "elif@example.com", "last_name": "Kaya"})]

    def test_one_change_of_several_records_is_one_for_each(self) -> None:
        event = change("UPDATE", ["0035e00000AbCdK", "0035e00000AbCdL"], Title="Buyer")
        assert [(contact["job_title"]) for _, contact in told_of(event)] == ["Buyer", "Buyer"]

    @pytest.mark.parametrize(
        ("kind", "parts", "address"),
        [
            ("UPDATE", {"Street": "5 Elm Street", "City": "Lund", "PostalCode": "223 50"}, "5 Elm Street, 223 50 Lund"),
            ("UPDATE", {"Street": "5 Elm Street", "City": "Lund", "PostalCode": None}, "5 Elm Street, Lund"),
            ("UPDATE", {"Street": "5 Elm Street", "City": "Lund"}, None),
            ("UPDATE", {"Street": "5 Elm Street"}, None),
            ("CREATE", {"Street": "5 Elm Street", "City": "Lund"}, "5 Elm Street, Lund"),
        ],
    )
    @pytest.mark.parametrize("name", ["MailingAddress", "Address"])
    def test_a_changed_street_cuts_no_address_short(
        self, name: str, kind: str, parts: dict[str, Any], address: str | None
    ) -> None:
        [(_, contact)] = told_of(change(kind, ["0035e00000AbCdK"], "Contact", **{name: parts}))
        assert contact.get("address") == address
        assert contact.get("city") == parts.get("City")

    @pytest.mark.parametrize("kind", ["DELETE", "GAP_DELETE"])
    def test_a_delete_is_told(self, kind: str) -> None:
        found = translated(read(change(kind, ["0035e00000AbCdK", "0035e00000AbCdL"])))
        assert [(each.id, each.deleted) for each in found] == [
            ("0035e00000AbCdKAAV", True),
            ("0035e00000AbCdLAAV", True),
        ]

    @pytest.mark.parametrize("kind", ["UNDELETE", "GAP_CREATE", "GAP_UPDATE", "GAP_UNDELETE"])
    def test_what_only_says_that_something_happened_has_an_id_and_a_time(self, kind: str) -> None:
        [found] = translated(read(change(kind, ["0035e00000AbCdK"])))
        assert (found.id, found.updated_at, found.deleted) == ("0035e00000AbCdKAAV", "2026-03-02T09:15:09Z", False)
        assert [note.code for note in found.notes] == ["email_missing"]

    def test_lost_changes_are_said_and_are_no_record(self) -> None:
        found = read(change("GAP_OVERFLOW", ["0035e00000AbCdK"]))
        assert (found.records, [note.code for note in found.notes]) == ([], ["changes_lost"])

    def test_of_anything_else_there_is_no_record(self) -> None:
        assert read(change("CREATE", ["0065e00000AbCdK"], "Opportunity", Name="Deal")).records == []
        assert (
            len(read(change("CREATE", ["001"], "Account", IsPersonAccount=True, PersonEmail="a@example.com")).records)
            == 1
        )

    @pytest.mark.parametrize(
        ("fields", "its_id", "contact"),
        [
            (
                {"Contact_Id__c": "0035e00000AbCdM", "FirstName__c": "Iris"},
                "0035e00000AbCdMAAV",
                {"first_name": "Iris"},
            ),
            (
                {"RecordId__c": "0035e00000AbCdM", "Company__c": "Bauer AG"},
                "0035e00000AbCdMAAV",
                {"company_name": "Bauer AG"},
            ),
            ({"Name__c": "Iris Bauer"}, None, {"full_name": "Iris Bauer"}),
        ],
    )
    def test_a_platform_event_in_each_spelling(self, fields: dict[str, Any], its_id: str | None, contact: Any) -> None:
        payload = {"CreatedDate": 1772442911000, "Email__c": "iris@example.com", **fields}
        [found] = translated(read({"payload": payload, "event": {"replayId": 31}}))
        assert (found.id, found.updated_at) == (its_id, "2026-03-02T09:15:11Z")
        assert dict(found.contact.fields) == {"email": "iris@example.com", **contact}


class TestMessages:
    """Outbound messages."""

    def test_one_notification_alone(self) -> None:
        body = message(notification("04l1", "<sf:Id>0035e00000AbCdH</sf:Id><sf:Email>mia@example.com</sf:Email>"))
        assert told_of(read_xml(body)) == [("0035e00000AbCdHAAV", {"email": "mia@example.com"})]

    def test_other_objects_and_records_that_are_gone(self) -> None:
        gone = notification("04l2", "")
        body = message(notification("04l1", "<sf:Id>006</sf:Id>", "Opportunity"), gone)
        assert told_of(read_xml(body)) == [(None, {})]

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (b"http://soap.sforce.com/2005/09/outbound", b"http://soap.sforce.com/2006/08/outbound"),
            (b"http://schemas.xmlsoap.org/soap/envelope/", b"http://www.w3.org/2003/05/soap-envelope"),
            (b"<notifications xmlns", b"<notification xmlns"),
        ],
    )
    def test_another_namespace_is_another_system(self, old: bytes, new: bytes) -> None:
        document = MESSAGE.replace(old, new).replace(
            b"</notifications>", b"</" + new[1:13] + b">" if b"<n" in new else b"</notifications>"
        )
        value = read_xml(document)
        assert detect(value).source == "generic"
        [found] = translated(read(value, "salesforce"))
        assert found.error is not None
        assert found.error.code == "record_invalid"

    def test_it_is_kept_without_its_session(self) -> None:
        session = b"<SessionId>00D5e!AQ4AQ.live-session</SessionId>"
        whole = MESSAGE.replace(b'<SessionId xsi:nil="true"/>', session)
        assert session in whole
        assert b"live-session" not in SALESFORCE.kept(whole)
        assert read_xml(SALESFORCE.kept(whole)) == read_xml(MESSAGE.replace(b' xsi:nil="true"', b""))
        assert SALESFORCE.kept(MESSAGE) == MESSAGE
        prefixed = b"<n:SessionId >\nlive-session</n:SessionId >"
        assert SALESFORCE.kept(prefixed) == b"<n:SessionId/>"

    @pytest.mark.parametrize(("body", "answered"), [(MESSAGE, True), (b'{"Id": "003"}', False)])
    def test_it_wants_a_yes_of_its_own(self, body: bytes, answered: bool) -> None:
        told = SALESFORCE.acknowledgement(Inbound({}, {}, body))
        assert (told is not None) is answered
        if told:
            assert told[0].startswith("text/xml")
            envelope = "{http://schemas.xmlsoap.org/soap/envelope/}"
            outbound = "{http://soap.sforce.com/2005/09/outbound}"
            assert read_xml(told[1]) == {
                f"{envelope}Envelope": {
                    f"{envelope}Body": {f"{outbound}notificationsResponse": {f"{outbound}Ack": "true"}}
                }
            }


class TestWhose:
    """`verify`, `senders` and `sender_form`"""

    @pytest.mark.parametrize(
        ("body", "named"),
        [
            (MESSAGE, {ORGANISATION}),
            (MESSAGE.replace(b"00D5e0000012AbCEAU", b"00D5e0000012AbC"), {ORGANISATION}),
            (MESSAGE.replace(b"00D5e0000012AbCEAU", b"00d5e0000012abc"), {"00d5e0000012abcAAA"}),
            (MESSAGE.replace(b"OrganizationId", b"Organization"), set()),
            (b"<a/>", set()),
            (b"<a>", set()),
            (b"{}", set()),
        ],
    )
    def test_the_organisation_of_a_message(self, body: bytes, named: set[str]) -> None:
        assert SALESFORCE.senders(Inbound({}, {}, body)) == named

    @pytest.mark.parametrize("written", [ORGANISATION, ORGANISATION[:15], f" {ORGANISATION} "])
    def test_its_one_form(self, written: str) -> None:
        assert SALESFORCE.sender_form(written) == ORGANISATION

    @pytest.mark.parametrize("written", [None, "", "00D", "0035e0000012AbC", "00D5e0000012Ab-", f"{ORGANISATION}x"])
    def test_what_is_none(self, written: str | None) -> None:
        with pytest.raises(ValueError, match="00D"):
            SALESFORCE.sender_form(written)

    def test_json_is_not_proved_by_the_address(self) -> None:
        query = {"key": [SECRET]}
        assert SALESFORCE.verify(Inbound({}, query, MESSAGE), SECRET)
        assert not SALESFORCE.verify(Inbound({}, query, b'{"Id": "0035e00000AbCdJ"}'), SECRET)
