"""Imports that begin with a limit, are paused, go on, are cancelled and sent again."""

from threading import Thread
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.app.files import IMPORTS, deliver, imported, outcomes
from tests.app.stack import DATABASES, Crisp, Stack, problem, until

pytestmark = pytest.mark.parametrize("database", DATABASES, indirect=True)

NAMES = ("ada", "bob", "cy", "dan", "eve")
FILE = "email\n" + "".join(f"{name}@example.com\n" for name in NAMES)


def shown(api: FlaskClient, import_id: str) -> tuple[str, dict[str, int]]:
    """State and totals of an import, without what is zero."""
    told = api.get(f"{IMPORTS}/{import_id}").get_json()
    return told["state"], {key: count for key, count in told["totals"].items() if count}


def told(api: FlaskClient, import_id: str, what: str, **more: Any) -> dict[str, Any]:
    """The answer to pause, resume, cancel or replay."""
    answer = api.post(f"{IMPORTS}/{import_id}/{what}", **more)
    assert answer.status_code in (200, 202), answer.get_data(as_text=True)
    found: dict[str, Any] = answer.get_json()
    return found


def test_with_a_limit_the_first_go_out_and_the_others_wait(api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
    import_id = imported(api, FILE, options={"limit": 2})
    assert shown(api, import_id) == ("running", {"records": 5, "waiting": 5})
    deliver(stack)
    assert shown(api, import_id) == ("paused", {"records": 5, "created": 2, "waiting": 3, "calls": 2})
    assert set(crisp.people()) == {"ada@example.com", "bob@example.com"}


def test_resuming_does_the_rest_and_repeats_nothing(api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
    import_id = imported(api, FILE, options={"limit": 2})
    deliver(stack)
    assert told(api, import_id, "resume")["state"] == "running"
    deliver(stack)
    assert shown(api, import_id) == ("completed", {"records": 5, "created": 5, "calls": 5})
    assert crisp.calls == 5
    assert all(count == 1 for count in crisp.stats()["creations"].values())


def test_a_limit_counts_only_who_is_told_to_crisp(api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
    imported(api, "email\nknown@example.com\n")
    deliver(stack)
    import_id = imported(api, f"email\nknown@example.com\nnobody\n{FILE[6:]}", options={"limit": 1})
    deliver(stack)
    expected = {"records": 7, "created": 1, "unchanged": 1, "rejected": 1, "waiting": 4, "calls": 1}
    assert shown(api, import_id) == ("paused", expected)


@pytest.mark.parametrize("limit", [5, 6, 10**30], ids=["as many", "more", "far more"])
def test_a_limit_that_all_meet_holds_nobody(api: FlaskClient, stack: Stack, limit: int) -> None:
    import_id = imported(api, FILE, options={"limit": limit})
    deliver(stack)
    assert shown(api, import_id) == ("completed", {"records": 5, "created": 5, "calls": 5})


def test_while_it_is_paused_nothing_goes_out(api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
    import_id = imported(api, FILE)
    assert told(api, import_id, "pause")["state"] == "paused"
    deliver(stack)
    assert shown(api, import_id) == ("paused", {"records": 5, "waiting": 5})
    assert crisp.calls == 0
    record = api.get(f"{IMPORTS}/{import_id}/records").get_json()[0]
    outcome = api.get(f"/v1/outcomes/{record['outcome_id']}").get_json()
    assert (outcome["reason"], outcome["retry_at"]) == ("import_paused", None)
    assert told(api, import_id, "resume")["state"] == "running"
    deliver(stack)
    assert shown(api, import_id) == ("completed", {"records": 5, "created": 5, "calls": 5})


def test_what_is_on_its_way_when_it_is_paused_arrives(api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
    import_id = imported(api, "email\n" + "".join(f"p{number}@example.com\n" for number in range(40)))
    crisp.switch(latency_ms=400)
    thread = Thread(target=deliver, args=(stack,))
    thread.start()
    until(lambda: crisp.calls >= 4)
    told(api, import_id, "pause")
    thread.join(10)
    state, totals = shown(api, import_id)
    assert state == "paused"
    assert totals["created"] == totals["calls"] == crisp.calls == len(crisp.people())
    assert 4 <= totals["created"] <= 12, "what was not claimed stays"
    assert totals["created"] + totals["waiting"] == 40


@pytest.mark.parametrize("what", ["pause", "cancel"])
def test_what_comes_back_undone_does_not_go_out_again(api: FlaskClient, stack: Stack, crisp: Crisp, what: str) -> None:
    """Crisp fails a call that was on its way when the import was stopped: it would be tried again."""
    import_id = imported(api, "email\nada@example.com\n")
    crisp.switch(latency_ms=300, error_rate=1.0)
    thread = Thread(target=deliver, args=(stack,))
    thread.start()
    until(lambda: crisp.calls >= 1)
    told(api, import_id, what)
    thread.join(10)
    crisp.switch(latency_ms=0, error_rate=0.0)
    deliver(stack)
    waits = {"records": 1, "waiting": 1, "calls": 1}
    ended = {"records": 1, "rejected": 1, "calls": 1}
    assert shown(api, import_id) == (("paused", waits) if what == "pause" else ("cancelled", ended))


def test_cancelling_rejects_what_crisp_was_not_told(api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
    import_id = imported(api, FILE, options={"limit": 2})
    deliver(stack)
    cancelled = told(api, import_id, "cancel")
    assert cancelled["state"] == "cancelled"
    deliver(stack)
    assert shown(api, import_id) == ("cancelled", {"records": 5, "created": 2, "rejected": 3, "calls": 2})
    assert outcomes(api, import_id)[1:3] == [(2, "created", None), (3, "rejected", "import_cancelled")]
    assert set(crisp.people()) == {"ada@example.com", "bob@example.com"}
    message = api.get(f"{IMPORTS}/{import_id}/records?outcome=rejected").get_json()[0]["message"]
    assert message == "The import was cancelled before this row was told to Crisp."


def test_what_was_cancelled_can_be_replayed(api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
    import_id = imported(api, FILE, options={"limit": 2})
    deliver(stack)
    told(api, import_id, "cancel")
    again = told(api, import_id, "replay")
    assert (again["replayed"], again["not_replayable"], again["state"]) == (3, 0, "running")
    deliver(stack)
    assert shown(api, import_id) == ("completed", {"records": 5, "created": 5, "calls": 5})
    assert crisp.calls == 5


def test_replaying_sends_what_failed_and_says_what_it_cannot(api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
    crisp.add("ada@example.com")
    before = crisp.calls
    import_id = imported(api, "email,city\nada@example.com,Rome\nnobody,Rome\n", options={"mode": "create"})
    deliver(stack)
    assert outcomes(api, import_id) == [(1, "rejected", "contact_exists"), (2, "rejected", "email_invalid")]
    again = told(api, import_id, "replay")
    assert (again["replayed"], again["not_replayable"]) == (1, 1)
    deliver(stack)
    assert outcomes(api, import_id)[0] == (1, "rejected", "contact_exists")
    assert crisp.calls == before + 2


def test_a_batch_is_stopped_alike(api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
    sent = [{"email": f"{name}@example.com"} for name in NAMES]
    import_id = api.post("/v1/contacts/batch", json=sent).get_json()["import_id"]
    told(api, import_id, "pause")
    told(api, import_id, "cancel")
    deliver(stack)
    assert shown(api, import_id) == ("cancelled", {"records": 5, "rejected": 5})
    assert crisp.calls == 0


def completed(api: FlaskClient, stack: Stack) -> str:
    import_id = imported(api, FILE)
    deliver(stack)
    return import_id


def failed(api: FlaskClient, stack: Stack) -> str:
    import_id = imported(api, f"{FILE}nobody\n")
    deliver(stack)
    return import_id


def cancelled(api: FlaskClient, stack: Stack) -> str:
    import_id = imported(api, FILE)
    told(api, import_id, "cancel")
    return import_id


@pytest.mark.parametrize("what", ["pause", "resume", "cancel"])
@pytest.mark.parametrize(
    ("made", "state"),
    [(completed, "completed"), (failed, "completed_with_errors"), (cancelled, "cancelled")],
    ids=["completed", "failed", "cancelled"],
)
def test_an_import_that_is_over_is_not_moved(api: FlaskClient, stack: Stack, made: Any, state: str, what: str) -> None:
    import_id = made(api, stack)
    before = shown(api, import_id)
    said = problem(api.post(f"{IMPORTS}/{import_id}/{what}"), 409, "import_state")
    assert f"This import is {state}" in said["message"]
    assert "{" not in said["title"]
    assert shown(api, import_id) == before


@pytest.mark.parametrize("how", ["a limit", "a pause"])
def test_what_was_told_meanwhile_is_not_undone(api: FlaskClient, stack: Stack, crisp: Crisp, how: str) -> None:
    content = "email,city,phone\nada@example.com,Old,+33639980001\nbob@example.com,Old,+33639980002\n"
    import_id = imported(api, content, options={"limit": 1} if how == "a limit" else {})
    if how == "a pause":
        told(api, import_id, "pause")
    deliver(stack)
    newer = {"email": "bob@example.com", "city": "New"}
    assert api.post("/v1/contacts?wait=0", json=newer).status_code == 202
    deliver(stack)
    told(api, import_id, "resume")
    deliver(stack)
    assert crisp.people()["ada@example.com"]["person"]["geolocation"]["city"] == "Old"
    bob = crisp.people()["bob@example.com"]["person"]
    assert (bob["geolocation"]["city"], bob["phone"]) == ("New", "+33639980002")


@pytest.mark.parametrize("what", ["pause", "resume"])
def test_what_is_so_already_stays_so(api: FlaskClient, what: str) -> None:
    import_id = imported(api, FILE)
    first = told(api, import_id, what)["state"]
    assert told(api, import_id, what)["state"] == first == ("paused" if what == "pause" else "running")


def test_the_same_request_is_done_once(api: FlaskClient) -> None:
    """A pause that is sent again when the import goes on already does not stop it again."""
    import_id, once = imported(api, FILE), {"Idempotency-Key": "pause-1"}
    assert told(api, import_id, "pause", headers=once)["state"] == "paused"
    told(api, import_id, "resume")
    assert told(api, import_id, "pause", headers=once)["state"] == "paused"
    assert shown(api, import_id)[0] == "running"


@pytest.mark.parametrize("what", ["pause", "resume", "cancel", "replay"])
def test_nobody_moves_the_import_of_another(api: FlaskClient, stack: Stack, what: str) -> None:
    import_id = imported(api, FILE)
    problem(stack.other_client().post(f"{IMPORTS}/{import_id}/{what}"), 404, "import_missing")
    problem(api.post(f"{IMPORTS}/0198c0ffee0180008000000000000001/{what}"), 404, "import_missing")
    assert shown(api, import_id) == ("running", {"records": 5, "waiting": 5})


@pytest.mark.parametrize("what", ["pause", "resume", "cancel", "replay"])
def test_whoever_may_only_read_moves_nothing(api: FlaskClient, stack: Stack, what: str) -> None:
    import_id = imported(api, FILE)
    reader = stack.client(stack.key("read"))
    problem(reader.post(f"{IMPORTS}/{import_id}/{what}"), 403, "scope_missing")
