"""The probe against Crisps of every behaviour, honest and odd: it says what is so, and no more than it sees."""

from collections.abc import Callable
from itertools import product
from typing import Any
from uuid import uuid4

import pytest

from connector.crisp.answers import reply_of
from connector.crisp.calls import Call, How, Reply
from connector.crisp.probe import MOST_CALLS, SIZES, STEPS, Probe
from connector.sandbox import Options, create_app

ADDRESS = "crisp-connector-probe-1@example.com"
WAYS = list(product(("replace", "append"), ("merge", "replace"), ("null", "empty", "put"), ("on", "off")))


class Crisp:
    """The sandbox, asked without a network; `odd` may answer in its place."""

    def __init__(self, odd: Callable[["Crisp", Call], Reply | None] | None = None, **switches: Any) -> None:
        self._odd = odd
        self._client = create_app(Options(website_id="W", identifier="I", key="K", **switches)).test_client()
        self.asked: list[Call] = []

    def send(self, call: Call) -> Reply:
        self.asked.append(call)
        instead = self._odd(self, call) if self._odd else None
        return self.truly(call) if instead is None else instead

    def truly(self, call: Call) -> Reply:
        answer = self._client.open(
            "/v1/website/W/" + call.path.replace("{who}", call.who or ""),
            method=call.method,
            json=call.body,
            query_string=dict(call.query or {}),
            auth=("I", "K"),
            headers={"X-Crisp-Tier": "website"},
        )
        return reply_of(answer.status_code, answer.get_json(silent=True))

    def probe(self) -> Probe:
        """Carries a probe to its end."""
        asking = Probe(ADDRESS, [str(uuid4()) for _ in range(max(SIZES))])
        plan = asking.plan()
        try:
            call = next(plan)
            while True:
                reply = self.send(call)
                assert reply.ok or reply.status in call.routes, (call, reply)
                call = plan.send(reply)
        except StopIteration:
            return asking

    @property
    def people(self) -> list[str]:
        return [card["people_id"] for card in self._client.get("/_sandbox/people").get_json()]


@pytest.mark.parametrize(("segments", "nested", "removal", "batch"), WAYS)
def test_every_behaviour_is_found_out(segments: str, nested: str, removal: str, batch: str) -> None:
    crisp = Crisp(segments=segments, nested=nested, data_removal=removal, batch=batch)
    asked = crisp.probe()
    found = asked.findings
    told: dict[str, Any] = {"segments": segments, "nested": nested, "removal": removal}
    if batch == "on":
        told |= {"batch_data": "merge", "batch_segments": segments, "batch_size": 500}
    assert {name: found[name] for name in found if name in How.__slots__} == told
    assert asked.made == crisp.people
    assert len(crisp.asked) + 2 + 1 <= MOST_CALLS < 25, "with both removals and the read that may be made again"
    assert (found["created_at"], found["active"]) == ("refused", "taken")
    assert found["exists_answer"].startswith("409 people_exists")
    assert found["exists_tells_people_id"] is False
    assert found["wrong_country_answer"].startswith("400 invalid_data")
    assert found["wrong_key_answer"].startswith("400 invalid_data")


def test_no_call_is_made_that_was_not_shown() -> None:
    shown = {route for step in STEPS for route in step.routes}
    most = 0
    for segments, nested, removal, batch in WAYS:
        crisp = Crisp(segments=segments, nested=nested, data_removal=removal, batch=batch)
        crisp.probe()
        most = max(most, len(crisp.asked))
        assert {call.route for call in crisp.asked} <= shown
    assert most <= MOST_CALLS - 3, "the two removals and a read again are not among them"


def test_every_read_has_a_query_of_its_own() -> None:
    """An edge cache keeps an answer for each address with its query."""
    kept = dict[str, Reply]()

    def cached(crisp: Crisp, call: Call) -> Reply | None:
        if call.method != "GET":
            return None
        return kept.setdefault(f"{call.path} {call.query}", crisp.truly(call))

    crisp = Crisp(cached, segments="append")
    assert crisp.probe().findings["batch_segments"] == "append"
    assert len(kept) == sum(call.method == "GET" for call in crisp.asked)


def test_reads_that_are_always_old_tell_nothing() -> None:
    """A cache that does not look at the query."""
    kept = dict[str, Reply]()

    def cached(crisp: Crisp, call: Call) -> Reply | None:
        return kept.setdefault(call.path, crisp.truly(call)) if call.method == "GET" else None

    def primed(crisp: Crisp, call: Call) -> Reply | None:
        if call.method == "POST":
            reply = crisp.truly(call)
            for path in ("people/profile/{who}", "people/data/{who}"):
                kept.setdefault(path, crisp.truly(Call("GET", path, ADDRESS)))
            return reply
        return cached(crisp, call)

    crisp = Crisp(primed, segments="append")
    found = crisp.probe().findings
    assert not set(found) & set(How.__slots__)
    assert found["active"] == "not known"
    assert len(crisp.asked) <= MOST_CALLS - 2


def test_one_read_that_is_old_is_made_again() -> None:
    old = [Reply(200, "resolved", {"person": {"nickname": "Connector Probe 1"}})]
    crisp = Crisp(lambda _, call: old.pop() if old and call.method == "GET" else None, segments="append")
    assert crisp.probe().findings["segments"] == "append"


@pytest.mark.parametrize("place", ["company", "employment", "geolocation"])
def test_where_one_part_of_a_profile_is_replaced_all_are_sent_whole(place: str) -> None:
    def losing(crisp: Crisp, call: Call) -> Reply | None:
        if call.method != "GET" or not call.path.startswith("people/profile"):
            return None
        reply = crisp.truly(call)
        inner = reply.data if place == "company" else reply.data["person"]
        for name in ("description", "country") if place != "employment" else ("name",):
            inner[place].pop(name, None)
        return reply

    found = Crisp(losing).probe().findings
    assert found["nested"] == "replace"
    assert sorted(found[f"nested_{name}"] for name in ("company", "employment", "location")) == [
        "merge",
        "merge",
        "replace",
    ]


def batches(change: Callable[[Crisp, Call], Reply | None]) -> Callable[[Crisp, Call], Reply | None]:
    return lambda crisp, call: change(crisp, call) if call.path == "batch/data" else None


def changed(call: Call, **body: Any) -> Call:
    return Call(call.method, call.path, call.who, {**(call.body or {}), **body})


def profiles(call: Call) -> list[str]:
    found: list[str] = (call.body or {})["people"]["profiles"]
    return found


@pytest.mark.parametrize(
    ("odd", "findings"),
    [
        pytest.param(
            lambda crisp, call: Reply(400, "invalid_data") if len(profiles(call)) > 100 else None,
            {"batch_data": "merge", "batch_size": 50},
            id="smaller batches are taken",
        ),
        pytest.param(
            lambda crisp, call: Reply(400, "invalid_data") if len(profiles(call)) > 1 else None,
            {"batch_data": "merge"},
            id="no size is found",
        ),
        pytest.param(
            lambda crisp, call: crisp.truly(changed(call, people={"profiles": profiles(call)[:100]})),
            {"batch_data": "merge"},
            id="a list that is cut off is not taken for a size",
        ),
        pytest.param(lambda crisp, call: Reply(200, "updated", {}), {}, id="accepted and not done"),
        pytest.param(
            lambda crisp, call: crisp.truly(
                Call("PUT", "people/data/{who}", profiles(call)[-1], {"data": (call.body or {})["data"]})
            ),
            {"batch_data": "replace", "batch_size": 500},
            id="a batch that replaces",
        ),
        pytest.param(lambda crisp, call: Reply(403, "not_allowed"), {}, id="no scope for it"),
    ],
)
def test_batches_are_believed_no_more_than_they_show(
    odd: Callable[[Crisp, Call], Reply | None], findings: dict[str, Any]
) -> None:
    found = Crisp(batches(odd)).probe().findings
    assert {name: found[name] for name in ("batch_data", "batch_size") if name in found} == findings


def test_a_creation_whose_answer_was_lost_is_found_again() -> None:
    posted = list[Call]()

    def lost(crisp: Crisp, call: Call) -> Reply | None:
        if call.method != "POST" or posted:
            return None
        posted.append(call)
        crisp.truly(call)
        return crisp.truly(call)  # tried again

    crisp = Crisp(lost)
    asked = crisp.probe()
    assert asked.made == crisp.people
    assert asked.findings["exists_answer"].startswith("409")
    assert asked.findings["segments"] == "replace"


def test_a_second_contact_that_was_made_is_named_too() -> None:
    def doubling(crisp: Crisp, call: Call) -> Reply | None:
        return (
            Reply(201, "added", {"people_id": "another"}) if call.method == "POST" and len(crisp.asked) == 2 else None
        )

    crisp = Crisp(doubling)
    assert crisp.probe().made == [*crisp.people, "another"]


def test_a_crisp_that_refuses_every_change_tells_nothing() -> None:
    crisp = Crisp(lambda _, call: Reply(400, "invalid_data") if call.method in ("PATCH", "PUT") else None)
    found = crisp.probe().findings
    assert not set(found) & set(How.__slots__)
    assert (found["created_at"], found["active"], found["batch_answer"]) == ("refused", "refused", "400 invalid_data")
