"""What a deletion in a source does here: it is noted, passed over, marked with a segment, or the contact is erased; and
what the law wants erased is erased. Every one of them is an outcome, and the outcomes add up."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from connector.budget import DAY
from connector.inbound import Arrivals
from connector.ledger import records
from connector.samples import of_source
from tests.app.inbound import arrivals_of, carried_out, kept, made, outcomes_of, send, took_in
from tests.app.stack import DATABASES, Stack, ended, finished, problem, until

pytestmark = [pytest.mark.parametrize("database", DATABASES, indirect=True), pytest.mark.usefixtures("no_addresses")]

ADA, BOB = "ada@example.com", "bob@example.com"
SHOP = {"X-Shopify-Shop-Domain": "lumen-demo.myshopify.com"}


def event(kind: str, its_id: int, number: int, **more: Any) -> dict[str, Any]:
    """One of HubSpot's."""
    told = {"subscriptionType": kind, "objectId": its_id, "occurredAt": 1772442000000 + number}
    return {"eventId": number, "subscriptionId": 3, "portalId": 62500001, **told, **more}


def email(its_id: int, address: str, number: int) -> dict[str, Any]:
    return event("contact.propertyChange", its_id, number, propertyName="email", propertyValue=address)


def hubspot(api: FlaskClient, stack: Stack, *events: dict[str, Any], **options: Any) -> dict[str, Any]:
    """An address at which these have come, delivered one after the other."""
    one = made(api, "hubspot", **options)
    for each in events:
        tell(stack, one, [each])
        outcome(api, one)
    return one


def customer(its_id: int, deleted: str) -> dict[str, Any]:
    """A row of PrestaShop's."""
    named = {"id": its_id, "email": ADA, "firstname": "Ada", "lastname": "Lovelace", "id_default_group": "3"}
    return {**named, "deleted": deleted, "date_add": "2026-01-02 09:00:00", "date_upd": "2026-03-02 09:00:00"}


def tell(stack: Stack, one: dict[str, Any], value: Any, **headers: str) -> None:
    """Something comes to the address, and is taken in."""
    assert send(stack, one, value, headers=headers).status_code == 200
    took_in(stack)


def outcome(api: FlaskClient, one: dict[str, Any]) -> dict[str, Any]:
    """What became of the record that came last."""
    return ended(api, arrivals_of(api, one)[0]["outcome_id"])


def codes(told: dict[str, Any]) -> list[str]:
    return [note["code"] for note in told["notes"]]


def adds_up(stack: Stack, count: int) -> dict[str, int]:
    """The outcomes of all that came, whose sum is checked when they are counted."""
    with stack.services.ledger.read() as connection:
        totals = records.totals_of_connection(connection, stack.tenant.id)
    assert totals.records == count
    assert sum(totals.by_status.values()) == count
    return dict(totals.by_status)


class TestOption:
    """`on_delete` of an address."""

    @pytest.mark.parametrize("said", ["note", "ignore", "erase", "segment:gone", "segment:No longer a customer"])
    def test_it_is_kept_as_it_is_said(self, api: FlaskClient, said: str) -> None:
        one = made(api, "hubspot", on_delete=said)
        assert api.get(f"/v1/inbound/{one['id']}").get_json()["on_delete"] == said
        assert api.patch(f"/v1/inbound/{one['id']}", json={"on_delete": None}).get_json()["on_delete"] is None

    @pytest.mark.parametrize("said", ["delete", "", "segment", "segment:", "segment: ", "segment:a,b", "ERASE", 7])
    def test_anything_else_is_refused_with_the_field(self, api: FlaskClient, said: Any) -> None:
        told = problem(api.post("/v1/inbound", json={"source": "hubspot", "on_delete": said}), 422, "parameter_invalid")
        assert told["errors"][0]["field"] == "on_delete"


@pytest.mark.parametrize(
    ("option", "status", "notes", "left"),
    [
        (None, "unchanged", ["delete_reported"], [ADA]),
        ("note", "unchanged", ["delete_reported"], [ADA]),
        ("ignore", "unchanged", [], [ADA]),
        ("segment:gone", "updated", ["delete_reported"], [ADA]),
        ("erase", "updated", ["erased"], []),
    ],
)
@pytest.mark.parametrize("kind", ["contact.deletion", "contact.privacyDeletion"])
def test_a_contact_that_is_known_by_the_id_is_deleted_there(
    api: FlaskClient, stack: Stack, kind: str, option: str | None, status: str, notes: list[str], left: list[str]
) -> None:
    one = hubspot(api, stack, email(51, ADA, 1), **({} if option is None else {"on_delete": option}))
    calls = stack.crisp.calls
    tell(stack, one, [event(kind, 51, 2)])
    assert carried_out(stack) == (option == "erase")
    told = outcome(api, one)
    assert (told["status"], codes(told)) == (status, notes)
    assert stack.crisp.calls - calls == told["calls"] == (0 if status == "unchanged" else 1)
    assert list(stack.crisp.people()) == left
    if option == "segment:gone":
        assert stack.crisp.people()[ADA]["segments"] == ["gone"]
    adds_up(stack, 2)


class TestErase:
    """`on_delete: erase`."""

    def test_nothing_of_the_person_is_left_and_what_was_said_before_is_counted(
        self, api: FlaskClient, stack: Stack
    ) -> None:
        one = hubspot(api, stack, email(51, ADA, 1), on_delete="erase")
        tell(stack, one, [event("contact.deletion", 51, 2)])
        assert carried_out(stack) == 1
        assert ADA not in kept(stack)
        assert adds_up(stack, 2) == {"created": 1, "updated": 1}

    def test_a_service_that_runs_does_it_by_itself(self, api: FlaskClient, stack: Stack) -> None:
        one = hubspot(api, stack, email(51, ADA, 1), on_delete="erase")
        runner = Arrivals(stack.services)
        runner.start()
        try:
            send(stack, one, [event("contact.deletion", 51, 2)])
            runner.kick()
            assert until(lambda: not stack.crisp.people())
            assert until(lambda: adds_up(stack, 2) == {"created": 1, "updated": 1})
        finally:
            runner.stop()

    def test_who_is_not_known_is_noted(self, api: FlaskClient, stack: Stack) -> None:
        one = hubspot(api, stack, on_delete="erase")
        tell(stack, one, [event("contact.deletion", 51, 1)])
        assert (carried_out(stack), codes(outcome(api, one))) == (0, ["delete_reported"])

    def test_whom_crisp_has_lost_already_is_forgotten_here(self, api: FlaskClient, stack: Stack) -> None:
        one = hubspot(api, stack, email(51, ADA, 1), on_delete="erase")
        stack.crisp.remove(ADA)
        tell(stack, one, [event("contact.deletion", 51, 2)])
        assert carried_out(stack) == 1
        told = outcome(api, one)
        assert (told["status"], codes(told), ADA in kept(stack)) == ("unchanged", ["erased"], False)

    def test_whom_another_record_says_too_stays(self, api: FlaskClient, stack: Stack) -> None:
        one = hubspot(api, stack, email(51, ADA, 1), email(52, ADA, 2), on_delete="erase")
        tell(stack, one, [event("contact.merge", 51, 3, primaryObjectId=51, mergedObjectIds=[52], newObjectId=51)])
        assert (carried_out(stack), codes(outcome(api, one))) == (0, ["delete_reported"])
        assert list(stack.crisp.people()) == [ADA]

    def test_of_two_accounts_an_id_erases_nobody(self, api: FlaskClient, stack: Stack) -> None:
        hubspot(api, stack, email(51, ADA, 1))
        other = made(api, "hubspot", on_delete="erase")
        tell(stack, other, [event("contact.deletion", 51, 2)])
        assert (carried_out(stack), list(stack.crisp.people())) == (0, [ADA])

    def test_several_at_once_are_an_import_that_ends(self, api: FlaskClient, stack: Stack) -> None:
        one = hubspot(api, stack, email(51, ADA, 1), email(52, BOB, 2), on_delete="erase")
        tell(stack, one, [event("contact.deletion", its_id, 3) for its_id in (51, 52, 53)])
        import_id = arrivals_of(api, one)[0]["import_id"]
        assert api.get(f"/v1/imports/{import_id}").get_json()["totals"]["waiting"] == 2
        assert carried_out(stack) == 2
        totals = finished(api, import_id)["totals"]
        assert (totals["updated"], totals["unchanged"], totals["calls"]) == (2, 1, 2)
        assert stack.crisp.people() == {}
        adds_up(stack, 5)

    @pytest.mark.parametrize(
        ("fails", "code"), [({"halted": "crisp_credential_refused"}, "connection_halted"), ({}, "crisp_unreachable")]
    )
    def test_it_waits_while_crisp_cannot_be_told(
        self, api: FlaskClient, stack: Stack, fails: dict[str, Any], code: str
    ) -> None:
        one = hubspot(api, stack, email(51, ADA, 1), on_delete="erase")
        stack.save(**fails)
        stack.crisp.switch(error_rate=0.0 if fails else 1.0)
        tell(stack, one, [event("contact.deletion", 51, 2)])
        assert carried_out(stack) == 1
        told = api.get(f"/v1/outcomes/{arrivals_of(api, one)[0]['outcome_id']}").get_json()
        assert (told["status"], told["reason"], told["email"]) == ("waiting", code, ADA)
        assert adds_up(stack, 2) == {"created": 1, "waiting": 1}

    def test_what_came_after_it_makes_the_contact_anew(self, api: FlaskClient, stack: Stack) -> None:
        one = hubspot(api, stack, email(51, ADA, 1), on_delete="erase")
        tell(stack, one, [event("contact.deletion", 51, 2)])
        again = api.post("/v1/contacts?wait=0", json={"email": ADA}).get_json()
        assert again["status"] == "waiting", "it is not told before the contact is gone, nor taken for unchanged"
        first = stack.crisp.people()[ADA]["people_id"]
        assert carried_out(stack) == 1
        assert ended(api, again["outcome_id"])["status"] == "created"
        assert stack.crisp.people()[ADA]["people_id"] != first

    def test_a_batch_of_the_api_erases_nobody(self, api: FlaskClient, stack: Stack) -> None:
        hubspot(api, stack, email(51, ADA, 1), on_delete="erase")
        told = api.post("/v1/contacts", json=[event("contact.deletion", 51, 2)]).get_json()
        assert (told["status"], codes(told), carried_out(stack)) == ("unchanged", ["delete_reported"], 0)


class TestSegment:
    """`on_delete: segment:NAME`."""

    def test_who_has_it_already_is_not_told_again(self, api: FlaskClient, stack: Stack) -> None:
        one = hubspot(api, stack, email(51, ADA, 1), on_delete="segment:gone")
        tell(stack, one, [event("contact.deletion", 51, 2)])
        outcome(api, one)
        tell(stack, one, [event("contact.deletion", 51, 3)])
        assert (outcome(api, one)["status"], outcome(api, one)["calls"]) == ("unchanged", 0)

    def test_nobody_is_created_for_it(self, api: FlaskClient, stack: Stack) -> None:
        one = hubspot(api, stack, email(51, ADA, 1), on_delete="segment:gone")
        stack.crisp.remove(ADA)
        tell(stack, one, [event("contact.deletion", 51, 2)])
        told = outcome(api, one)
        assert (told["status"], told["code"], stack.crisp.people()) == ("rejected", "contact_missing", {})


@pytest.mark.parametrize("option", ["erase", "segment:gone"])
class TestWhomNothingButTheAddressSays:
    """The record is deleted over there, and nothing has led from it to somebody before."""

    def test_somebody_of_the_same_address_stays_as_is(self, api: FlaskClient, stack: Stack, option: str) -> None:
        deleted = next(each for each in of_source("pipedrive") if each.name == "webhook_v2_delete_merged")
        address = deleted.records[0]["contact"]["email"]
        stack.crisp.add(address)
        one = made(api, "pipedrive", on_delete=option)
        tell(stack, one, deleted.value)
        told = outcome(api, one)
        assert (carried_out(stack), told["status"], codes(told)) == (0, "unchanged", ["delete_reported"])
        assert stack.crisp.people()[address]["segments"] == []

    def test_a_row_that_was_deleted_long_ago_is_not_the_customer_who_came_back(
        self, api: FlaskClient, stack: Stack, option: str
    ) -> None:
        """Of two rows that come together, whichever is first."""
        one = made(api, "prestashop", on_delete=option)
        gone, back = customer(5, "1"), customer(9, "0")
        for both in ([gone, back], [back, gone]):
            tell(stack, one, {"customers": both})
            import_id = arrivals_of(api, one)[0]["import_id"]
            assert (carried_out(stack), finished(api, import_id)["totals"]["rejected"]) == (0, 0)
            assert stack.crisp.people()[ADA]["segments"] == []

    def test_who_comes_back_beside_the_row_that_is_deleted_now_stays(
        self, api: FlaskClient, stack: Stack, option: str
    ) -> None:
        one = made(api, "prestashop", on_delete=option)
        tell(stack, one, {"customers": [customer(5, "0")]})
        outcome(api, one)
        tell(stack, one, {"customers": [customer(5, "1"), customer(9, "0")]})
        finished(api, arrivals_of(api, one)[0]["import_id"])
        assert (carried_out(stack), stack.crisp.people()[ADA]["segments"]) == (0, [])

    def test_of_a_source_without_ids_the_address_is_enough(self, api: FlaskClient, stack: Stack, option: str) -> None:
        stack.crisp.add(ADA)
        one = made(api, on_delete=option)
        tell(stack, one, {"email": ADA, "deleted": True})
        carried_out(stack)
        assert outcome(api, one)["status"] == "updated"


class TestShopify:
    """What the law wants: answered, carried out, and recorded, whatever `on_delete` says."""

    @pytest.fixture
    def one(self, api: FlaskClient) -> dict[str, Any]:
        return made(api, "shopify", on_delete="ignore")

    def customer(self, stack: Stack, one: dict[str, Any], its_id: int, address: str) -> None:
        said = {"id": its_id, "admin_graphql_api_id": f"gid://shopify/Customer/{its_id}", "email": address}
        tell(stack, one, said, **{"X-Shopify-Topic": "customers/update"})

    def ask(self, stack: Stack, one: dict[str, Any], topic: str, **customer: Any) -> None:
        said = {"shop_id": 954889, "shop_domain": "lumen-demo.myshopify.com"}
        told = {**said, "customer": customer} if customer else said
        tell(stack, one, told, **{"X-Shopify-Topic": topic, **SHOP})

    @pytest.mark.parametrize("said", [{"email": ADA}, {"email": "older@example.com"}, {"email": None}])
    def test_a_customer_is_redacted(
        self, api: FlaskClient, stack: Stack, one: dict[str, Any], said: dict[str, Any]
    ) -> None:
        self.customer(stack, one, 7030, ADA)
        outcome(api, one)
        self.ask(stack, one, "customers/redact", id=7030, **said)
        assert carried_out(stack) == 1
        told = outcome(api, one)
        assert (told["status"], codes(told), told["email"], told["calls"]) == ("updated", ["erased"], None, 1)
        assert (stack.crisp.people(), ADA in kept(stack)) == ({}, False)
        adds_up(stack, 2)

    def test_a_customer_whom_only_crisp_knows(self, api: FlaskClient, stack: Stack, one: dict[str, Any]) -> None:
        stack.crisp.add(ADA)
        self.ask(stack, one, "customers/redact", id=7030, email=ADA)
        assert carried_out(stack) == 1
        assert (outcome(api, one)["status"], stack.crisp.people()) == ("updated", {})

    def test_a_shop_is_redacted_customer_by_customer(self, api: FlaskClient, stack: Stack, one: dict[str, Any]) -> None:
        for its_id, address in ((1, ADA), (2, BOB)):
            self.customer(stack, one, its_id, address)
            outcome(api, one)
        api.post("/v1/contacts", json={"email": "no.customer@example.com"})
        self.ask(stack, one, "shop/redact")
        import_id = arrivals_of(api, one)[0]["import_id"]
        assert carried_out(stack) == 2
        assert finished(api, import_id)["totals"]["updated"] == 2
        assert list(stack.crisp.people()) == ["no.customer@example.com"]
        adds_up(stack, 5)

    def test_a_whole_shop_leaves_what_is_kept_for_single_contacts(
        self, api: FlaskClient, stack: Stack, one: dict[str, Any]
    ) -> None:
        for its_id, address in ((1, ADA), (2, BOB), (3, "cy@example.com")):
            self.customer(stack, one, its_id, address)
            outcome(api, one)
        stack.save(daily_quota=100)
        stack.use(95, resets_in=DAY // 2)
        self.ask(stack, one, "shop/redact")
        assert carried_out(stack) == 3
        import_id = arrivals_of(api, one)[0]["import_id"]
        assert api.get(f"/v1/imports/{import_id}").get_json()["totals"]["waiting"] == 3
        ids = [each["outcome_id"] for each in api.get(f"/v1/imports/{import_id}/records").get_json()]
        assert {api.get(f"/v1/outcomes/{its_id}").get_json()["reason"] for its_id in ids} == {"quota_used_up"}
        self.ask(stack, one, "customers/redact", id=3, email="cy@example.com")
        assert carried_out(stack) == 1
        assert sorted(stack.crisp.people()) == [ADA, BOB], "the law's month is long; who asks alone is heard at once"

    def test_of_two_shops_it_is_only_told(self, api: FlaskClient, stack: Stack, one: dict[str, Any]) -> None:
        made(api, "shopify")
        self.customer(stack, one, 1, ADA)
        outcome(api, one)
        self.ask(stack, one, "shop/redact")
        assert (carried_out(stack), outcomes_of(api, one)[0]) == (0, "privacy_requested")
        assert list(stack.crisp.people()) == [ADA]

    @pytest.mark.parametrize("topic", ["customers/data_request", "shop/redact"])
    def test_what_is_about_nobody_known_stands_among_the_arrivals(
        self, api: FlaskClient, stack: Stack, one: dict[str, Any], topic: str
    ) -> None:
        self.ask(stack, one, topic, **({"id": 1, "email": ADA} if topic == "customers/data_request" else {}))
        assert (carried_out(stack), outcomes_of(api, one)) == (0, ["privacy_requested"])
