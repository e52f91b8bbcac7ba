"""Events that come late, twice, in the wrong order, or from who has no business to tell them."""

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from connector.events.finishing import Finishing
from connector.events.runner import Runner
from connector.ids import new_id
from connector.ledger import hooks, people, tables
from connector.services import listener
from tests.app.stack import DATABASES, WEBSITE, Crisp, Stack, until
from tests.app.telling import KEY, SECRET, Event, change, claimed, now, page, told, understand

pytestmark = pytest.mark.parametrize("database", DATABASES, indirect=True)

INVENTED = "5a7d8e0c-1d2f-4a3b-9c8d-7e6f5a4b3c2d"


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    return {"crisp_hook_secret": SECRET, "crisp_hook_key": KEY}


def city(name: str | None) -> dict[str, Any]:
    return {"person": {"geolocation": {"city": name}}}


def moves(stack: Stack, crisp: Crisp, people_id: str, name: str, at: int | None = None) -> None:
    """Somebody at Crisp says that the person lives there, and Crisp tells it."""
    change(crisp, people_id, **city(name))
    told(stack, "people:profile:updated", at=at, people_id=people_id, update=city(name))
    understand(stack)


def known(stack: Stack, *names: str) -> list[str]:
    """Of these names those of whom the ledger knows somebody."""
    with stack.services.ledger.read() as connection:
        return sorted(people.by_who(connection, stack.tenant.id, names))


def test_who_is_known_by_a_change_is_new_all_the_same(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    """Crisp repeats the news that somebody was made, and it comes after that of a change."""
    people_id = crisp.add("ada@example.com")
    moves(stack, crisp, people_id, "Paris")
    told(stack, "people:profile:created", people_id=people_id)
    understand(stack)
    [event] = page(api, event="contact_created")
    assert (event["contact"]["email"], event["contact"]["city"]) == ("ada@example.com", "Paris")


@pytest.mark.parametrize("behind", [0, 240_000])
def test_whom_we_made_is_no_news(stack: Stack, api: FlaskClient, behind: int) -> None:
    """Also when Crisp's clock is so many milliseconds behind ours: its hooks are taken all the same."""
    sent = api.post("/v1/contacts", json={"email": "ada@example.com", "nickname": "Ada"}).get_json()
    told(stack, "people:profile:created", at=now() - behind, people_id=sent["people_id"])
    understand(stack)
    assert page(api, event="contact_created") == []
    [own] = page(api, "include_own=1", event="contact_created")
    assert own["contact"]["nickname"] == "Ada"


def test_whom_somebody_makes_while_we_change_another_of_that_address_is_news(
    stack: Stack, api: FlaskClient, crisp: Crisp
) -> None:
    """An update creates nobody, and may be under way for one whom Crisp has lost."""
    lost = api.post("/v1/contacts", json={"email": "ada@example.com"}).get_json()["people_id"]
    api.patch(f"/v1/contacts/{lost}", json={"job_title": "Engineer"})
    with stack.services.ledger.write() as connection:
        changes = tables.records.c.mode == "update"
        connection.execute(tables.records.update().where(changes).values(status="waiting", claim=1))
        connection.execute(tables.records.delete().where(~changes))
    crisp.remove(lost)
    told(stack, "people:profile:created", people_id=crisp.add("ada@example.com"))
    understand(stack)
    [event] = page(api, event="contact_created")
    assert event["contact"]["email"] == "ada@example.com"


@pytest.mark.parametrize("event", ["people:profile:created", "people:profile:updated"])
def test_what_we_tell_just_now_is_no_news(stack: Stack, api: FlaskClient, crisp: Crisp, event: str) -> None:
    """Crisp tells of it, by the id alone, before its answer is saved."""
    sent = api.post("/v1/contacts", json={"email": "ada@example.com", "nickname": "Ada"}).get_json()
    with stack.services.ledger.write() as connection:
        connection.execute(tables.people.delete())
        connection.execute(tables.records.update().values(people_id=None, status="waiting", claim=1))
    told(stack, event, people_id=sent["people_id"], update={"person": {"nickname": "Ada"}})
    understand(stack)
    listed = "contact_" + event.rpartition(":")[2]
    assert page(api, event=listed) == []
    assert page(api, "include_own=1", event=listed)[0]["contact"]["nickname"] == "Ada"


def test_who_was_made_anew_is_another(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    """That the first was removed was never told: what is known of it is not the other's, and goes."""
    moves(stack, crisp, crisp.add("ada@example.com", "Ada"), "Paris")
    crisp.remove("ada@example.com")
    again = crisp.add("ada@example.com", "Ada B")
    told(stack, "people:profile:created", people_id=again, email="ada@example.com")
    understand(stack)
    [event] = page(api, event="contact_created")
    assert event["contact"] == {
        "people_id": again,
        "email": "ada@example.com",
        "nickname": "Ada B",
        "segments": [],
        "segments_text": "",
        "data": {},
    }
    told(stack, "people:profile:updated", people_id=again, update=city("Rome"))
    understand(stack)
    assert page(api)[0]["previous"] == {"city": None}


@pytest.mark.parametrize("emptied", [city(""), city(None), {"person": {"geolocation": None}}])
def test_what_is_emptied_is_told(stack: Stack, api: FlaskClient, crisp: Crisp, emptied: dict[str, Any]) -> None:
    people_id = crisp.add("ada@example.com")
    moves(stack, crisp, people_id, "Paris")
    told(stack, "people:profile:updated", people_id=people_id, update=emptied)
    understand(stack)
    event: Event = page(api)[0]
    assert (event["changed"], event["previous"]) == (["city"], {"city": "Paris"})
    assert "city" not in event["contact"]


def test_segments_that_are_taken_away_are_told(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    people_id = crisp.add("ada@example.com", segments=["vip"])
    moves(stack, crisp, people_id, "Paris")
    told(stack, "people:profile:updated", people_id=people_id, update={"segments": []})
    understand(stack)
    event: Event = page(api)[0]
    assert (event["changed"], event["previous"]) == (["segments"], {"segments": ["vip"]})
    assert page(api, event="segments_changed")[0]["contact"]["segments"] == []


def test_what_comes_late_undoes_nothing(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    people_id, moment = crisp.add("ada@example.com"), now()
    moves(stack, crisp, people_id, "Oslo", at=moment - 3_000)
    moves(stack, crisp, people_id, "Paris", at=moment - 1_000)
    told(stack, "people:profile:updated", at=moment - 2_000, people_id=people_id, update=city("Rome"))
    understand(stack)
    assert {each["contact"]["city"] for each in page(api)} == {"Oslo", "Paris"}
    assert page(api)[0]["contact"]["city"] == "Paris"
    sent = api.post("/v1/contacts", json={"email": "ada@example.com", "city": "Paris"}).get_json()
    assert sent["status"] == "unchanged"


def test_in_a_burst_what_happened_last_counts(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    people_id, moment = crisp.add("ada@example.com"), now()
    moves(stack, crisp, people_id, "Oslo", at=moment - 1_000)
    told(stack, "people:profile:updated", at=moment, people_id=people_id, update=city("Paris"))
    told(stack, "people:profile:updated", at=moment - 10, people_id=people_id, update=city("Rome"))
    understand(stack, window=300)
    assert page(api)[0]["contact"]["city"] == "Paris"


def test_in_a_burst_one_that_comes_between_two_others_does_not_lose_to_the_first(
    stack: Stack, api: FlaskClient, crisp: Crisp
) -> None:
    people_id, moment = crisp.add("ada@example.com"), now()
    moves(stack, crisp, people_id, "Oslo", at=moment - 1_000)
    change(crisp, people_id, notepad="x", **city("Paris"))
    for at, card in ((30, city("Rome")), (10, {"notepad": "x"}), (20, city("Paris"))):
        told(stack, "people:profile:updated", at=moment - at, people_id=people_id, update=card)
    understand(stack, window=300)
    assert (page(api)[0]["contact"]["city"], page(api)[0]["changed"]) == ("Paris", ["city", "notepad"])


def test_what_comes_while_an_event_is_in_hand_is_not_lost(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    """Another process gathers it into that very event."""
    tools, came = stack.services.events._finishing.tools, list[str]()
    people_id = crisp.add("ada@example.com", notepad="met at a fair")

    def reads(connection_id: str, plan: Any) -> Any:
        card = tools.reads(connection_id, plan)
        if not came:
            came.append(people_id)
            change(crisp, people_id, **city("Paris"))
            told(stack, "people:profile:updated", people_id=people_id, update=city("Paris"))
            services = stack.services
            other = Runner(services.ledger, services.events._finishing, 60_000, services.courier.clock, lambda: None)
            until(lambda: other._understand() == 1)
        return card

    told(stack, "people:profile:updated", people_id=people_id, update={"notepad": "met at a fair"})
    understand(stack, window=300, finishing=Finishing(replace(tools, reads=reads)))
    [event] = page(api)
    assert event["contact"]["city"] == "Paris"
    assert event["changed"] == ["city", "notepad"]


def test_a_forged_removal_removes_nobody(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    """Nor does one that names somebody who is there beside somebody who never was."""
    moves(stack, crisp, crisp.add("ada@example.com"), "Paris")
    claimed(stack, "people:profile:removed", people_id=INVENTED, email="ada@example.com")
    claimed(stack, "people:profile:removed", email="ada@example.com")
    understand(stack)
    assert "ada@example.com" in known(stack, "ada@example.com")
    assert "ada@example.com" not in str(page(api, event="contact_removed"))


def test_an_unsigned_removal_of_who_is_gone_is_told(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    people_id = crisp.add("ada@example.com")
    moves(stack, crisp, people_id, "Paris")
    crisp.remove("ada@example.com")
    claimed(stack, "people:profile:removed", people_id=people_id)
    understand(stack)
    assert page(api, event="contact_removed")[0]["contact"]["email"] == "ada@example.com"
    assert known(stack, "ada@example.com", people_id) == []


def test_a_forged_address_is_not_taken_up(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    people_id = crisp.add("ada@example.com")
    claimed(stack, "people:profile:created", people_id=people_id, email="mallory@example.com")
    understand(stack)
    [event] = page(api, event="contact_created")
    assert event["contact"]["email"] == "ada@example.com"
    assert known(stack, "mallory@example.com") == []


def test_a_forged_conversation_names_nobody(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    claimed(stack, "session:set_email", session_id="session_1", email="mallory@example.com")
    understand(stack)
    assert page(api, event="conversation_email_changed") == []
    with stack.services.ledger.read() as connection:
        assert hooks.person_of(connection, stack.tenant.id, "session_1") is None


def test_that_we_removed_somebody_is_no_news(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    people_id = crisp.add("ada@example.com")
    assert api.delete("/v1/contacts/ada@example.com").status_code == 200
    told(stack, "people:profile:removed", people_id=people_id)
    understand(stack)
    assert page(api, event="contact_removed") == []
    [own] = page(api, "include_own=1", event="contact_removed")
    assert own["contact"]["people_id"] == people_id


def test_what_comes_late_of_who_was_erased_is_not_kept(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    people_id = crisp.add("ada@example.com")
    assert api.delete("/v1/contacts/ada@example.com").status_code == 200
    about: dict[str, Any] = {"people_id": people_id, "email": "ada@example.com"}
    told(stack, "people:profile:created", **about)
    told(stack, "people:profile:updated", **about, update=city("Paris"))
    understand(stack)
    assert page(api) == page(api, event="contact_created") == []
    assert page(api, "include_own=1") == []


def test_an_unsigned_hook_makes_no_news_of_what_was_told(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    """Nor does it say when it happened."""
    people_id = crisp.add("ada@example.com", segments=["vip"])
    moves(stack, crisp, people_id, "Paris")
    before = len(page(api))
    for at in range(1_000, 1_006, 2):
        claimed(stack, "people:profile:updated", at=at, people_id=people_id, update={**city("Rome"), "notepad": "x"})
        claimed(stack, "people:profile:updated", at=at + 1, people_id=people_id, update={"segments": ["vip"]})
    understand(stack)
    assert len(page(api)) == before
    assert page(api, event="segments_changed") == []


def test_a_change_that_an_earlier_event_told_is_not_told_again(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    """The profile that was read for the first had the second in it."""
    people_id = crisp.add("ada@example.com")
    for card in ({"notepad": "x"}, city("Paris")):
        change(crisp, people_id, **card)
        claimed(stack, "people:profile:updated", people_id=people_id, update=card)
    understand(stack)
    assert sorted(key for each in page(api) for key in each["changed"] if key != "nickname") == ["city", "notepad"]


def test_a_list_of_profiles_does_not_undo_what_we_wrote_since(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    sent = api.post("/v1/contacts", json={"email": "ada@example.com", "nickname": "Ada", "city": "Oslo"}).get_json()
    listed = {"people_id": sent["people_id"], "email": "ada@example.com", "person": {"nickname": "Theirs"}}
    data = {"website_id": WEBSITE, "people_id": sent["people_id"], "update": {**listed, "updated_at": now()}}
    value = {"website_id": WEBSITE, "event": "people:profile:updated", "data": data, "timestamp": now()}
    listener(stack.services, stack.tenant.id)._store(value, "listing")
    api.post("/v1/contacts", json={"email": "ada@example.com", "nickname": "Ours"})
    understand(stack)
    assert page(api) == []
    assert api.post("/v1/contacts", json={"email": "ada@example.com", "nickname": "Ours"}).get_json()["calls"] == 0


def test_half_a_character_loses_no_event(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    people_id = crisp.add("ada@example.com")
    card = {"person": {"nickname": "Ada \ud83d"}}
    listener(stack.services, stack.tenant.id)._take(
        "people:profile:updated", WEBSITE, {"people_id": people_id, "update": card}
    )
    understand(stack)
    assert page(api)[0]["contact"]["email"] == "ada@example.com"


def test_an_event_of_an_older_version_gathers_on(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    people_id = crisp.add("ada@example.com")
    row = {"id": new_id(), "connection_id": stack.tenant.id, "event": "contact_updated", "people_id": people_id}
    change(crisp, people_id, notepad="x", **city("Paris"))
    payload = {"way": "plugin", "card": {"notepad": "x"}}
    about = {"subject": f"told:{people_id}:", "own": False, "payload": payload, "occurred_at": now()}
    with stack.services.ledger.write() as connection:
        connection.execute(tables.events.insert(), {**row, **about, "attempts": 0, "due_at": now() + 300})
    told(stack, "people:profile:updated", people_id=people_id, update=city("Paris"))
    understand(stack, window=300)
    assert page(api)[0]["changed"] == ["city", "notepad"]


def test_who_is_made_by_somebody_else_while_ours_waits_is_news(stack: Stack, api: FlaskClient, crisp: Crisp) -> None:
    """Crisp has refused ours, so it was not applied."""
    sent = api.post("/v1/contacts", json={"email": "ada@example.com", "nickname": "Ada"}).get_json()
    with stack.services.ledger.write() as connection:
        connection.execute(tables.people.delete())
        waits = {"status": "waiting", "attempts": 3, "due_at": None, "finished_at": None}
        connection.execute(tables.records.update().values(waits))
    told(stack, "people:profile:created", people_id=sent["people_id"])
    understand(stack)
    assert len(page(api, event="contact_created")) == 1


def test_a_change_that_the_news_of_a_new_contact_had_is_told_as_a_change_too(
    stack: Stack, api: FlaskClient, crisp: Crisp
) -> None:
    """Who asks for changes alone has not heard of it."""
    people_id = crisp.add("ada@example.com")
    change(crisp, people_id, **city("Paris"))
    moment = now()
    told(stack, "people:profile:created", at=moment - 10, people_id=people_id)
    told(stack, "people:profile:updated", at=moment, people_id=people_id, update=city("Paris"))
    understand(stack)
    assert page(api, event="contact_created")[0]["contact"]["city"] == "Paris"
    assert page(api)[0]["changed"] == ["city"]
