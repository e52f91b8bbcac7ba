"""Probing a connection: what is found out is stored and used, and the contact is removed whatever happens."""

from collections.abc import Callable, Generator
from itertools import count, product
from typing import Any

import pytest
from flask.testing import FlaskClient

from connector import probing
from connector.courier.single import Single
from connector.crisp.answers import Failure
from connector.crisp.calls import Call, Reply
from connector.crisp.probe import MOST_CALLS
from connector.errors import Problem
from connector.ledger import connections as tenants
from connector.ledger import quotas
from connector.ledger.connections import CrispConnection
from connector.probing import Counted
from tests.app.stack import DATABASES, Crisp, Stack, finished

WAYS = list(product(("replace", "append"), ("merge", "replace"), ("null", "empty", "put"), ("on", "off")))
PEOPLE = [f"p{number}@example.com" for number in range(4)]


@pytest.fixture(autouse=True)
def _never_probed(stack: Stack) -> None:
    with stack.services.ledger.write() as connection:
        tenants.save_findings(connection, stack.tenant.id, {}, None)


def stored(stack: Stack) -> tuple[dict[str, Any], int | None]:
    """The findings, and when they were made."""
    with stack.services.ledger.read() as connection:
        tenant = tenants.get(connection, stack.tenant.id)
        assert tenant is not None
        return tenant.findings, tenants.probed_at(connection, tenant.id)


def used(stack: Stack) -> int:
    with stack.services.ledger.read() as connection:
        return quotas.get(connection, stack.tenant.id).used


def sent(api: FlaskClient, rows: list[dict[str, Any]]) -> dict[str, int]:
    """Sends records and waits; the totals."""
    answer = api.post("/v1/contacts/batch", json=rows)
    assert answer.status_code == 202, answer.get_json()
    totals: dict[str, int] = finished(api, answer.get_json()["import_id"])["totals"]
    return totals


def everybody(**said: Any) -> list[dict[str, Any]]:
    return [{"email": email, **said} for email in PEOPLE]


@pytest.mark.parametrize(("segments", "nested", "removal", "batch"), WAYS)
def test_after_the_probe_a_change_takes_the_calls_that_this_crisp_allows(
    stack: Stack, api: FlaskClient, crisp: Crisp, segments: str, nested: str, removal: str, batch: str
) -> None:
    crisp.switch(segments=segments, nested=nested, data_removal=removal, batch=batch)
    probed = probing.probe(stack.services, stack.tenant.id)
    assert (probed.calls, crisp.people(), probed.left_behind) == (crisp.calls, {}, ())
    assert probed.calls < 25
    assert used(stack) == probed.calls
    findings, probed_at = stored(stack)
    assert findings == probed.findings
    assert probed_at is not None

    plain = {
        "first_name": "P",
        "country": "FR",
        "city": "Nantes",
        "company_name": "First",
        "company_url": "https://a.example",
    }
    sent(api, everybody(**plain, segments=["old"], data={"old": 1, "stays": 1}))
    before = crisp.calls
    change = {"city": "Paris", "company_name": "Second", "segments": ["new"], "data": {"plan": "pro"}}
    assert sent(api, everybody(**change))["updated"] == len(PEOPLE)
    assert crisp.calls - before == len(PEOPLE) + (1 if batch == "on" else len(PEOPLE)), "a profile each, and the plan"
    before = crisp.calls
    assert sent(api, everybody(segments=["more"]))["updated"] == len(PEOPLE)
    together = batch == "on" and segments == "append"
    assert crisp.calls - before == (1 if together else len(PEOPLE))
    before = crisp.calls
    assert sent(api, [{"email": PEOPLE[0], "data": {"old": None}}])["updated"] == 1
    assert crisp.calls - before == (2 if removal == "put" else 1), "a read and a PUT where only that removes"

    card = crisp.people()[PEOPLE[0]]
    assert card["segments"] == ["old", "new", "more"]
    assert card["person"]["geolocation"] == {"country": "FR", "city": "Paris"}
    assert card["company"] == {"name": "Second", "url": "https://a.example"}
    assert card["data"] == {"plan": "pro", "stays": 1}


@pytest.mark.parametrize("database", DATABASES, indirect=True)
def test_many_new_contacts_cost_one_call_each_and_one_for_each_value(
    stack: Stack, api: FlaskClient, crisp: Crisp
) -> None:
    probing.probe(stack.services, stack.tenant.id)
    rows = [{"email": f"n{n}@example.com", "first_name": "N", "data": {"plan": "abc"[n % 3]}} for n in range(30)]
    foreseen = api.post("/v1/preview", json=rows).get_json()["totals"]
    before = crisp.calls
    totals = sent(api, rows)
    assert crisp.calls - before == totals["calls"] == foreseen["calls"] == 30 + 3
    assert totals["created"] == 30
    assert crisp.people()["n4@example.com"]["data"] == {"plan": "b"}


Act = Callable[[Call, int], None]


def between(monkeypatch: pytest.MonkeyPatch, act: Act) -> None:
    """Has `act` called before each call of the probe, with its number."""
    run, numbers = Single.run, count(1)

    def watching(line: Counted, connection_id: str, plan: Generator[Call, Reply, Any]) -> Any:
        def watched() -> Generator[Call, Reply, Any]:
            call = next(plan)
            try:
                while True:
                    act(call, next(numbers))
                    call = plan.send((yield call))
            except StopIteration as end:
                return end.value

        return run(line, connection_id, watched())

    monkeypatch.setattr(Counted, "run", watching)


@pytest.mark.parametrize("at", [1, 2, 3, 8, 14, 18])
@pytest.mark.parametrize(
    "problem", [KeyboardInterrupt(), Problem("crisp_unreachable"), ValueError("a mistake of ours")]
)
def test_the_contact_is_removed_when_the_probe_is_broken_off(
    stack: Stack, crisp: Crisp, monkeypatch: pytest.MonkeyPatch, at: int, problem: BaseException
) -> None:
    def breaking(call: Call, number: int) -> None:
        if number == at:
            raise problem

    between(monkeypatch, breaking)
    with pytest.raises(type(problem)):
        probing.probe(stack.services, stack.tenant.id)
    assert crisp.people() == {}
    assert stored(stack) == ({}, None)


def test_a_contact_that_cannot_be_removed_is_named_and_removed_next_time(
    stack: Stack, crisp: Crisp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(call: Call, number: int) -> None:
        if call.method == "DELETE":
            raise Problem("crisp_unreachable")

    with monkeypatch.context() as patched:
        between(patched, away)
        probed = probing.probe(stack.services, stack.tenant.id)
    [left] = crisp.people()
    assert probed.left_behind == (left,) == probing.left_behind(stack.services, stack.tenant.id)
    assert stored(stack)[0] == {**probed.findings, probing.LEFT: [left]}
    again = probing.probe(stack.services, stack.tenant.id)
    assert (crisp.people(), again.left_behind, again.calls) == ({}, (), probed.calls + 2)
    assert again.calls <= MOST_CALLS
    assert stored(stack)[0] == probed.findings


def test_the_address_is_known_before_the_contact_is_there(
    stack: Stack, crisp: Crisp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut in the middle: nothing more is run, not even the removal."""
    seen = list[tuple[str, ...]]()

    def looking(call: Call, number: int) -> None:
        seen.append(probing.left_behind(stack.services, stack.tenant.id))

    between(monkeypatch, looking)
    probing.probe(stack.services, stack.tenant.id)
    assert all(len(each) == 1 for each in seen)
    assert seen[0][0].endswith("@example.com")


def test_a_short_pause_of_crisps_is_waited_for_and_a_long_one_is_not(
    stack: Stack, crisp: Crisp, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited = list[float]()
    pauses = [3, 7]

    def limited(call: Call, number: int) -> None:
        if pauses and number > 4:
            raise Problem("quota_used_up", until="later", retry_after=pauses.pop())

    monkeypatch.setattr("connector.probing.time.sleep", lambda seconds: waited.append(seconds) if seconds else None)
    with monkeypatch.context() as patched:
        between(patched, limited)
        assert probing.probe(stack.services, stack.tenant.id).findings["batch_data"] == "merge"
    assert waited == [7, 3]
    pauses.append(3_600)
    with monkeypatch.context() as patched:
        between(patched, limited)
        with pytest.raises(Problem, match="quota"):
            probing.probe(stack.services, stack.tenant.id)
    assert (waited, crisp.people()) == ([7, 3], {})


def test_a_limit_of_a_second_is_waited_for(stack: Stack, crisp: Crisp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Crisp's own answer, in the middle of the probe."""
    answers = list[int]()

    def limited(call: Call, number: int) -> None:
        crisp.switch(daily_quota=0 if number == 6 else 10_000)
        answers.append(number)

    between(monkeypatch, limited)
    probed = probing.probe(stack.services, stack.tenant.id)
    assert (probed.findings["batch_data"], probed.left_behind, crisp.people()) == ("merge", (), {})
    assert crisp.stats()["calls"]["over_limit"] == 1


def test_what_crisp_refuses_is_said_and_leaves_nothing_behind(stack: Stack, crisp: Crisp) -> None:
    crisp.switch(key="another")
    with pytest.raises(Problem) as caught:
        probing.probe(stack.services, stack.tenant.id)
    assert (caught.value.code, crisp.calls) == ("connection_halted", 1)
    assert stored(stack) == ({}, None), "a refused create made nothing"


def test_without_quota_nothing_is_sent_and_nothing_is_left_behind(stack: Stack, crisp: Crisp) -> None:
    stack.use(stack.tenant.daily_quota)
    with pytest.raises(Problem) as caught:
        probing.probe(stack.services, stack.tenant.id)
    assert (caught.value.code, crisp.calls) == ("quota_used_up", 0)
    assert stored(stack) == ({}, None)


@pytest.mark.parametrize(
    ("answers", "left"),
    [
        pytest.param([Failure("crisp_unreachable", sent=False)] * 3, False, id="never sent"),
        pytest.param([Failure("crisp_unreachable", sent=True)] * 3, True, id="answer lost"),
        pytest.param([Reply(500)] * 3, True, id="failed"),
        pytest.param([Reply(400, "no")], False, id="refused"),
        pytest.param([Reply(500), Reply(401)], True, id="refused after a try that may have been done"),
        pytest.param([Reply(500), Failure("crisp_unreachable", sent=False), Reply(400)], True, id="refused at last"),
    ],
)
def test_a_contact_that_may_have_been_made_is_remembered(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, answers: list[Reply | Failure], left: bool
) -> None:
    """Crisp answers the create like this and fails from then on, so that nothing can be removed."""
    coming = iter(answers)
    monkeypatch.setattr(Single, "_send", lambda *_: next(coming, Reply(500)))
    monkeypatch.setattr("connector.courier.single._PAUSES", (0, 0))
    with pytest.raises(Problem):
        probing.probe(stack.services, stack.tenant.id)
    assert bool(probing.left_behind(stack.services, stack.tenant.id)) is left


def test_each_try_is_a_call_and_the_removal_has_its_own(
    stack: Stack, crisp: Crisp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Crisp fails at every other call, so that each takes two."""
    send, sent = Single._send, list[str]()

    def failing(single: Single, tenant: CrispConnection, call: Call) -> Reply | Failure:
        sent.append(call.method)
        return Reply(503) if len(sent) % 2 else send(single, tenant, call)

    older = "crisp-connector-probe-older@example.com"
    with stack.services.ledger.write() as connection:
        tenants.save_findings(connection, stack.tenant.id, {probing.LEFT: [older]}, None)
    with monkeypatch.context() as patched:
        patched.setattr(Single, "_send", failing)
        patched.setattr("connector.courier.single._PAUSES", (0, 0))
        probed = probing.probe(stack.services, stack.tenant.id)
    assert probed.calls == len(sent) == used(stack) == MOST_CALLS
    assert sent[-2:] == ["DELETE"] * 2
    assert (crisp.people(), probed.left_behind) == ({}, (older,)), "what is older is left for the next probe"
    assert ("segments" in probed.findings, "wrong_key_answer" in probed.findings) == (True, False)
    assert probing.probe(stack.services, stack.tenant.id).left_behind == ()


def test_nobody_is_probed_who_is_not_connected(stack: Stack) -> None:
    with pytest.raises(Problem, match="No Crisp website"):
        probing.probe(stack.services, "nobody")
