"""A file in: how it is sent, which columns feed what, and what becomes of its rows."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, or_, select

from connector.file_imports.accepting import Came, Wanted, import_file
from connector.intake import batch
from connector.ledger import retention
from connector.ledger.retention import Retention
from connector.ledger.tables import records
from connector.uploads import forgetting
from connector.uploads.store import Incoming
from tests.app.files import (
    IMPORTS,
    PREVIEW,
    count_imports,
    deliver,
    imported,
    kept,
    outcomes,
    previewed,
    send,
)
from tests.app.stack import DATABASES, Crisp, Stack, problem

pytestmark = pytest.mark.parametrize("database", DATABASES, indirect=True)

FILE = "Email,First name,City\nada@example.com,Ada,Rome\nbob@example.com,Bob,Bern\n"
STRANGE = "Contact,Wohnt in\nada@example.com,Rome\n"
MAPPING = {"email": "Contact", "city": ["Wohnt in"]}


def finished(api: FlaskClient, stack: Stack, import_id: str) -> dict[str, int]:
    """The totals once all is delivered, without what is zero."""
    deliver(stack)
    totals = api.get(f"{IMPORTS}/{import_id}").get_json()["totals"]
    return {key: count for key, count in totals.items() if count}


def test_a_file_becomes_contacts(api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
    answer = send(api, FILE, "people.csv")
    assert answer.status_code == 202
    told = answer.get_json()
    assert (told["id"], told["file_name"], told["source"], told["mode"]) == (
        told["import_id"],
        "people.csv",
        "csv",
        "upsert",
    )
    assert "Location" not in answer.headers
    assert finished(api, stack, told["import_id"]) == {"records": 2, "created": 2, "calls": 2}
    assert crisp.people()["ada@example.com"]["person"]["nickname"] == "Ada"
    assert kept(stack) == [FILE.encode()]


class TestMapping:
    """Which column feeds which field."""

    @pytest.mark.parametrize("to", [PREVIEW, IMPORTS])
    def test_is_given_as_json(self, api: FlaskClient, stack: Stack, crisp: Crisp, to: str) -> None:
        answer = send(api, STRANGE, to=to, mapping=MAPPING)
        assert answer.status_code in (200, 202), answer.get_data(as_text=True)
        if to == PREVIEW:
            assert answer.get_json()["mapping"] == {"email": ["Contact"], "city": ["Wohnt in"]}
        else:
            deliver(stack)
            assert crisp.people()["ada@example.com"]["person"]["geolocation"]["city"] == "Rome"

    def test_is_named(self, api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
        api.put("/v1/mappings/shop", json=MAPPING)
        assert previewed(api, STRANGE, mapping="shop")["saved_mapping"] == "shop"
        imported(api, STRANGE, mapping=" shop ")
        deliver(stack)
        assert crisp.people()["ada@example.com"]["person"]["geolocation"]["city"] == "Rome"

    def test_that_was_saved_and_fits_is_found_again(self, api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
        """Of several, that which names most."""
        api.put("/v1/mappings/a", json={"email": "Contact"})
        api.put("/v1/mappings/b", json=MAPPING)
        api.put("/v1/mappings/c", json={**MAPPING, "phone": "Handy"})
        shown = previewed(api, STRANGE)
        assert (shown["saved_mapping"], shown["mapping"]["city"]) == ("b", ["Wohnt in"])
        assert "saved_mapping_used" in [note["code"] for note in shown["notes"]]
        imported(api, STRANGE)
        deliver(stack)
        assert crisp.people()["ada@example.com"]["person"]["geolocation"]["city"] == "Rome"

    def test_of_another_connection_is_not_found(self, api: FlaskClient, stack: Stack) -> None:
        stack.other_client().put("/v1/mappings/shop", json=MAPPING)
        problem(send(api, STRANGE, mapping="shop"), 404, "mapping_missing")
        problem(send(api, STRANGE), 422, "email_column_missing")


MODES = [
    ("upsert", [(1, "updated", None), (2, "created", None)]),
    ("create", [(1, "rejected", "contact_exists"), (2, "created", None)]),
    ("update", [(1, "updated", None), (2, "rejected", "contact_missing")]),
]


@pytest.mark.parametrize(("mode", "expected"), MODES, ids=[each[0] for each in MODES])
def test_a_mode_says_whom_a_file_may_touch(
    api: FlaskClient, stack: Stack, crisp: Crisp, mode: str, expected: list[Any]
) -> None:
    crisp.add("ada@example.com")
    import_id = imported(api, FILE, options={"mode": mode})
    deliver(stack)
    assert outcomes(api, import_id) == expected


EMPTY = [
    ("an empty data cell removes the key", "email,data.plan\nada@example.com,\n", {}),
    ("an absent one does not", "email,city,data.plan\nada@example.com,Rome\n", {"plan": "pro"}),
    ("nor does one that nothing feeds", "email,city\nada@example.com,Rome\n", {"plan": "pro"}),
]


@pytest.mark.parametrize(("content", "expected"), [each[1:] for each in EMPTY], ids=[each[0] for each in EMPTY])
def test_only_an_empty_data_cell_clears(
    api: FlaskClient, stack: Stack, crisp: Crisp, content: str, expected: dict[str, str]
) -> None:
    imported(api, "email,city,data.plan\nada@example.com,Bern,pro\n")
    deliver(stack)
    imported(api, content)
    deliver(stack)
    assert crisp.people()["ada@example.com"]["data"] == expected


def test_an_empty_cell_of_a_field_leaves_what_is_there(api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
    imported(api, FILE)
    deliver(stack)
    imported(api, "email,first name,city\nada@example.com,,\n")
    deliver(stack)
    person = crisp.people()["ada@example.com"]["person"]
    assert (person["nickname"], person["geolocation"]["city"]) == ("Ada", "Rome")


KEY: dict[str, Any] = {"headers": {"Idempotency-Key": "file-1"}}


class TestOnce:
    """The same thing asked for again."""

    def test_a_key_answers_with_the_import_that_it_made(self, api: FlaskClient, stack: Stack) -> None:
        first = imported(api, FILE, **KEY)
        deliver(stack)
        assert imported(api, FILE, "another-name.csv", **KEY) == first
        assert count_imports(stack) == 1

    @pytest.mark.parametrize(
        ("content", "more"),
        [(FILE + "cy@example.com,Cy,Oslo\n", {}), (FILE, {"options": {"mode": "create"}})],
        ids=["another file", "another option"],
    )
    def test_a_key_is_for_one_request(self, api: FlaskClient, stack: Stack, content: str, more: Any) -> None:
        imported(api, FILE, **KEY)
        problem(send(api, content, **more, **KEY), 409, "idempotency_mismatch")
        assert (count_imports(stack), kept(stack)) == (1, [FILE.encode()])

    def test_a_key_that_met_a_running_import_keeps_to_it(self, api: FlaskClient, stack: Stack) -> None:
        first = imported(api, FILE)
        assert imported(api, FILE, **KEY) == first
        deliver(stack)
        assert imported(api, FILE, **KEY) == first

    def test_a_refused_request_may_be_sent_again(self, api: FlaskClient) -> None:
        problem(send(api, "email\nnobody\n", **KEY), 422, "file_no_valid_row")
        imported(api, FILE, **KEY)

    def test_a_file_that_comes_twice_at_once_is_one_import(self, stack: Stack) -> None:
        rows = "".join(f"p{number}@example.com\n" for number in range(1_200))
        with ThreadPoolExecutor(4) as pool:
            ids = set(pool.map(lambda _: imported(stack.client(), f"email\n{rows}"), range(4)))
        assert (len(ids), count_imports(stack), stack.count(), len(kept(stack))) == (1, 1, 1_200, 1)

    @pytest.mark.parametrize("rows", [3, 600], ids=["as it is accepted", "as it comes in"])
    def test_whoever_was_thought_dead_joins_who_took_its_place(
        self, stack: Stack, monkeypatch: pytest.MonkeyPatch, rows: int
    ) -> None:
        monkeypatch.setattr(batch, "_DEAD", -1)
        content = "email\n" + "".join(f"p{number}@example.com\n" for number in range(rows))
        others: list[str] = []

        def brought(told: Callable[[int, int], None] | None = None) -> str:
            with stack.services.store.incoming() as coming:
                coming.write(content.encode())
                came = Came.whole(coming, "people.csv")
                return import_file(stack.services, stack.tenant.id, came, Wanted(), told=told)

        first = brought(lambda *_: None if others else others.append(brought()))
        assert [first] == others
        assert (count_imports(stack), stack.count(), len(kept(stack))) == (1, rows, 1)

    def test_one_with_a_limit_that_comes_twice_at_once_is_one_import(self, stack: Stack) -> None:
        content = "email\n" + "".join(f"p{number}@example.com\n" for number in range(1_200))
        with ThreadPoolExecutor(4) as pool:
            bring = partial(imported, content=content, options={"limit": 1})
            ids = set(pool.map(lambda _: bring(stack.client()), range(4)))
        assert (len(ids), count_imports(stack), stack.count()) == (1, 1, 1_200)

    def test_the_file_stays_when_a_request_with_the_same_is_refused_meanwhile(
        self, api: FlaskClient, stack: Stack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        services, keep = stack.services, stack.services.store.keep

        def kept_while_another_is_refused(connection_id: str, coming: Incoming, digest: str) -> None:
            keep(connection_id, coming, digest)
            forgetting.drop_unused(services.ledger, services.store, connection_id, digest)

        monkeypatch.setattr(services.store, "keep", kept_while_another_is_refused)
        imported(api, FILE)
        assert kept(stack) == [FILE.encode()]

    def test_a_file_that_comes_again_later_costs_nothing(self, api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
        first = imported(api, FILE)
        deliver(stack)
        before = crisp.calls
        second = imported(api, FILE)
        assert first != second
        assert finished(api, stack, second) == {"records": 2, "unchanged": 2}
        assert (crisp.calls, len(kept(stack))) == (before, 1)

    @pytest.mark.parametrize("what", ["pause", "cancel"])
    def test_one_that_stands_still_is_not_waited_for(self, api: FlaskClient, what: str) -> None:
        first = imported(api, FILE)
        api.post(f"{IMPORTS}/{first}/{what}")
        assert imported(api, FILE) != first

    @pytest.mark.parametrize(
        "more", [{"options": {"mode": "update"}}, {"options": {"limit": 1}}, {"mapping": {"data.town": "City"}}]
    )
    def test_another_wish_is_another_import(self, api: FlaskClient, more: dict[str, Any]) -> None:
        assert imported(api, FILE) != imported(api, FILE, **more)


def test_a_file_to_be_forgotten_is_not_kept(api: FlaskClient, stack: Stack) -> None:
    answer = send(api, FILE, options={"forget": True}).get_json()
    assert "failures" not in answer["links"]
    assert kept(stack) == []
    assert finished(api, stack, answer["import_id"])["created"] == 2
    problem(api.get(f"{IMPORTS}/{answer['import_id']}/failures.csv"), 404, "file_forgotten")


def test_of_a_file_to_be_forgotten_nothing_is_left_but_outcomes(api: FlaskClient, stack: Stack) -> None:
    import_id = imported(api, FILE + "nobody,N,Oslo\n", options={"forget": True, "limit": 1})
    deliver(stack)
    assert said_by(stack) > 0, "what waits is still to be told"
    api.post(f"{IMPORTS}/{import_id}/resume")
    deliver(stack)
    assert comes_to(0, stack)
    assert outcomes(api, import_id) == [(1, "created", None), (2, "created", None), (3, "rejected", "email_invalid")]


def test_one_of_which_nothing_goes_out_is_forgotten_at_once(api: FlaskClient, stack: Stack) -> None:
    imported(api, FILE)
    deliver(stack)
    imported(api, FILE, options={"forget": True})
    assert comes_to(2, stack), "the rows of the import whose file is kept"


def test_what_a_dying_process_did_not_forget_is_forgotten_later(
    api: FlaskClient, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported(api, FILE, options={"forget": True})
    monkeypatch.setattr("connector.imports.is_forgotten", lambda row: False)
    deliver(stack)
    assert said_by(stack) == 2
    retention.sweep(stack.services.ledger, Retention(30), stack.services.courier.clock())
    assert said_by(stack) == 0


def comes_to(wanted: int, stack: Stack) -> bool:
    """Whether soon so many records say whom they are about: what ended is looked at beside the drain."""
    until = time.monotonic() + 10
    while (found := said_by(stack)) != wanted and time.monotonic() < until:
        time.sleep(0.02)
    return found == wanted


def said_by(stack: Stack) -> int:
    """How many records still say whom they are about."""
    body = or_(records.c.contact.is_not(None), records.c.email.is_not(None), records.c.who.is_not(None))
    with stack.services.ledger.read() as connection:
        return connection.scalar(select(func.count()).where(body)) or 0


def test_one_that_is_forgotten_leaves_the_same_file_of_another_import(api: FlaskClient, stack: Stack) -> None:
    first = imported(api, FILE)
    imported(api, FILE, options={"forget": True})
    assert kept(stack) == [FILE.encode()]
    assert api.get(f"{IMPORTS}/{first}/failures.csv").status_code == 200


def test_links_lead_to_what_can_be_fetched(api: FlaskClient, stack: Stack) -> None:
    links = send(api, FILE).get_json()["links"]
    assert set(links) == {"self", "records", "failures", "crisp_csv"}
    deliver(stack)
    for link in links.values():
        assert api.get(link.removeprefix("http://localhost")).status_code == 200


def test_a_preview_writes_nothing(api: FlaskClient, stack: Stack, crisp: Crisp) -> None:
    previewed(api, FILE)
    assert (count_imports(stack), stack.count(), kept(stack), crisp.calls) == (0, 0, [], 0)


def test_a_reader_previews_and_imports_nothing(stack: Stack) -> None:
    reader = stack.client(stack.key("read"))
    assert send(reader, FILE, to=PREVIEW).status_code == 200
    problem(send(reader, FILE), 403, "scope_missing")
    problem(send(stack.client(None), FILE), 401, "key_missing")
    assert (count_imports(stack), kept(stack)) == (0, [])


def test_tenants_do_not_see_each_others_files(api: FlaskClient, stack: Stack) -> None:
    mine, other = imported(api, FILE), stack.other_client()
    theirs = imported(other, FILE)
    assert mine != theirs
    assert len(kept(stack)) == 2, "each has its own"
    for end in ("", "/records", "/failures.csv", "/crisp.csv"):
        problem(other.get(f"{IMPORTS}/{mine}{end}"), 404, "import_missing")
    assert [each["id"] for each in other.get(IMPORTS).get_json()] == [theirs]
