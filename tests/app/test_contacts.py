"""One contact in, and back: every outcome with its HTTP answer, and what Crisp has afterwards."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from connector.crisp import plan
from tests.app.stack import CRISP_KEY, DATABASES, WEBSITE, Crisp, Stack, ended, problem, until

pytestmark = pytest.mark.parametrize("database", DATABASES, indirect=True)

ADA = "ada@example.com"
PATH = f"/v1/contacts/{ADA}"
FULL = {
    "email": ADA,
    "first_name": "Ada",
    "last_name": "Lovelace",
    "company_name": "Analytical Ltd",
    "city": "London",
    "country": "gb",
    "segments": ["vip"],
    "data": {"plan": "pro"},
}


@pytest.fixture
def ada(api: FlaskClient) -> dict[str, Any]:
    """The outcome of a contact that Crisp has by now."""
    outcome: dict[str, Any] = api.post("/v1/contacts", json=FULL).get_json()
    assert outcome["status"] == "created", outcome
    return outcome


class TestUpsert:
    """POST /v1/contacts."""

    def test_an_empty_parameter_says_nothing(self, api: FlaskClient) -> None:
        """Platforms send every box of a form, filled in or not."""
        answer = api.post("/v1/contacts?source=&mode=&country=&timezone=&unmapped=&wait=", json=FULL)
        assert (answer.status_code, answer.get_json()["status"]) == (200, "created")

    def test_created(self, ada: dict[str, Any], crisp: Crisp) -> None:
        card = crisp.people()[ADA]
        assert ada["people_id"] == card["people_id"]
        assert (ada["email"], ada["source"], ada["calls"], ada["notes"]) == (ADA, "generic", 2, [])
        assert ada["contact"]["segments"] == ["vip"]
        assert ada["contact"]["country"] == "GB"
        assert set(ada["changed"]) == {"nickname", "company_name", "city", "country", "segments", "data.plan"}
        assert card["person"]["nickname"] == "Ada Lovelace"
        assert card["company"]["name"] == "Analytical Ltd"
        assert (card["segments"], card["data"]) == (["vip"], {"plan": "pro"})

    def test_unchanged_costs_no_call(self, api: FlaskClient, ada: dict[str, Any], crisp: Crisp) -> None:
        before = crisp.calls
        answer = api.post("/v1/contacts", json=FULL)
        assert answer.status_code == 200
        told = answer.get_json()
        assert (told["status"], told["calls"], told["changed"]) == ("unchanged", 0, [])
        assert told["people_id"] == ada["people_id"]
        assert crisp.calls == before

    def test_updated_writes_only_what_is_new(self, api: FlaskClient, ada: dict[str, Any], crisp: Crisp) -> None:
        before = crisp.calls
        told = api.post("/v1/contacts", json={**FULL, "city": "Paris", "segments": "vip, beta"}).get_json()
        assert (told["status"], sorted(told["changed"])) == ("updated", ["city", "segments"])
        assert told["calls"] == crisp.calls - before == 1
        card = crisp.people()[ADA]
        assert card["person"]["geolocation"]["city"] == "Paris"
        assert card["person"]["nickname"] == "Ada Lovelace"
        assert card["segments"] == ["vip", "beta"]

    def test_a_person_whom_only_crisp_knows_loses_nothing(self, api: FlaskClient, crisp: Crisp) -> None:
        crisp.add(ADA, "Countess", segments=["old"], person={"nickname": "Countess", "phone": "+44 20 7946 0000"})
        before = crisp.calls
        told = api.post("/v1/contacts", json={"email": ADA, "segments": ["new"]}).get_json()
        assert told["status"] == "updated"
        assert told["calls"] == crisp.calls - before <= 4
        card = crisp.people()[ADA]
        assert card["segments"] == ["old", "new"]
        assert card["person"]["nickname"] == "Countess"

    def test_older_than_what_is_known_is_superseded(self, api: FlaskClient, crisp: Crisp) -> None:
        api.post("/v1/contacts", json={"email": ADA, "city": "Paris", "updated_at": "2024-05-02T10:00:00Z"})
        before = crisp.calls
        answer = api.post("/v1/contacts", json={"email": ADA, "city": "Rome", "updated_at": "2024-05-01T10:00:00Z"})
        assert (answer.status_code, answer.get_json()["status"]) == (200, "superseded")
        assert crisp.calls == before
        assert crisp.people()[ADA]["person"]["geolocation"]["city"] == "Paris"

    def test_rejected_says_field_row_and_remedy(self, api: FlaskClient, crisp: Crisp) -> None:
        told = problem(api.post("/v1/contacts", json={"first_name": "Ada"}), 422, "email_missing")
        assert told["errors"] == [
            {"field": "email", "row": 1, "code": "email_missing", "message": told["errors"][0]["message"]}
        ]
        assert "Send one in a field named email" in told["message"]
        outcome = api.get(f"/v1/outcomes/{told['outcome_id']}").get_json()
        assert (outcome["status"], outcome["code"], outcome["calls"]) == ("rejected", "email_missing", 0)
        assert crisp.calls == 0

    def test_a_value_that_cannot_be_used_is_noted_and_the_rest_delivered(self, api: FlaskClient, crisp: Crisp) -> None:
        told = api.post("/v1/contacts", json={"email": ADA, "phone": "12", "shoe_size": 38}).get_json()
        assert told["status"] == "created"
        assert {(note["level"], note["field"], note["code"]) for note in told["notes"]} == {
            ("warning", "phone", "phone_dropped"),
            ("info", "shoe_size", "field_unmapped"),
        }

    def test_unmapped_fields_are_kept_as_data_when_asked_for(self, api: FlaskClient, crisp: Crisp) -> None:
        api.post("/v1/contacts?unmapped=data", json={"email": ADA, "shoe_size": 38})
        assert crisp.people()[ADA]["data"] == {"shoe_size": 38}

    def test_country_and_timezone_read_what_is_ambiguous(self, api: FlaskClient, crisp: Crisp) -> None:
        sent = {"email": ADA, "phone": "01 42 68 53 00", "updated_at": "2024-05-31T09:30:00"}
        api.post("/v1/contacts?country=FR&timezone=Europe/Paris", json=sent)
        assert crisp.people()[ADA]["person"]["phone"] == "+33142685300"
        older = {"email": ADA, "city": "Rome", "phone": "+33142685301", "updated_at": "2024-05-31T07:29:59Z"}
        told = api.post("/v1/contacts", json=older).get_json()
        assert told["changed"] == ["city"], "09:30 in Paris is 07:30 UTC, so the phone is older"

    def test_a_deletion_is_reported_and_nothing_deleted(
        self, api: FlaskClient, ada: dict[str, Any], crisp: Crisp
    ) -> None:
        page = {"object": "page", "id": "1c9d4e72-3b58-4f0a-9e61-7a2c8d05b3f4", "in_trash": True, "archived": True}
        page["properties"] = {"Email": {"id": "e", "type": "email", "email": ADA}}
        before = crisp.calls
        answer = api.post("/v1/contacts", json=page)
        told = answer.get_json()
        assert (answer.status_code, told["status"], told["source"]) == (200, "unchanged", "notion")
        assert [note["code"] for note in told["notes"]] == ["delete_reported"]
        assert crisp.calls == before
        assert ADA in crisp.people()

    @pytest.mark.parametrize("path", ["/v1/contacts", "/v1/contacts/batch"])
    @pytest.mark.parametrize(
        "payload", [{"verification_token": "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"}, []], ids=str
    )
    def test_without_records(self, api: FlaskClient, stack: Stack, path: str, payload: Any) -> None:
        answer = api.post(path, json=payload)
        assert (answer.status_code, answer.get_json()["records"]) == (200, 0)
        assert stack.count() == 0

    def test_several_records_are_sent_on_to_the_batch_route(self, api: FlaskClient, stack: Stack) -> None:
        told = problem(api.post("/v1/contacts", json={"records": [{"email": ADA}] * 2}), 422, "several_records")
        assert "/v1/contacts/batch" in told["message"]
        assert stack.count() == 0

    def test_mode_create_of_one_who_exists(self, api: FlaskClient, crisp: Crisp) -> None:
        crisp.add(ADA, "Countess")
        told = problem(
            api.post("/v1/contacts?mode=create", json={"email": ADA, "city": "Paris"}), 409, "contact_exists"
        )
        assert told["errors"][0]["field"] == "email"
        assert "city" not in crisp.people()[ADA]["person"].get("geolocation", {})

    def test_mode_create_of_one_who_is_known(self, api: FlaskClient, ada: dict[str, Any]) -> None:
        problem(api.post("/v1/contacts?mode=create", json={"email": ADA, "city": "Paris"}), 409, "contact_exists")

    def test_mode_update_of_one_who_is_not_there(self, api: FlaskClient, crisp: Crisp) -> None:
        told = problem(
            api.post("/v1/contacts?mode=update", json={"email": ADA, "city": "Rome"}), 404, "contact_missing"
        )
        assert told["errors"][0]["field"] == "email"
        assert crisp.people() == {}

    def test_mode_update_that_says_nothing_of_one_who_is_not_there(self, api: FlaskClient, crisp: Crisp) -> None:
        problem(api.post("/v1/contacts?mode=update", json={"email": ADA}), 404, "contact_missing")
        problem(api.patch(PATH, json={}), 404, "contact_missing")

    def test_mode_update_that_says_nothing_of_one_who_is(self, api: FlaskClient, crisp: Crisp) -> None:
        crisp.add(ADA)
        assert api.patch(PATH, json={}).get_json()["status"] == "unchanged"

    def test_mode_update_of_one_who_is(self, api: FlaskClient, crisp: Crisp) -> None:
        crisp.add(ADA)
        told = api.post("/v1/contacts?mode=update", json={"email": ADA, "city": "Paris"}).get_json()
        assert told["status"] == "updated"

    def test_by_people_id(self, api: FlaskClient, ada: dict[str, Any], crisp: Crisp) -> None:
        told = api.post("/v1/contacts", json={"people_id": ada["people_id"], "city": "Paris"}).get_json()
        assert (told["status"], told["people_id"]) == ("updated", ada["people_id"])
        assert crisp.people()[ADA]["person"]["geolocation"]["city"] == "Paris"

    @pytest.mark.parametrize("people_id", ["..", "../data/x", "a" * 200, "a b", "."])
    def test_a_people_id_that_is_none_never_gets_into_an_address(
        self, api: FlaskClient, crisp: Crisp, people_id: str
    ) -> None:
        problem(api.post("/v1/contacts", json={"people_id": people_id, "city": "Paris"}), 422, "email_missing")
        assert crisp.calls == 0


class TestUpdate:
    """PATCH /v1/contacts/{who} and its data."""

    def test_by_email(self, api: FlaskClient, ada: dict[str, Any], crisp: Crisp) -> None:
        told = api.patch(PATH, json={"job_title": "Analyst"}).get_json()
        assert (told["status"], told["changed"], told["email"]) == ("updated", ["job_title"], ADA)
        card = crisp.people()[ADA]
        assert card["person"]["employment"]["title"] == "Analyst"
        assert card["person"]["nickname"] == "Ada Lovelace"

    def test_by_people_id(self, api: FlaskClient, ada: dict[str, Any], crisp: Crisp) -> None:
        told = api.patch(f"/v1/contacts/{ada['people_id']}", json={"job_title": "Analyst"}).get_json()
        assert (told["status"], told["people_id"]) == ("updated", ada["people_id"])
        assert crisp.people()[ADA]["person"]["employment"]["title"] == "Analyst"

    def test_the_email_itself(self, api: FlaskClient, ada: dict[str, Any], crisp: Crisp) -> None:
        told = api.patch(PATH, json={"email": "countess@example.com"}).get_json()
        assert told["status"] == "updated"
        assert set(crisp.people()) == {"countess@example.com"}
        assert crisp.people()["countess@example.com"]["people_id"] == ada["people_id"]
        again = api.patch("/v1/contacts/countess@example.com", json={"city": "Paris"}).get_json()
        assert again["status"] == "updated"

    def test_the_email_itself_by_people_id(self, api: FlaskClient, ada: dict[str, Any], crisp: Crisp) -> None:
        told = api.patch(f"/v1/contacts/{ada['people_id']}", json={"email": "countess@example.com"}).get_json()
        assert told["status"] == "updated"
        assert set(crisp.people()) == {"countess@example.com"}

    @pytest.mark.parametrize("known", [True, False], ids=["known here", "known to Crisp alone"])
    def test_the_address_names_the_person_whatever_the_body_says(
        self, api: FlaskClient, crisp: Crisp, *, known: bool
    ) -> None:
        if known:
            api.post("/v1/contacts", json={"email": ADA})
        else:
            crisp.add(ADA)
        bob = crisp.add("bob@example.com")
        for body in ({"people_id": bob, "city": "Rome"}, {"id": bob, "email": ADA, "city": "Bern"}):
            told = api.patch(PATH, json=body).get_json()
            assert (told["status"], told["email"]) == ("updated", ADA)
            assert told["people_id"] in (None, crisp.people()[ADA]["people_id"])
        assert crisp.people()[ADA]["person"]["geolocation"]["city"] == "Bern"
        assert "geolocation" not in crisp.people()["bob@example.com"]["person"]

    def test_an_email_that_is_another_ones(self, api: FlaskClient, ada: dict[str, Any], crisp: Crisp) -> None:
        crisp.add("bob@example.com")
        told = problem(api.patch(PATH, json={"email": "bob@example.com"}), 409, "email_taken")
        assert told["errors"][0]["field"] == "email"

    def test_a_bad_new_email(self, api: FlaskClient, ada: dict[str, Any], crisp: Crisp) -> None:
        told = problem(api.patch(PATH, json={"email": "not an address"}), 422, "email_invalid")
        assert told["errors"][0]["field"] == "email"

    def test_of_one_who_is_not_there(self, api: FlaskClient, crisp: Crisp) -> None:
        problem(api.patch(PATH, json={"city": "Paris"}), 404, "contact_missing")
        assert crisp.people() == {}

    def test_unmapped_fields_are_kept_as_data_when_asked_for(
        self, api: FlaskClient, ada: dict[str, Any], crisp: Crisp
    ) -> None:
        api.patch(f"{PATH}?unmapped=data", json={"shoe_size": 38})
        assert crisp.people()[ADA]["data"] == {"plan": "pro", "shoe_size": 38}

    @pytest.mark.parametrize("who", [ADA, "5a7d8e0c-1d2f-4a3b-9c8d-7e6f5a4b3c2d"])
    def test_data_of_one_who_is_not_there(self, api: FlaskClient, crisp: Crisp, who: str) -> None:
        for sent in ({"plan": "pro"}, {"plan": None}):
            problem(api.patch(f"/v1/contacts/{who}/data", json=sent), 404, "contact_missing")
        assert crisp.calls == 2

    @pytest.mark.parametrize("wrapped", [False, True], ids=["bare", "in data"])
    def test_data_is_set_and_removed(
        self, api: FlaskClient, ada: dict[str, Any], crisp: Crisp, *, wrapped: bool
    ) -> None:
        sent = {"score": 7, "plan": None}
        told = api.patch(f"{PATH}/data", json={"data": sent} if wrapped else sent).get_json()
        assert told["status"] == "updated"
        assert set(told["changed"]) == {"data.score", "data.plan"}
        assert crisp.people()[ADA]["data"] == {"score": 7}

    def test_data_leaves_the_profile_alone(self, api: FlaskClient, ada: dict[str, Any], crisp: Crisp) -> None:
        before = crisp.people()[ADA]["person"]
        api.patch(f"{PATH}/data", json={"city": "Paris", "email": "x@example.com"})
        card = crisp.people()[ADA]
        assert card["person"] == before
        assert card["data"] == {"plan": "pro", "city": "Paris", "email": "x@example.com"}

    def test_idempotency_key(self, api: FlaskClient, ada: dict[str, Any], stack: Stack) -> None:
        sent: dict[str, Any] = {"json": {"city": "Paris"}, "headers": {"Idempotency-Key": "one"}}
        first, second = api.patch(PATH, **sent).get_json(), api.patch(PATH, **sent).get_json()
        assert first == second
        assert stack.count() == 2


class TestRead:
    """GET /v1/contacts/{who}."""

    def test_is_flat(self, api: FlaskClient, ada: dict[str, Any]) -> None:
        told = api.get(PATH).get_json()
        assert told["people_id"] == ada["people_id"]
        assert (told["email"], told["nickname"], told["city"]) == (ADA, "Ada Lovelace", "London")
        assert (told["company_name"], told["country"]) == ("Analytical Ltd", "GB")
        assert (told["segments"], told["data"]) == (["vip"], {"plan": "pro"})
        assert {"created_at", "updated_at"} <= set(told)
        assert all(value is None or value.endswith("Z") for value in (told["created_at"], told["updated_at"]))
        assert None not in {key: value for key, value in told.items() if not key.endswith("_at")}.values()

    def test_by_people_id_and_in_any_case(self, api: FlaskClient, ada: dict[str, Any]) -> None:
        plain = api.get(PATH).get_json()
        assert api.get(f"/v1/contacts/{ada['people_id']}").get_json() == plain
        assert api.get("/v1/contacts/ADA@Example.com").get_json() == plain

    def test_of_one_who_is_not_there(self, api: FlaskClient, crisp: Crisp) -> None:
        problem(api.get(PATH), 404, "contact_missing")

    def test_sees_what_is_in_crisp_now(self, api: FlaskClient, crisp: Crisp) -> None:
        crisp.add(ADA, "Countess")
        assert api.get(PATH).get_json()["nickname"] == "Countess"


class TestErase:
    """DELETE /v1/contacts/{who}."""

    def test_in_crisp_and_here(self, api: FlaskClient, ada: dict[str, Any], crisp: Crisp) -> None:
        answer = api.delete(PATH)
        assert answer.status_code == 200
        told = answer.get_json()
        assert (told["erased"], told["in_crisp"], told["people"], told["records"]) == (True, True, 1, 1)
        assert crisp.people() == {}
        outcome = api.get(f"/v1/outcomes/{ada['outcome_id']}").get_json()
        assert (outcome["status"], outcome["email"], outcome["contact"]) == ("created", None, None)

    def test_one_who_is_nowhere(self, api: FlaskClient, crisp: Crisp) -> None:
        problem(api.delete(PATH), 404, "contact_missing")

    def test_one_whom_only_crisp_has(self, api: FlaskClient, crisp: Crisp) -> None:
        crisp.add(ADA)
        assert api.delete(PATH).get_json()["in_crisp"] is True
        assert crisp.people() == {}

    def test_then_created_anew(self, api: FlaskClient, ada: dict[str, Any], crisp: Crisp) -> None:
        api.delete(PATH)
        assert api.post("/v1/contacts", json=FULL).get_json()["status"] == "created"


class TestWaiting:
    """202: the record is kept, the answer says why it waits and when it is tried again."""

    def test_without_waiting_for_it(self, api: FlaskClient, crisp: Crisp) -> None:
        crisp.switch(latency_ms=150)
        answer = api.post("/v1/contacts?wait=0", json=FULL)
        told = answer.get_json()
        assert (answer.status_code, told["status"], told["reason"]) == (202, "waiting", "in_progress")
        assert told["retry_at"].endswith("Z")
        assert int(answer.headers["Retry-After"]) >= 1
        assert "Location" not in answer.headers
        crisp.switch(latency_ms=0)
        assert ended(api, told["outcome_id"])["status"] == "created"

    def test_key_refused_then_replaced(self, api: FlaskClient, stack: Stack) -> None:
        stack.crisp.switch(key="another")
        answer = api.post("/v1/contacts", json=FULL)
        told = answer.get_json()
        assert (answer.status_code, told["status"], told["reason"]) == (202, "waiting", "connection_halted")
        assert told["retry_at"] is None
        assert "Retry-After" not in answer.headers
        assert api.get("/v1/me").get_json()["halted"] == "crisp_credential_refused"
        calls = stack.crisp.calls
        assert api.post("/v1/contacts", json={"email": "bob@example.com"}).get_json()["reason"] == "connection_halted"
        assert stack.crisp.calls == calls, "a halted connection makes no call"
        stack.crisp.switch(key=CRISP_KEY)
        assert stack.services.courier.check(WEBSITE, plan.check()) is None
        stack.services.engine.wake(WEBSITE)
        assert ended(api, told["outcome_id"])["status"] == "created"
        until(lambda: len(stack.crisp.people()) == 2)
        assert set(stack.crisp.people()) == {ADA, "bob@example.com"}

    def test_website_that_is_not_there(self, api: FlaskClient, stack: Stack) -> None:
        stack.crisp.switch(website_id="another")
        told = api.post("/v1/contacts", json=FULL)
        assert (told.status_code, told.get_json()["reason"]) == (202, "connection_halted")
        assert api.get("/v1/me").get_json()["halted"] == "crisp_website_missing"
        stack.crisp.switch(website_id=WEBSITE)
        assert stack.services.courier.check(WEBSITE, plan.check()) is None
        stack.services.engine.wake(WEBSITE)
        assert ended(api, told.get_json()["outcome_id"])["status"] == "created"

    def test_reading_on_a_halted_connection_says_so(self, api: FlaskClient, stack: Stack) -> None:
        stack.save(halted="crisp_credential_refused")
        told = problem(api.get(PATH), 503, "connection_halted")
        assert "crisp_credential_refused" in told["message"]
        assert stack.crisp.calls == 0

    def test_quota_used_up(self, api: FlaskClient, stack: Stack) -> None:
        stack.save(daily_quota=100)
        stack.use(100)
        answer = api.post("/v1/contacts", json=FULL)
        told = answer.get_json()
        assert (answer.status_code, told["reason"]) == (202, "quota_used_up")
        assert told["retry_at"] == api.get("/v1/me").get_json()["quota"]["resets_at"]
        assert 0 < int(answer.headers["Retry-After"]) <= 86_400
        assert stack.crisp.calls == 0
        refused = api.get(PATH)
        assert told["retry_at"] in problem(refused, 503, "quota_used_up")["message"]
        assert 0 < int(refused.headers["Retry-After"]) <= 86_400

    def test_crisp_refuses_more_than_is_believed(self, api: FlaskClient, stack: Stack) -> None:
        """It names the reset: the answer, `/v1/me` and a refused read say that moment, and what the day had."""
        stack.crisp.switch(daily_quota=0, retry_after=7200)
        told = api.post("/v1/contacts", json=FULL).get_json()
        quota = api.get("/v1/me").get_json()["quota"]
        assert (told["status"], told["reason"]) == ("waiting", "quota_used_up")
        assert told["retry_at"] == quota["resets_at"]
        assert (quota["limit"], quota["used"], quota["daily_quota"]) == (1, 1, 10_000)
        assert told["retry_at"] in problem(api.get(PATH), 503, "quota_used_up")["message"]

    def test_crisp_says_429(self, api: FlaskClient, stack: Stack) -> None:
        stack.crisp.switch(daily_quota=0, retry_after=60)
        answer = api.post("/v1/contacts", json=FULL)
        told = answer.get_json()
        assert (answer.status_code, told["reason"]) == (202, "crisp_rate_limited")
        assert 50 <= int(answer.headers["Retry-After"]) <= 60

    def test_a_short_pause_is_waited_for(self, api: FlaskClient, stack: Stack) -> None:
        stack.crisp.switch(daily_quota=0, retry_after=1)
        stack.crisp.switch(daily_quota=None)
        assert api.post("/v1/contacts", json=FULL).get_json()["status"] == "created"
