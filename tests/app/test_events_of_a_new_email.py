"""Somebody's address is another in Crisp: it is told as a change of who is known, and kept."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from connector.events.finishing import Finishing
from connector.ledger.tables import records
from tests.app.stack import DATABASES, Crisp, Stack
from tests.app.telling import KEY, SECRET, change, claimed, now, page, told, understand
from tests.app.test_moving_addresses import hubspot, tell

pytestmark = pytest.mark.parametrize("database", DATABASES, indirect=True)

OLD, NEW, NEWEST = "ada@example.com", "countess@example.com", "lovelace@example.com"


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    return {"crisp_hook_secret": SECRET, "crisp_hook_key": KEY}


@pytest.fixture
def ada(stack: Stack, crisp: Crisp) -> str:
    """Somebody who is known whole."""
    people_id = crisp.add(OLD)
    told(stack, "people:profile:created", people_id=people_id, email=OLD)
    understand(stack)
    return people_id


@pytest.mark.parametrize("way", [told, claimed])
@pytest.mark.parametrize(
    "said",
    [
        {"update": {"email": NEW}},
        {"email": NEW, "update": {"email": NEW, "updated_at": 1}},
        {"email": NEW, "update": {"person": {"geolocation": {"city": "Paris"}}}},
        {"email": OLD, "update": {"email": " Countess@Example.com"}},
        {},
    ],
)
def test_it_is_told_with_what_it_was(
    stack: Stack, api: FlaskClient, crisp: Crisp, ada: str, way: Callable[..., None], said: dict[str, Any]
) -> None:
    change(crisp, ada, email=NEW)
    way(stack, "people:profile:updated", people_id=ada, **said)
    understand(stack)
    [event] = page(api)
    assert "email" in event["changed"]
    assert (event["previous"]["email"], event["contact"]["email"]) == (OLD, NEW)
    change(crisp, ada, notepad="x")
    told(stack, "people:profile:updated", people_id=ada, update={"notepad": "x"})
    understand(stack)
    event = page(api)[0]
    assert (event["contact"]["email"], event["changed"]) == (NEW, ["notepad"])


@pytest.mark.parametrize("way", [told, claimed])
@pytest.mark.parametrize("said", [{"update": {"email": NEW}}, {"email": NEW, "update": {}}, {"email": NEW}])
def test_it_is_told_also_where_nobody_is_named_but_by_the_new_one(
    stack: Stack, api: FlaskClient, crisp: Crisp, ada: str, way: Callable[..., None], said: dict[str, Any]
) -> None:
    change(crisp, ada, email=NEW)
    before = crisp.calls
    way(stack, "people:profile:updated", **said)
    understand(stack)
    [event] = page(api)
    assert (event["changed"], event["previous"], event["contact"]["people_id"]) == (["email"], {"email": OLD}, ada)
    assert (event["contact"]["email"], crisp.calls - before) == (NEW, 1)


def test_who_was_never_heard_of_has_had_no_other(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    crisp.add(NEW)
    told(stack, "people:profile:updated", email=NEW, update={"email": NEW})
    understand(stack)
    assert [(each["previous"], each["contact"]["email"]) for each in page(api)] == [({}, NEW)]


def test_a_hook_that_is_not_signed_changes_none(stack: Stack, api: FlaskClient, crisp: Crisp, ada: str) -> None:
    claimed(stack, "people:profile:updated", people_id=ada, email=NEW, update={"email": NEW})
    understand(stack)
    assert page(api) == []
    told(stack, "people:profile:updated", people_id=ada, update={"notepad": "x"})
    understand(stack)
    assert page(api)[0]["contact"]["email"] == OLD


def test_what_comes_late_brings_no_old_one_back(stack: Stack, api: FlaskClient, crisp: Crisp, ada: str) -> None:
    moment = now()
    change(crisp, ada, email=NEW)
    told(stack, "people:profile:updated", at=moment, people_id=ada, update={"email": NEW})
    understand(stack)
    told(stack, "people:profile:updated", at=moment - 1_000, people_id=ada, email=OLD, update={"notepad": "x"})
    understand(stack)
    assert {each["contact"]["email"] for each in page(api)} == {NEW}


def test_that_we_changed_it_is_no_news(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    """Also when that is told after we changed it once more."""
    sent = api.post("/v1/contacts", json={"email": OLD, "nickname": "Ada"}).get_json()
    moments = []
    for email in (NEW, NEWEST):
        assert api.patch(f"/v1/contacts/{sent['people_id']}", json={"email": email}).status_code == 200
        moments.append(now())
    for email, moment in zip((NEW, NEWEST), moments, strict=True):
        about = {"people_id": sent["people_id"], "email": email, "update": {"email": email}}
        told(stack, "people:profile:updated", at=moment, **about)
    told(stack, "people:profile:updated", at=moments[0] - 1, people_id=sent["people_id"], email=OLD, update={})
    understand(stack)
    assert page(api) == []
    told(stack, "people:profile:updated", people_id=sent["people_id"], update={"notepad": "x"})
    understand(stack)
    assert page(api)[0]["contact"]["email"] == NEWEST


def test_a_hook_of_before_brings_no_address_back_that_we_changed(
    stack: Stack, api: FlaskClient, crisp: Crisp, ada: str
) -> None:
    """Somebody changed something else in Crisp just before: that hook says the address of then."""
    moment = now()
    change(crisp, ada, notepad="x")
    assert api.patch(f"/v1/contacts/{ada}", json={"email": NEW}).status_code == 200
    told(stack, "people:profile:updated", at=moment, people_id=ada, email=OLD, update={"notepad": "x"})
    told(stack, "people:profile:updated", people_id=ada, email=NEW, update={"email": NEW})
    understand(stack)
    assert [(each["contact"]["email"], each["changed"]) for each in page(api)] == [(NEW, ["notepad"])]
    told(stack, "people:profile:updated", people_id=ada, update={"notepad": "y"})
    understand(stack)
    assert page(api)[0]["contact"]["email"] == NEW


def test_an_address_that_we_change_while_the_profile_is_read_stays(
    stack: Stack, api: FlaskClient, crisp: Crisp, ada: str
) -> None:
    tools, read = stack.services.events._finishing.tools, list[Any]()

    def reads(connection_id: str, plan: Any) -> Any:
        read.append(tools.reads(connection_id, plan))
        assert api.patch(f"/v1/contacts/{ada}", json={"email": NEW}).status_code == 200
        return read[0]

    change(crisp, ada, notepad="x")
    told(stack, "people:profile:updated", people_id=ada, update={"updated_at": 1})
    understand(stack, finishing=Finishing(replace(tools, reads=reads)))
    assert (len(read), page(api)[0]["changed"]) == (1, ["notepad"])
    told(stack, "people:profile:updated", people_id=ada, update={"notepad": "y"})
    understand(stack)
    assert page(api)[0]["contact"]["email"] == NEW


@pytest.mark.parametrize(
    ("ours", "changed", "kept"),
    [
        ({"email": NEWEST}, [], {"email": NEWEST}),
        ({"email": OLD, "nickname": "Ada"}, [["email"]], {"email": NEW, "nickname": "Ada"}),
    ],
)
def test_what_we_change_before_it_is_known_whose_the_new_one_is_stays(
    stack: Stack,
    api: FlaskClient,
    crisp: Crisp,
    ada: str,
    ours: dict[str, str],
    changed: list[list[str]],
    kept: dict[str, str],
) -> None:
    tools, read = stack.services.events._finishing.tools, list[Any]()

    def reads(connection_id: str, plan: Any) -> Any:
        read.append(tools.reads(connection_id, plan))
        if len(read) == 1:
            assert api.patch(f"/v1/contacts/{ada}", json=ours).status_code == 200
        return read[-1]

    change(crisp, ada, email=NEW)
    told(stack, "people:profile:updated", email=NEW, update={"email": NEW})
    understand(stack, finishing=Finishing(replace(tools, reads=reads)))
    assert [each["changed"] for each in page(api)] == changed
    told(stack, "people:profile:updated", people_id=ada, update={"notepad": "x"})
    understand(stack)
    contact = page(api)[0]["contact"]
    assert {**contact, **kept} == contact


def test_who_is_erased_by_the_address_of_before_is_not_said_to_have_had_it(
    stack: Stack, api: FlaskClient, crisp: Crisp, ada: str
) -> None:
    change(crisp, ada, email=NEW)
    told(stack, "people:profile:updated", people_id=ada, update={"email": NEW})
    understand(stack)
    assert page(api)[0]["previous"] == {"email": OLD}
    assert api.delete(f"/v1/contacts/{OLD}").status_code in (200, 202)
    assert [each for each in page(api) if OLD in str(each)] == []


def test_that_ours_has_the_same_address_makes_no_change_of_it_ours(
    stack: Stack, api: FlaskClient, crisp: Crisp, ada: str
) -> None:
    """A record that is tried says it as the name of whom it is about, and changes nobody's."""
    change(crisp, ada, email=NEW)
    stack.use(10_000_000)
    sent = api.post("/v1/contacts?wait=0", json={"email": NEW, "nickname": "Countess"}).get_json()
    with stack.services.ledger.write() as connection:
        tried = update(records).where(records.c.id == sent["outcome_id"])
        connection.execute(tried.values(attempts=1, due_at=now() + 3_600_000))
    stack.use(0)
    told(stack, "people:profile:updated", people_id=ada, update={"email": NEW})
    understand(stack)
    [event] = page(api)
    assert ("email" in event["changed"], event["previous"]["email"]) == (True, OLD)


@pytest.mark.parametrize("bound", [True, False])
def test_what_is_said_in_a_conversation_is_still_theirs(
    stack: Stack, api: FlaskClient, crisp: Crisp, ada: str, bound: bool
) -> None:
    """Whether Crisp told with whom it is, or only the address that a visitor left."""
    told(stack, "session:set_email", session_id="session_1", email=OLD)
    if bound:
        told(stack, "people:bind:session", session_id="session_1", people_id=ada)
    change(crisp, ada, email=NEW)
    told(stack, "people:profile:updated", people_id=ada, update={"email": NEW})
    understand(stack)
    told(stack, "session:set_data", session_id="session_1", data={"plan": "pro"})
    understand(stack)
    [event] = page(api, event="conversation_data_changed")
    assert (event["contact"]["people_id"], event["contact"]["email"]) == (ada, NEW)
    assert "partial" not in event


@pytest.mark.parametrize(("minute", "email"), [(2, NEW), (None, OLD)])
def test_a_sources_record_still_leads_to_the_person(
    stack: Stack, api: FlaskClient, crisp: Crisp, minute: int | None, email: str
) -> None:
    """Though the source has not heard of the new address: nobody is made twice. Of the two the newer stays."""
    [sent] = tell(api, hubspot(1, OLD, firstname="Ada"))
    change(crisp, sent["people_id"], email=NEW)
    told(stack, "people:profile:updated", people_id=sent["people_id"], update={"email": NEW})
    understand(stack)
    later = hubspot(1, OLD, firstname="Ada", city="Paris")
    later["properties"]["lastmodifieddate"] = f"2026-03-02T10:{minute:02}:00Z" if minute else _written(now() + 1)
    [again] = tell(api, later)
    assert (again["status"], again["people_id"]) == ("updated", sent["people_id"])
    assert [(each, card["people_id"]) for each, card in crisp.people().items()] == [(email, sent["people_id"])]


def _written(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1000, UTC).isoformat()
