"""A person whose address changes in a source stays the same contact: the ledger knows which record is which person."""

import json
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from connector.manifest import shipped
from connector.samples import Sample, of_source
from tests.app.inbound import body_of, made, send, took_in
from tests.app.stack import Stack, ended, until

NEW = "somebody.else@example.org"
# What these say of a single person, whole.
KEEPS_IDS = [key for key, source in shipped().sources.items() if source.global_ids]
SAMPLES = {
    "dynamics": "web_api_contact",
    "hubspot": "contact_v3",
    "notion": "page",
    "pipedrive": "webhook_v2_change",
    "prestashop": "customer",
    "salesforce": "contact_sobject",
    "shopify": "customers_create_2024",
    "woocommerce": "customer_updated",
    "zoho": "lead_record",
}


def sample(source: str) -> Sample:
    return next(each for each in of_source(source) if each.name == SAMPLES[source])


def changed(body: bytes, old: str, new: str) -> bytes:
    """The body with another address, however the first is written there."""
    return re.sub(re.escape(old).encode(), new.encode(), body, flags=re.IGNORECASE)


def post(api: FlaskClient, told: Sample, body: bytes) -> dict[str, Any]:
    """What became of it in the end."""
    answer = api.post("/v1/contacts", data=body, headers={"Content-Type": told.content_type, **told.headers})
    assert answer.status_code in (200, 202), answer.get_json()
    return ended(api, answer.get_json()["outcome_id"])


def test_every_source_whose_ids_last_has_a_sample_here() -> None:
    assert sorted(KEEPS_IDS) == sorted(SAMPLES)


@pytest.mark.parametrize("source", SAMPLES)
def test_the_same_contact_has_the_new_address_after_one_call(api: FlaskClient, stack: Stack, source: str) -> None:
    told = sample(source)
    old = told.records[0]["contact"]["email"]
    first = post(api, told, told.body)
    assert (first["status"], first["email"]) == ("created", old)
    calls = stack.crisp.calls
    second = post(api, told, changed(told.body, old, NEW))
    assert (second["status"], second["email"], second["calls"]) == ("updated", NEW, 1)
    assert (stack.crisp.calls - calls, second["changed"]) == (1, ["email"])
    people = stack.crisp.people()
    assert (list(people), people[NEW]["people_id"]) == ([NEW], first["people_id"])
    assert post(api, told, changed(told.body, old, NEW))["status"] == "unchanged"
    assert stack.crisp.calls - calls == 1


def hubspot(its_id: int, email: str | None, at: int = 1, **more: str) -> dict[str, Any]:
    """A contact of the CRM API; `at`: the minute in which it was changed."""
    said = {"hs_object_id": str(its_id), "email": email, "lastmodifieddate": f"2026-03-02T10:{at:02}:00Z", **more}
    return {"id": str(its_id), "createdAt": "2026-03-01T10:00:00Z", "archived": False, "properties": said}


def tell(api: FlaskClient, *values: Any) -> list[dict[str, Any]]:
    """Each in its turn; what became of them in the end."""
    found = [api.post("/v1/contacts", json=value).get_json()["outcome_id"] for value in values]
    return [ended(api, each) for each in found]


class TestWhoMoves:
    """When another address is the same person, and when it is another."""

    def test_an_older_event_does_not_take_the_address_back(self, api: FlaskClient, stack: Stack) -> None:
        tell(api, hubspot(1, "a@example.com", 1, firstname="Ada"), hubspot(1, "b@example.com", 3, city="Paris"))
        (late,) = tell(api, hubspot(1, "a@example.com", 2, jobtitle="Poet"))
        assert (late["status"], list(stack.crisp.people())) == ("updated", ["b@example.com"])
        assert stack.crisp.people()["b@example.com"]["person"]["employment"] == {"title": "Poet"}

    def test_and_it_may_change_back(self, api: FlaskClient, stack: Stack) -> None:
        tell(api, *(hubspot(1, f"{name}@example.com", at) for at, name in enumerate("aba")))
        assert list(stack.crisp.people()) == ["a@example.com"]
        assert stack.crisp.stats()["creations"] == {"a@example.com": 1}

    def test_an_address_that_somebody_has_is_that_persons(self, api: FlaskClient, stack: Stack) -> None:
        tell(api, hubspot(1, "a@example.com"), hubspot(2, "b@example.com"))
        (told,) = tell(api, hubspot(1, "b@example.com", 2, city="Paris"))
        assert (told["status"], told["email"]) == ("updated", "b@example.com")
        assert sorted(stack.crisp.people()) == ["a@example.com", "b@example.com"]

    def test_an_address_that_only_crisp_knows_is_refused_once_in_words(self, api: FlaskClient, stack: Stack) -> None:
        tell(api, hubspot(1, "a@example.com"))
        stack.crisp.add("b@example.com")
        (told,) = tell(api, hubspot(1, "b@example.com", 2, city="Paris"))
        assert (told["status"], told["code"]) == ("rejected", "email_taken")

    def test_of_two_records_with_one_address_neither_takes_it_along(self, api: FlaskClient, stack: Stack) -> None:
        tell(api, hubspot(1, "a@example.com"), hubspot(2, "a@example.com"))
        (told,) = tell(api, hubspot(2, "b@example.com", 2))
        assert (told["status"], sorted(stack.crisp.people())) == ("created", ["a@example.com", "b@example.com"])

    def test_what_knows_the_id_alone_finds_the_person_after_the_move(self, api: FlaskClient, stack: Stack) -> None:
        page = sample("notion")
        old = page.records[0]["contact"]["email"]
        post(api, page, page.body)
        tell(api, hubspot(1, old, 1), hubspot(1, NEW, 2))
        nameless = json.loads(page.body)
        nameless["properties"] = {k: v for k, v in nameless["properties"].items() if v["type"] != "email"}
        (told,) = tell(api, nameless)
        assert (told["status"], told["email"], list(stack.crisp.people())) == ("unchanged", NEW, [NEW])

    def test_an_order_with_an_address_of_its_own_moves_nobody(self, api: FlaskClient, stack: Stack) -> None:
        account = sample("woocommerce")
        order = next(each for each in of_source("woocommerce") if each.name == "order_created_guest")
        (record,) = account.records
        email = record["contact"]["email"]
        post(api, account, account.body)
        told = post(api, order, body_of({**json.loads(order.body), "customer_id": int(record["id"])}))
        assert (told["email"], list(stack.crisp.people())) == (email, [email])

    @pytest.mark.usefixtures("no_addresses")
    def test_of_two_shops_the_same_id_is_two_people(self, api: FlaskClient, stack: Stack) -> None:
        one, two = (made(api, "woocommerce") for _ in range(2))
        for shop, email in ((one, "a@example.com"), (two, "b@example.com")):
            said = {"id": 26, "email": email, "is_paying_customer": False, "billing": {}}
            assert send(stack, shop, said, headers={"X-WC-Webhook-Topic": "customer.updated"}).status_code == 200
        assert took_in(stack) == 2
        assert until(lambda: sorted(stack.crisp.people()) == ["a@example.com", "b@example.com"])


class TestBeforeItIsDelivered:
    """Several changes that wait together."""

    def test_changes_that_wait_together_make_one_contact(self, api: FlaskClient, stack: Stack) -> None:
        stack.save(halted="crisp_credential_refused")
        told = [
            api.post("/v1/contacts", json=hubspot(1, f"{name}@example.com", at)).get_json()["outcome_id"]
            for at, name in enumerate("abc")
        ]
        stack.save()
        stack.services.engine.wake(stack.tenant.id)
        assert {ended(api, each)["status"] for each in told} <= {"created", "superseded"}
        assert list(stack.crisp.people()) == ["c@example.com"]
        (more,) = tell(api, hubspot(1, "d@example.com", 9))
        assert (more["status"], list(stack.crisp.people())) == ("updated", ["d@example.com"])
