"""Webhooks of HubSpot, Pipedrive and Zoho CRM: each is proved in its own way, kept once, and becomes people."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.samples import of_source
from tests.app.inbound import (
    Headers,
    arrivals_of,
    body_of,
    count,
    kept,
    made,
    outcomes_of,
    path,
    post,
    refused,
    stored,
    took_in,
)
from tests.app.stack import Stack, ended, finished

pytestmark = pytest.mark.usefixtures("no_addresses")
PUBLIC = "https://connector.example"
SECRET = "hs-client-secret-0001"
FORM = "application/x-www-form-urlencoded"
SAMPLES = {(source, each.name): each for source in ("hubspot", "pipedrive", "zoho") for each in of_source(source)}


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    """The service is behind a proxy, and known to the outside by another name."""
    return {"public_url": f"{PUBLIC}/"}


def value(source: str, name: str) -> Any:
    return SAMPLES[source, name].value


def outcome(api: FlaskClient, one: dict[str, Any]) -> dict[str, Any]:
    """What became of the record that came last."""
    return ended(api, arrivals_of(api, one)[0]["outcome_id"])


# HubSpot's signatures, made as its documentation says.


def v1(body: bytes, secret: str = SECRET) -> Headers:
    told = hashlib.sha256(secret.encode() + body).hexdigest()
    return {"X-HubSpot-Signature": told, "X-HubSpot-Signature-Version": "v1"}


def v2(body: bytes, url: str, secret: str = SECRET) -> Headers:
    told = hashlib.sha256(f"{secret}POST{url}".encode() + body).hexdigest()
    return {"X-HubSpot-Signature": told, "X-HubSpot-Signature-Version": "v2"}


def v3(body: bytes, url: str, at: int, secret: str = SECRET) -> Headers:
    mac = hmac.new(secret.encode(), f"POST{url}".encode() + body + str(at).encode(), hashlib.sha256).digest()
    told = base64.b64encode(mac).decode()
    return {"X-HubSpot-Signature-v3": told, "X-HubSpot-Request-Timestamp": str(at)}


def event(kind: str, object_id: int = 51, number: int = 1, **more: Any) -> dict[str, Any]:
    told = {"subscriptionType": kind, "objectId": object_id, "occurredAt": 1772442000000 + number}
    return {"eventId": number, "subscriptionId": 3, "portalId": 62500001, "attemptNumber": 0, **told, **more}


def changed(name: str, to: str, object_id: int = 51, number: int = 1) -> dict[str, Any]:
    return event("contact.propertyChange", object_id, number, propertyName=name, propertyValue=to)


class TestHubSpot:
    """An app's webhooks, and workflows."""

    @pytest.fixture
    def one(self, api: FlaskClient) -> dict[str, Any]:
        return made(api, "hubspot", secret=SECRET)

    def signed(self, stack: Stack, one: dict[str, Any], told: Any) -> TestResponse:
        """A true request of the newest kind."""
        body = body_of(told)
        return post(stack, one, body, {**v1(body), **v3(body, one["url"], stack.services.courier.clock())})

    def test_each_of_its_signatures_is_taken(self, stack: Stack, one: dict[str, Any]) -> None:
        now = stack.services.courier.clock()
        for number, query in enumerate(("", "x=1", "q=a%2Fb%3Ac&y=%20")):
            url = f"{one['url']}?{query}" if query else one["url"]
            shown = url.replace("%2F", "/").replace("%3A", ":")
            body = body_of([changed("email", "ada@example.com", number=number)])
            for headers in (v1(body), v2(body, url), v3(body, url, now), v3(body, shown, now)):
                assert stored(post(stack, one, body, headers, query)), (query, headers)
        assert count(stack) == 3

    def test_what_is_wrong_is_refused_alike(self, stack: Stack, one: dict[str, Any]) -> None:
        now, url, body = stack.services.courier.clock(), one["url"], body_of([changed("email", "ada@example.com")])
        late, early, other = now - 300_001 - 1000, now + 301_000, one["url"] + "x"
        wrong = {**v3(body, url, now), "X-HubSpot-Signature-v3": "AAAA"}
        refused(
            stack,
            post(stack, one, body),
            *(post(stack, one, body, v3(body, url, at)) for at in (late, early, 0)),
            *(post(stack, one, body, headers) for headers in (v3(body, other, now), v2(body, other))),
            *(post(stack, one, body, v3(body, f"http://localhost{path(one)}", now)) for _ in range(1)),
            *(post(stack, one, body, {**wrong, **older}) for older in (v1(body), v2(body, url))),
            post(stack, one, body, {**v1(body), "X-HubSpot-Signature-v3": ""}),
            post(stack, one, body, v3(body, url, now), query="x=1"),
            *(post(stack, one, body + b" ", headers) for headers in (v1(body), v2(body, url), v3(body, url, now))),
            *(post(stack, one, body, sign) for sign in (v1(body, "other-secret"), v3(body, url, now, "other-secret"))),
            post(stack, one, body, v1(body, one["id"])),
            post(stack, one, body, query=f"key={SECRET}"),
        )
        assert stored(post(stack, one, body, v3(body, url, now)))

    def test_other_accounts_of_a_public_app_are_refused(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api, "hubspot", secret=SECRET, sender="62500001")
        assert one["sender"] == "62500001"
        mine, theirs = changed("email", "ada@example.com"), {**changed("email", "b@example.com"), "portalId": 62500002}
        unsaid = {key: said for key, said in mine.items() if key != "portalId"}
        wrong: list[Any] = [[theirs], [mine, theirs], [unsaid], [], {}, b"["]
        refused(stack, *(self.signed(stack, one, each) for each in wrong))
        assert stored(self.signed(stack, one, [mine]))
        assert stored(self.signed(stack, one, value("hubspot", "workflow_v1")))
        key = {"X-API-Key": stack.key("write")}
        assert stored(post(stack, one, [theirs], key)), "whose key it is may send what it likes"
        api.patch(f"/v1/inbound/{one['id']}", json={"sender": None})
        assert stored(self.signed(stack, one, [{**theirs, "eventId": 2}]))

    def test_events_make_and_change_a_contact_that_is_known_by_its_id(
        self, api: FlaskClient, stack: Stack, one: dict[str, Any]
    ) -> None:
        assert stored(self.signed(stack, one, [changed("firstname", "Ada"), changed("email", "ada@example.com")]))
        took_in(stack)
        assert outcome(api, one)["status"] == "created"
        assert stored(self.signed(stack, one, [changed("jobtitle", "Engineer", number=2)]))
        assert stored(self.signed(stack, one, [changed("jobtitle", "Poet", number=1, object_id=52)]))
        took_in(stack)
        assert outcomes_of(api, one) == ["email_missing", "accepted", "accepted"]
        told = ended(api, arrivals_of(api, one)[1]["outcome_id"])
        assert (told["status"], told["email"]) == ("updated", "ada@example.com")
        assert stack.crisp.people()["ada@example.com"]["person"]["employment"] == {"title": "Engineer"}

    def test_of_a_hundred_events_one_bad_one_keeps_nobody_back(
        self, api: FlaskClient, stack: Stack, one: dict[str, Any]
    ) -> None:
        events: list[Any] = [changed("email", f"p{n}@example.com", n, n) for n in range(1, 100)]
        assert stored(self.signed(stack, one, [*events[:40], {"subscriptionType": None}, *events[40:]]))
        took_in(stack)
        totals = finished(api, arrivals_of(api, one)[0]["import_id"])["totals"]
        assert (totals["records"], totals["created"], totals["rejected"]) == (100, 99, 1)

    def test_a_try_is_no_other_event(self, stack: Stack, one: dict[str, Any]) -> None:
        for attempt in (0, 1, 2):
            again = [{**each, "attemptNumber": attempt} for each in value("hubspot", "webhook_property_changes")]
            assert stored(self.signed(stack, one, again))
        assert count(stack) == 1
        assert stored(self.signed(stack, one, value("hubspot", "webhook_deletion_merge")))
        assert stored(self.signed(stack, one, [changed("email", "ada@example.com")]))
        assert stored(self.signed(stack, one, [changed("email", "ada@example.com", number=2)]))
        assert count(stack) == 4

    def test_the_test_button_and_events_of_other_things_are_answered_well(
        self, api: FlaskClient, stack: Stack, one: dict[str, Any]
    ) -> None:
        """The button sends a creation of the contact 123, which nobody has."""
        assert stored(self.signed(stack, one, [event("contact.creation", 123)]))
        assert stored(self.signed(stack, one, [event("company.creation", 9001)]))
        assert stored(self.signed(stack, one, []))
        assert took_in(stack) == 3
        assert outcomes_of(api, one) == ["no_records", "no_records", "email_missing"]

    def test_a_deletion_deletes_nothing(self, api: FlaskClient, stack: Stack, one: dict[str, Any]) -> None:
        assert stored(self.signed(stack, one, [event("contact.privacyDeletion", 302)]))
        took_in(stack)
        told = outcome(api, one)
        assert (told["status"], [note["code"] for note in told["notes"]]) == ("unchanged", ["delete_reported"])

    def test_a_workflow_may_sign_or_send_a_key(self, api: FlaskClient, stack: Stack, one: dict[str, Any]) -> None:
        body = body_of({"email": "ada@example.com", "firstname": "Ada"})
        assert stored(post(stack, one, body, v2(body, one["url"])))
        assert stored(post(stack, one, body, {"X-API-Key": stack.key("write")}))
        took_in(stack)
        assert outcomes_of(api, one) == ["accepted", "accepted"]

    def test_a_client_secret_that_was_made_anew(self, api: FlaskClient, stack: Stack, one: dict[str, Any]) -> None:
        api.patch(f"/v1/inbound/{one['id']}", json={"secret": "hs-client-secret-0002"})
        now = stack.services.courier.clock()
        for number, secret in enumerate(("hs-client-secret-0002", SECRET)):
            body = body_of([changed("email", "ada@example.com", number=number)])
            assert stored(post(stack, one, body, v3(body, one["url"], now, secret)))
        assert count(stack) == 2
        assert SECRET not in kept(stack)


class TestPipedrive:
    """Webhooks of both versions."""

    @pytest.fixture
    def one(self, api: FlaskClient) -> dict[str, Any]:
        return made(api, "pipedrive")

    def basic(self, user: str, password: str) -> Headers:
        return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}

    def true(self, one: dict[str, Any]) -> Headers:
        return self.basic("pipedrive", one["secret"])

    @pytest.mark.parametrize("name", ["webhook_v2_change", "webhook_v1_updated"])
    def test_a_person_that_changed(self, api: FlaskClient, stack: Stack, one: dict[str, Any], name: str) -> None:
        assert stored(post(stack, one, value("pipedrive", name), self.true(one)))
        took_in(stack)
        expected = SAMPLES["pipedrive", name].records[0]["contact"]
        told = outcome(api, one)
        assert (told["status"], told["email"]) == ("created", expected["email"])

    def test_another_user_or_password_is_refused(self, api: FlaskClient, stack: Stack, one: dict[str, Any]) -> None:
        body, secret, other = value("pipedrive", "webhook_v2_change"), one["secret"], made(api, "pipedrive")
        pairs = [("admin", secret), ("", secret), ("pipedrive", ""), ("pipedrive", secret[:-1]), ("Pipedrive", secret)]
        refused(
            stack,
            post(stack, one, body),
            *(post(stack, one, body, self.basic(*pair)) for pair in (*pairs, ("pipedrive", other["secret"]))),
            post(stack, one, body, {"Authorization": f"Bearer {secret}"}),
            post(stack, one, body, {"X-API-Key": secret}),
            post(stack, one, body, query=f"key={secret}"),
        )
        assert stored(post(stack, one, body, self.true(one)))

    def test_a_password_of_ones_own(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api, "pipedrive", secret="s3crét, très long")
        assert stored(post(stack, one, value("pipedrive", "webhook_v2_change"), self.true(one)))

    @pytest.mark.parametrize("name", ["webhook_v2_change", "webhook_v1_updated", "webhook_v2_delete_merged"])
    def test_a_try_is_no_other_event(self, stack: Stack, one: dict[str, Any], name: str) -> None:
        told = value("pipedrive", name)
        for attempt in (1, 2, 3):
            again = {**told, "retry": attempt, "meta": {**told["meta"], "attempt": attempt}}
            assert stored(post(stack, one, again, self.true(one)))
        assert count(stack) == 1
        later = {**told["meta"], "id": "another", "timestamp_micro": 1772442907595190}
        assert stored(post(stack, one, {**told, "meta": later}, self.true(one)))
        assert count(stack) == 2

    def test_hooks_of_other_things_and_of_deletions(self, api: FlaskClient, stack: Stack, one: dict[str, Any]) -> None:
        deal = {"meta": {"entity": "deal", "version": "2.0", "action": "change", "id": "1"}, "data": {"title": "Deal"}}
        for told in (deal, value("pipedrive", "webhook_v2_delete_merged")):
            assert stored(post(stack, one, told, self.true(one)))
        took_in(stack)
        assert outcomes_of(api, one) == ["accepted", "no_records"]
        assert [note["code"] for note in outcome(api, one)["notes"]] == ["delete_reported"]
        assert stack.crisp.people() == {}


class TestZoho:
    """Channels and workflows."""

    @pytest.fixture
    def one(self, api: FlaskClient) -> dict[str, Any]:
        return made(api, "zoho")

    def told(self, one: dict[str, Any], name: str = "notification_edit", **more: Any) -> dict[str, Any]:
        return {**value("zoho", name), "token": one["secret"], **more}

    def test_the_secret_is_short_enough_for_a_token(self, one: dict[str, Any]) -> None:
        assert len(one["secret"]) <= 50

    def test_a_notification_with_its_values(self, api: FlaskClient, stack: Stack, one: dict[str, Any]) -> None:
        assert stored(post(stack, one, self.told(one)))
        took_in(stack)
        totals = finished(api, arrivals_of(api, one)[0]["import_id"])["totals"]
        assert (totals["created"], totals["rejected"]) == (1, 1), "of the other it says only that it changed"
        ids = ["4876876000000376001"]
        phone = [{"record_id": ids[0], "values": {"Phone": "+44 20 7946 0322"}}]
        assert stored(post(stack, one, self.told(one, ids=ids, affected_values=phone, server_time=1772442999999)))
        took_in(stack)
        told = outcome(api, one)
        assert (told["status"], told["contact"]["phone"]) == ("updated", "+442079460322")

    def test_its_token_is_not_kept(self, stack: Stack, one: dict[str, Any]) -> None:
        assert stored(post(stack, one, self.told(one)))
        everything = kept(stack)
        assert "channel_id" in everything
        assert one["secret"] not in everything
        assert "shared-url-secret" not in everything

    def test_without_its_token_it_is_refused(self, api: FlaskClient, stack: Stack, one: dict[str, Any]) -> None:
        secret, other = one["secret"], made(api, "zoho")["secret"]
        wrong = [None, "", [secret], secret[:-1], secret + "x", other, 7, {"token": secret}]
        missing = {key: said for key, said in self.told(one).items() if key != "token"}
        refused(
            stack,
            *(post(stack, one, self.told(one, token=token)) for token in wrong),
            *(post(stack, one, told, query=f"key={secret}") for told in (missing, self.told(one, token=None))),
            post(stack, one, body_of(self.told(one))[:-1]),
        )
        assert stored(post(stack, one, self.told(one)))

    def test_of_channels_only_the_one_that_was_registered(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api, "zoho", sender="1000000068001")
        refused(stack, *(post(stack, one, self.told(one, channel_id=each)) for each in ("1000000068002", None, 7)))
        form = SAMPLES["zoho", "webhook_form"].body
        refused(stack, post(stack, one, form, {"Content-Type": FORM}, f"key={one['secret']}"))
        for channel in ("1000000068001", 1000000068001):
            assert stored(post(stack, one, self.told(one, channel_id=channel)))

    def test_a_workflows_form_and_json(self, api: FlaskClient, stack: Stack, one: dict[str, Any]) -> None:
        query = f"key={one['secret']}"
        form = SAMPLES["zoho", "webhook_form"].body
        assert stored(post(stack, one, form, {"Content-Type": FORM}, query))
        assert stored(post(stack, one, value("zoho", "webhook_raw_json"), query=query))
        assert stored(post(stack, one, form, {"Content-Type": FORM, "X-API-Key": stack.key("write")}))
        took_in(stack)
        assert outcomes_of(api, one) == ["accepted"] * 3
        for found in arrivals_of(api, one):
            ended(api, found["outcome_id"])
        assert sorted(stack.crisp.people()) == ["ana.sousa@example.com", "zoe.blanc@example.com"]

    def test_the_address_must_have_the_secret_once(self, api: FlaskClient, stack: Stack, one: dict[str, Any]) -> None:
        key, told = one["secret"], value("zoho", "webhook_raw_json")
        odd = ["", "key=", f"key={key}&key={key}", f"key={key[:-1]}", f"token={key}", f"KEY={key}"]
        refused(stack, *(post(stack, one, told, query=query) for query in odd))

    def test_the_same_notification_is_kept_once(self, stack: Stack, one: dict[str, Any]) -> None:
        for _ in range(2):
            assert stored(post(stack, one, self.told(one)))
        assert count(stack) == 1
        assert stored(post(stack, one, self.told(one, server_time=1772442908124)))
        assert count(stack) == 2

    def test_other_modules_and_deletions(self, api: FlaskClient, stack: Stack, one: dict[str, Any]) -> None:
        assert stored(post(stack, one, self.told(one, "notification_delete")))
        assert stored(post(stack, one, self.told(one, module="Deals")))
        took_in(stack)
        assert outcomes_of(api, one) == ["no_records", "accepted"]
        told = ended(api, arrivals_of(api, one)[1]["outcome_id"])
        assert (told["status"], [note["code"] for note in told["notes"]]) == ("unchanged", ["delete_reported"])


def test_its_headers_tell_where_a_body_comes_from_on_the_other_routes_too(api: FlaskClient, stack: Stack) -> None:
    body = {"email": "ada@example.com", "firstname": "Ada", "jobtitle": "Engineer"}
    for headers, source in (({}, "generic"), ({"X-HubSpot-Signature-v3": "proves nothing"}, "hubspot")):
        (record,) = api.post("/v1/preview", json=body, headers=headers).get_json()["records"]
        assert record["source"] == source
    told = api.post("/v1/contacts", json=body, headers={"X-HubSpot-Signature": "nor does this"}).get_json()
    assert (told["source"], told["contact"]["job_title"]) == ("hubspot", "Engineer")


@pytest.mark.parametrize("source", ["hubspot", "pipedrive", "zoho"])
def test_who_only_looks_is_answered(api: FlaskClient, stack: Stack, source: str) -> None:
    one = made(api, source)
    assert stack.client(None).get(path(one)).status_code == 200
    assert one["url"] == f"{PUBLIC}/in/{source}/{one['id']}"
    assert one["secret"] not in json.dumps(one["steps"])
