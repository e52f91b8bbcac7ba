"""Events that come about here: a record that is rejected, an import that is completed."""

import pytest
from flask.testing import FlaskClient

from connector.ids import new_id
from connector.ledger import news as telling
from tests.app.stack import DATABASES, Crisp, Stack, finished, problem, until
from tests.app.telling import Event, page, understand

pytestmark = pytest.mark.parametrize("database", DATABASES, indirect=True)


def news(stack: Stack, event: str) -> list[Event]:
    """What is told by now."""
    understand(stack)
    return page(stack.client(), event=event)


def test_what_is_told_late_is_where_somebody_who_polls_looks(api: FlaskClient, stack: Stack) -> None:
    """A record was rejected long ago, in a transaction that has taken its time; others were told meanwhile."""
    first = {"id": new_id(), "code": "email_invalid", "notes": [], "contact": {"email": "first@example.com"}}
    with stack.services.ledger.write() as connection:
        telling.rejected(connection, stack.tenant.id, [first], 2_000)
    [seen] = news(stack, "record_rejected")
    assert seen["contact"]["email"] == "first@example.com"
    with stack.services.ledger.write() as connection:
        telling.rejected(connection, stack.tenant.id, [{**first, "email": "late@example.com"}], 1_000)
    [late] = [each for each in news(stack, "record_rejected") if each["id"] != seen["id"]]
    assert late in page(api, f"since={seen['occurred_at']}", "record_rejected")


def test_a_record_that_is_rejected_on_its_way_in(api: FlaskClient, stack: Stack) -> None:
    problem(
        api.post("/v1/contacts", json={"email": "nobody", "nickname": "N", "segments": ["vip", "beta"]}),
        422,
        "email_invalid",
    )
    [told] = news(stack, "record_rejected")
    assert (told["event"], told["data"]["code"], told["data"]["source"]) == (
        "record_rejected",
        "email_invalid",
        "generic",
    )
    assert (told["contact"]["nickname"], told["contact"]["segments_text"]) == ("N", "vip, beta")
    outcome = api.get(f"/v1/outcomes/{told['data']['outcome_id']}").get_json()
    assert told["data"]["message"] == outcome["message"]


def test_a_record_that_crisp_refuses(api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
    crisp.add("ada@example.com")
    problem(
        api.post("/v1/contacts?mode=create", json={"email": "ada@example.com", "nickname": "A"}), 409, "contact_exists"
    )
    [told] = news(stack, "record_rejected")
    assert (told["data"]["code"], told["contact"]["email"]) == ("contact_exists", "ada@example.com")
    assert told["data"]["message"] == api.get(f"/v1/outcomes/{told['data']['outcome_id']}").get_json()["message"]


def test_an_import_that_is_completed(api: FlaskClient, stack: Stack) -> None:
    batch = api.post("/v1/contacts/batch", json=[{"email": "ada@example.com"}, {"email": "nobody"}]).get_json()
    finished(api, batch["import_id"])
    [told] = until(lambda: news(stack, "import_completed"))
    data = told["data"]
    assert (data["import_id"], data["records"], data["created"], data["rejected"]) == (batch["import_id"], 2, 1, 1)


def test_erasing_a_person_takes_it_out_of_what_was_told(api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
    crisp.add("ada@example.com")
    api.post("/v1/contacts?mode=create", json={"email": "ada@example.com", "nickname": "A"})
    assert api.delete("/v1/contacts/ada@example.com").status_code == 200
    assert news(stack, "record_rejected") == []


@pytest.mark.parametrize("by", ["people_id", "email"])
def test_a_rejected_record_is_told_of_whoever_it_names(api: FlaskClient, stack: Stack, crisp: Crisp, by: str) -> None:
    """With an address that is none, what names the person is what the caller named."""
    people_id = crisp.add("ada@example.com")
    who = people_id if by == "people_id" else "ada@example.com"
    problem(api.patch(f"/v1/contacts/{who}", json={"email": "nonsense", "nickname": "A"}), 422, "email_invalid")
    [told] = news(stack, "record_rejected")
    assert told["contact"][by] == who
    removed = api.delete(f"/v1/contacts/{who}").get_json()
    assert (removed["records"], removed["news"]) == (1, 1)
    assert news(stack, "record_rejected") == []


def test_a_record_that_names_its_person_by_id_alone(api: FlaskClient, stack: Stack) -> None:
    """Crisp has nobody of this id."""
    nobody = "c3a1f2d4-7e59-4b0a-9d16-5f8e2b7a4c03"
    problem(api.patch(f"/v1/contacts/{nobody}", json={"nickname": "A"}), 404, "contact_missing")
    [told] = news(stack, "record_rejected")
    assert told["contact"]["people_id"] == nobody
    assert api.delete(f"/v1/contacts/{nobody}").get_json()["news"] == 1
