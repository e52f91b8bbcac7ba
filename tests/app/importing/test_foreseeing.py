"""The preview of a file: what it foresees then happens, and what it shows on the way."""

import random
from typing import Any

import pytest
from flask.testing import FlaskClient

from connector import probing
from connector.intake import foreseeing
from connector.ledger import connections as tenants
from tests.app.files import IMPORTS, deliver, imported, outcomes, previewed
from tests.app.stack import Crisp, Stack

KNOWN = "email,first name,city,segments,data.plan\n" + "".join(
    f"known{number}@example.com,K{number},Rome,vip,pro\n" for number in range(6)
)


@pytest.fixture
def known(api: FlaskClient, stack: Stack) -> Stack:
    """A service that knows six people and their plan."""
    with stack.services.ledger.write() as connection:
        tenants.save_findings(connection, stack.tenant.id, {}, None)
    imported(api, KNOWN)
    deliver(stack)
    return stack


def agree(api: FlaskClient, stack: Stack, crisp: Crisp, content: str, **options: Any) -> dict[str, int]:
    """The totals of a file, which must be those that its preview says, and the calls that Crisp counts."""
    before = crisp.calls
    shown = previewed(api, content, options=options)
    assert crisp.calls == before
    import_id = imported(api, content, options=options)
    deliver(stack)
    totals: dict[str, int] = api.get(f"{IMPORTS}/{import_id}").get_json()["totals"]
    assert shown["totals"] == totals
    assert crisp.calls - before == totals["calls"]
    listed = {(each["row"], "superseded", None) for each in shown["duplicates"]}
    assert listed == {each for each in outcomes(api, import_id) if each[1] == "superseded"}
    return {key: count for key, count in totals.items() if count}


HEAD = "email,city,segments,data.plan\n"
ONE = "known0@example.com"
FILES: list[tuple[str, str, dict[str, int]]] = [
    ("new", "a@x.org,Rome,,\nb@x.org,,,pro\n", {"records": 2, "created": 2, "calls": 3}),
    ("unchanged", f"{ONE},Rome,vip,pro\n", {"records": 1, "unchanged": 1}),
    ("a field changed", f"{ONE},Bern,vip,pro\n", {"records": 1, "updated": 1, "calls": 1}),
    ("both resources changed", f"{ONE},Bern,vip,free\n", {"records": 1, "updated": 1, "calls": 2}),
    ("a key cleared", f"{ONE},Rome,vip,\n", {"records": 1, "updated": 1, "calls": 1}),
    ("a segment more", f"{ONE},Rome,beta,pro\n", {"records": 1, "updated": 1, "calls": 1}),
    ("rejected", "nobody,Rome,,\n,Bern,,\nc@x.org\n", {"records": 3, "created": 1, "rejected": 2, "calls": 1}),
    ("new, twice", "a@x.org,Rome,,\nA@X.org,Bern,,\n", {"records": 2, "created": 1, "superseded": 1, "calls": 1}),
    ("unchanged, twice", f"{ONE},Rome,vip,pro\n" * 2, {"records": 2, "unchanged": 1, "superseded": 1}),
    ("there and back", f"{ONE},Bern\n{ONE},Rome\n", {"records": 2, "unchanged": 1, "superseded": 1}),
    (
        "unchanged, then changed",
        f"{ONE},Rome,vip,pro\n{ONE},Bern,vip,pro\n",
        {"records": 2, "updated": 1, "superseded": 1, "calls": 1},
    ),
    (
        "changed, then nothing new",
        f"{ONE},Bern,vip,free\n{ONE}\n{ONE},Bern,,\n",
        {"records": 3, "updated": 1, "superseded": 2, "calls": 2},
    ),
    (
        "each row another field",
        f"{ONE},Bern\n{ONE},Bern,beta\n{ONE},Bern,,free\n",
        {"records": 3, "updated": 1, "superseded": 2, "calls": 2},
    ),
]


@pytest.mark.parametrize(("rows", "expected"), [each[1:] for each in FILES], ids=[each[0] for each in FILES])
def test_what_is_foreseen_happens(
    api: FlaskClient, known: Stack, crisp: Crisp, rows: str, expected: dict[str, int]
) -> None:
    """Short rows say nothing of what they do not have."""
    assert agree(api, known, crisp, HEAD + rows.replace(f"{ONE},Bern,,free", f"{ONE},Bern,vip,free")) == expected


MODES: list[tuple[str, str, dict[str, int]]] = [
    ("create", "new, twice", {"records": 2, "created": 1, "superseded": 1, "calls": 1}),
    ("create", "known", {"records": 1, "rejected": 1, "calls": 1}),
    ("create", "known, twice", {"records": 2, "rejected": 2, "calls": 1}),
    ("update", "new", {"records": 1, "rejected": 1, "calls": 1}),
    ("update", "new, twice", {"records": 2, "rejected": 2, "calls": 1}),
    ("update", "known", {"records": 1, "updated": 1, "calls": 1}),
    ("update", "known, twice", {"records": 2, "updated": 1, "superseded": 1, "calls": 1}),
]
ROWS = {"new": "a@x.org,Rome\n", "known": f"{ONE},Bern\n"}


@pytest.mark.parametrize(("mode", "rows", "expected"), MODES, ids=[f"{mode} {rows}" for mode, rows, _ in MODES])
def test_what_is_foreseen_of_a_mode_happens(
    api: FlaskClient, known: Stack, crisp: Crisp, mode: str, rows: str, expected: dict[str, int]
) -> None:
    who, _, twice = rows.partition(", ")
    found = agree(api, known, crisp, "email,city\n" + ROWS[who] * (2 if twice else 1) + "x@x.org\n", mode=mode)
    other = {"records": 1, "created": 1, "calls": 1} if mode == "create" else {"records": 1, "rejected": 1, "calls": 1}
    assert found == {key: count for key in {*expected, *other} if (count := expected.get(key, 0) + other.get(key, 0))}


@pytest.mark.parametrize("mode", ["upsert", "create", "update"])
@pytest.mark.parametrize("seed", range(2))
def test_what_is_foreseen_of_any_file_happens(
    api: FlaskClient, known: Stack, crisp: Crisp, monkeypatch: pytest.MonkeyPatch, seed: int, mode: str
) -> None:
    """Rows in several portions, of which many are about the same people."""
    chance = random.Random(seed)
    people = [f"known{number}@example.com" for number in range(6)] + [f"new{number}@x.org" for number in range(25)]
    rows = [
        ",".join(
            (
                chance.choice([*people, "nobody"]),
                chance.choice(("", "Rome", "Bern", "Oslo")),
                chance.choice(("", "vip", "beta", "vip|gold")),
                chance.choice(("", "pro", "free")),
            )[: chance.choice((2, 3, 4, 4, 4))]
        )
        for _ in range(90)
    ]
    monkeypatch.setattr(foreseeing, "_CHUNK", 25)
    monkeypatch.setattr("connector.intake.accept._CHUNK", 25)
    agree(api, known, crisp, HEAD + "\n".join(rows) + "\n", mode=mode)


GROUPS = [
    ("one value for all", lambda number: "free", 1),
    ("two values", lambda number: ("free", "basic")[number % 2], 2),
    ("each its own", lambda number: f"plan {number}", 6),
]


@pytest.mark.parametrize(("plan", "calls"), [each[1:] for each in GROUPS], ids=[each[0] for each in GROUPS])
def test_calls_that_batches_save_are_foreseen(
    api: FlaskClient, known: Stack, crisp: Crisp, plan: Any, calls: int
) -> None:
    """On a connection of which it is known that batches work; rows that give way cost nothing there either."""
    crisp.switch(segments="append", nested="merge", batch="on")
    assert probing.probe(known.services, known.tenant.id).findings["batch_data"] == "merge"
    rows = "".join(f"known{number}@example.com,{plan(number)}\n" for number in range(6))
    content = f"email,data.plan\nknown0@example.com,gone\n{rows}"
    expected = {"records": 7, "updated": 6, "superseded": 1, "calls": calls}
    assert agree(api, known, crisp, content) == expected


def test_the_first_contacts_are_shown_as_crisp_will_have_them(api: FlaskClient, known: Stack) -> None:
    rows = "".join(f"new{number}@x.org,Ada,Lovelace,Rome\n" for number in range(30))
    again = "new1@x.org,Ada,King,\n"
    shown = previewed(api, f"email,first name,last name,city\nnobody,,,\n{rows}{again}")["contacts"]
    assert [each["contact"]["email"] for each in shown] == [f"new{number}@x.org" for number in range(20)]
    assert [each["row"] for each in shown[:3]] == [2, 32, 4], "the row that has the outcome"
    assert shown[1]["contact"]["nickname"] == "Ada King"
    assert shown[1]["contact"]["city"] == "Rome"
    assert not {"first_name", "last_name"} & set(shown[1]["contact"])
    assert {each["status"] for each in shown} == {"created"}
    assert [call["method"] for call in shown[1]["plan"]] == ["POST"]


def test_problems_are_grouped_by_kind(api: FlaskClient, known: Stack) -> None:
    """Those that reject rows come first, then the most frequent."""
    rows = ["nobody,1,", *(f"p{number}@x.org,x,nowhere" for number in range(7)), "q@x.org,,", "q@x.org,,,too,much"]
    shown = previewed(api, "email,phone,country\n" + "\n".join(rows) + "\n,+33142685377,\n,,FR\n")
    told = [(each["level"], each["code"], each["count"], each["rows"]) for each in shown["problems"]]
    assert told == [
        ("error", "email_missing", 2, [11, 12]),
        ("error", "email_invalid", 1, [1]),
        ("error", "row_malformed", 1, [10]),
        ("warning", "phone_dropped", 8, [1, 2, 3, 4, 5]),
        ("warning", "country_dropped", 7, [2, 3, 4, 5, 6]),
    ]
    assert all(each["message"] for each in shown["problems"])


def test_whom_a_mode_refuses_is_a_problem_too(api: FlaskClient, known: Stack) -> None:
    shown = previewed(api, KNOWN + "new@x.org,,,,\n", options={"mode": "create"})
    assert [(each["level"], each["code"], each["count"], each["rows"]) for each in shown["problems"]] == [
        ("error", "contact_exists", 6, [1, 2, 3, 4, 5])
    ]
    assert [each["contact"]["email"] for each in shown["contacts"]] == ["new@x.org"]


def test_duplicates_are_all_listed(api: FlaskClient, known: Stack) -> None:
    shown = previewed(api, "email\na@x.org\nb@x.org\nA@x.org\nb@x.org\na@x.org\n")
    assert [(each["row"], each["superseded_by"]) for each in shown["duplicates"]] == [(1, 3), (2, 4), (3, 5)]


class TestTime:
    """When it would be done."""

    def test_nothing_to_do_takes_none(self, api: FlaskClient, known: Stack) -> None:
        shown = previewed(api, KNOWN)
        assert (shown["totals"]["calls"], shown["eta_seconds"], shown["days"], shown["dashboard"]) == (0, 0.0, 0, None)

    def test_more_than_a_day_of_quota_is_told_with_the_way_that_costs_none(
        self, api: FlaskClient, known: Stack
    ) -> None:
        known.save(daily_quota=10)
        shown = previewed(api, "email\n" + "".join(f"n{number}@x.org\n" for number in range(45)))
        assert shown["totals"]["calls"] == 45
        assert shown["eta_seconds"] > 3 * 86_400
        assert shown["days"] >= 4
        assert "crisp-connector convert" in shown["dashboard"]["reason"]

    def test_of_very_many_rows_the_first_stand_for_all(
        self, api: FlaskClient, known: Stack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(foreseeing, "MOST_ROWS", 500)
        known.save(daily_quota=400)
        content = "email\n" + "".join(f"n{number}@x.org\n" for number in range(2_000))
        shown = previewed(api, content)
        assert (shown["file"]["rows"], shown["totals"]["records"]) == (2_000, 500)
        assert "preview_cut" in [note["code"] for note in shown["notes"]]
        assert shown["days"] >= 4
