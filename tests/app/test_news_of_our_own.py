"""Events that come about here: a record that is rejected, an import that is completed."""

import pytest
from flask.testing import FlaskClient

from tests.app.stack import DATABASES, Crisp, Stack, finished, problem, until

pytestmark = pytest.mark.parametrize("database", DATABASES, indirect=True)


def test_a_record_that_is_rejected_on_its_way_in(api: FlaskClient) -> None:
    problem(
        api.post("/v1/contacts", json={"email": "nobody", "nickname": "N", "segments": ["vip", "beta"]}),
        422,
        "email_invalid",
    )
    [told] = api.get("/v1/events/record_rejected").get_json()
    assert (told["event"], told["data"]["code"], told["data"]["source"]) == (
        "record_rejected",
        "email_invalid",
        "generic",
    )
    assert (told["contact"]["nickname"], told["contact"]["segments_text"]) == ("N", "vip, beta")
    assert api.get(f"/v1/outcomes/{told['data']['outcome_id']}").status_code == 200


def test_a_record_that_crisp_refuses(api: FlaskClient, crisp: Crisp) -> None:
    crisp.add("ada@example.com")
    problem(
        api.post("/v1/contacts?mode=create", json={"email": "ada@example.com", "nickname": "A"}), 409, "contact_exists"
    )
    [told] = api.get("/v1/events/record_rejected").get_json()
    assert (told["data"]["code"], told["contact"]["email"]) == ("contact_exists", "ada@example.com")


def test_an_import_that_is_completed(api: FlaskClient) -> None:
    batch = api.post("/v1/contacts/batch", json=[{"email": "ada@example.com"}, {"email": "nobody"}]).get_json()
    finished(api, batch["import_id"])
    [told] = until(lambda: api.get("/v1/events/import_completed").get_json())
    data = told["data"]
    assert (data["import_id"], data["records"], data["created"], data["rejected"]) == (batch["import_id"], 2, 1, 1)


def test_erasing_a_person_takes_it_out_of_what_was_told(api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
    crisp.add("ada@example.com")
    api.post("/v1/contacts?mode=create", json={"email": "ada@example.com", "nickname": "A"})
    assert api.delete("/v1/contacts/ada@example.com").status_code == 200
    assert api.get("/v1/events/record_rejected").get_json() == []
