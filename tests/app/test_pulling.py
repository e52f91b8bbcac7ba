"""Pulling, of all systems alike: pages, changes, refusals, pauses, and one import of it."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug import Response

from connector.api import inbound
from connector.cli import pulling as command
from connector.inbound import asking, beginning
from connector.inbound.beginning import joined
from connector.inbound.pull_runner import Pulls
from connector.inbound.pulling import Pull, taken
from connector.ledger import importing, pulls
from connector.ledger import inbounds as ledger_inbounds
from connector.ledger.tables import imports, inbounds
from connector.ledger.tables import pulls as pulls_table
from connector.vendors import salesforce
from connector.vendors.base import Access, Account, Reply
from tests.app.inbound import kept, made
from tests.app.stack import Stack, finished, problem
from tests.vendors.shopify import THROTTLED
from tests.vendors.standing import VENDORS, StandIn, all_standing, answered, asked_here

pytestmark = pytest.mark.usefixtures("no_addresses", "hurry")
# Contacts that each has; two are on a page.
COUNT = 5
EMAILS = {f"p{number}@example.com" for number in range(1, COUNT + 1)}
# Asks for all but the first.
FROM_TWO = "?since=2026-05-28T20:28:00Z"
# Systems that cannot be asked for what has changed, or not to the hour: they are asked for all.
FOR_ALL = ("google_sheets", "woocommerce", "prestashop")


@pytest.fixture(scope="module")
def systems() -> Iterator[dict[str, StandIn]]:
    """All of them."""
    with all_standing(VENDORS, COUNT) as found:
        yield found


@pytest.fixture(scope="module")
def settings(systems: dict[str, StandIn]) -> dict[str, Any]:
    """They are on this machine."""
    return asked_here(systems)


@pytest.fixture
def system(systems: dict[str, StandIn], vendor: str) -> StandIn:
    """The one that a test is about, as new."""
    found = systems[vendor]
    found.faults.clear()
    found.asked.clear()
    return found


def address(api: FlaskClient, system: StandIn, **pull: Any) -> dict[str, Any]:
    wanted = {"pull": {**system.address["pull"], **pull}, "credential": system.vendor.CREDENTIAL}
    return made(api, system.vendor.KEY, **wanted)


def pull(api: FlaskClient, one: dict[str, Any], query: str = "") -> Any:
    return api.post(f"/v1/inbound/{one['id']}/pull{query}")


def preview(api: FlaskClient, one: dict[str, Any], query: str = "") -> Any:
    return api.post(f"/v1/inbound/{one['id']}/pull/preview{query}")


def go_on(stack: Stack) -> None:
    """What the runner does by itself, as far as it can now."""
    with stack.services.ledger.write() as connection:
        connection.execute(update(pulls_table).where(pulls_table.c.due_at.is_not(None)).values(due_at=0))
        connection.execute(update(inbounds).values(state={}))  # no turn is waited for
    Pulls(stack.services).run_one()


def in_hand(stack: Stack, one: dict[str, Any]) -> Pull:
    """The pull of an address, in the hands of another process."""
    with stack.services.ledger.read() as connection:
        found = ledger_inbounds.get(connection, stack.tenant.id, one["id"])
    assert found is not None
    pull = taken(stack.services, found, "somebody else")
    assert pull is not None
    return pull


def pull_of(stack: Stack, one: dict[str, Any]) -> Any:
    """How far the pull of an address is."""
    with stack.services.ledger.read() as connection:
        return pulls.get(connection, one["id"])


def resumed(stack: Stack, one: dict[str, Any]) -> Any:
    """How far the pull of an address is when a schedule has gone on with it."""
    going = in_hand(stack, one)
    going.go_on()
    going.release()
    return pull_of(stack, one)


def state(api: FlaskClient, one: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/v1/inbound/{one['id']}").get_json()["pulled"]
    return found


@pytest.mark.parametrize("vendor", VENDORS)
class TestEverySystem:
    """What each of the ten does alike."""

    def test_all_pages_come_in_as_one_import(self, api: FlaskClient, stack: Stack, system: StandIn) -> None:
        one = address(api, system)
        answer = pull(api, one)
        assert answer.status_code == 202, answer.get_json()
        its_id = answer.get_json()["import_id"]
        assert state(api, one)["state"] == "running"
        assert stack.crisp.calls == 0, "what has come becomes due when all of it is there"
        go_on(stack)
        told = finished(api, its_id)
        assert (told["totals"]["records"], told["totals"]["created"]) == (COUNT, COUNT)
        assert told["source"] == system.vendor.KEY
        assert "list_incomplete" not in [note["code"] for note in told["notes"]]
        assert set(stack.crisp.people()) == EMAILS
        seen = state(api, one)
        assert (seen["state"], seen["records"], seen["import_id"]) == ("completed", COUNT, its_id)
        assert seen["pages"] >= 3

    def test_what_would_come_of_it(self, api: FlaskClient, stack: Stack, system: StandIn) -> None:
        one = address(api, system)
        told = preview(api, one).get_json()
        assert (told["totals"]["records"], told["totals"]["created"], told["whole"]) == (COUNT, COUNT, True)
        assert told["eta_seconds"] > 0
        assert (stack.count(), stack.crisp.calls) == (0, 0)
        assert "pulled" not in api.get(f"/v1/inbound/{one['id']}").get_json()
        its_id = pull(api, one).get_json()["import_id"]
        go_on(stack)
        totals = finished(api, its_id)["totals"]
        assert totals == told["totals"]
        assert preview(api, one).get_json()["totals"]["unchanged"] == COUNT

    def test_what_has_changed_since(self, api: FlaskClient, stack: Stack, system: StandIn) -> None:
        last = system.people[-2]
        answer = pull(api, address(api, system), f"?since={last.at}")
        go_on(stack)
        finished(api, answer.get_json()["import_id"])
        changed = EMAILS if system.vendor.KEY in FOR_ALL else {last.email, system.people[-1].email}
        assert set(stack.crisp.people()) == changed

    @pytest.mark.parametrize(
        ("fault", "status", "code"),
        [
            (Response("{}", status=401), 422, "source_credential_refused"),
            (Response("{}", status=403), 422, "source_credential_refused"),
            (Response("{}", status=404), 422, "source_missing"),
            (Response("{}", status=400), 422, "source_refused"),
            (Response("", status=302, headers={"Location": "https://elsewhere.example/"}), 422, "source_refused"),
            (Response("{}", status=429, headers={"Retry-After": "120"}), 503, "source_busy"),
            (Response("no", status=500), 502, "source_unreachable"),
            (Response("<html><body>Log in</body></html>", content_type="text/html"), 502, "source_unreachable"),
            (Response('{"data": [{"id"', content_type="application/json"), 502, "source_unreachable"),
        ],
        ids=["401", "403", "404", "400", "302", "429", "500", "html", "cut"],
    )
    def test_what_it_refuses_is_told_and_nothing_begun(
        self, api: FlaskClient, stack: Stack, system: StandIn, fault: Response, status: int, code: str
    ) -> None:
        system.faults.extend([fault, fault])  # whoever has an access token asks for another once
        one = address(api, system)
        answer = pull(api, one)
        problem(answer, status, code)
        assert stack.count() == 0
        assert answer.headers.get("Retry-After") == ("120" if code == "source_busy" else None)
        assert (state(api, one)["state"], state(api, one)["code"]) == ("given_up", code)
        assert not any(secret in answer.get_data(as_text=True) for secret in secrets_of(system))

    def test_a_pause_in_the_midst_is_kept_and_then_it_goes_on(
        self, api: FlaskClient, stack: Stack, system: StandIn
    ) -> None:
        one = address(api, system)
        its_id = pull(api, one).get_json()["import_id"]
        pages = state(api, one)["pages"]
        system.faults.append(Response("{}", status=429, headers={"Retry-After": "120"}))
        go_on(stack)
        waiting = state(api, one)
        assert (waiting["state"], waiting["code"], waiting["pages"]) == ("waiting", "source_busy", pages)
        asked = len(system.asked)
        Pulls(stack.services).run_one()
        assert len(system.asked) == asked, "nobody asks during the pause"
        go_on(stack)
        assert finished(api, its_id)["totals"]["created"] == COUNT

    def test_no_secret_is_kept_in_the_open(self, api: FlaskClient, stack: Stack, system: StandIn) -> None:
        pull(api, address(api, system))
        everything = kept(stack)
        assert not [secret for secret in secrets_of(system) if secret in everything]
        assert not [path for path in system.asked for secret in secrets_of(system) if secret in path]


def secrets_of(system: StandIn) -> list[str]:
    told = system.vendor.CREDENTIAL
    names = ("client_secret", "refresh_token", "consumer_secret", "key")
    found = [told] if isinstance(told, str) else [told[name] for name in names if name in told]
    return [*found, *([token] if (token := getattr(system.vendor, "_TOKEN", None)) else [])]


@pytest.mark.parametrize("vendor", ["zoho", "salesforce", "shopify", "dynamics"])
class TestAccessTokens:
    """Those who give tokens that do not last."""

    def test_one_is_used_until_it_is_refused_and_then_another(
        self, api: FlaskClient, stack: Stack, system: StandIn, caplog: pytest.LogCaptureFixture
    ) -> None:
        one = address(api, system)
        system.faults.append(Response("{}", status=401))
        assert pull(api, one).status_code == 202
        go_on(stack)
        assert state(api, one)["state"] == "completed"
        assert not [secret for secret in secrets_of(system) if secret in caplog.text]

    def test_a_credential_that_gives_none(self, api: FlaskClient, system: StandIn) -> None:
        name = "refresh_token" if system.vendor.KEY == "zoho" else "client_secret"
        credential = {**system.vendor.CREDENTIAL, name: "another"}
        problem(pull(api, made(api, system.vendor.KEY, credential=credential)), 422, "source_credential_refused")


@pytest.mark.parametrize("vendor", ["hubspot"])
class TestOnePull:
    """What one system shows for all."""

    def test_only_one_at_a_time(self, api: FlaskClient, stack: Stack, system: StandIn) -> None:
        one = address(api, system)
        its_id = pull(api, one).get_json()["import_id"]
        with stack.services.ledger.write() as connection:
            hold = pulls.take(connection, stack.tenant.id, one["id"], "somebody else", stack.services.courier.clock())
        assert hold is not None
        asked = len(system.asked)
        assert pull(api, one).get_json()["import_id"] == its_id
        go_on(stack)
        assert len(system.asked) == asked

    @pytest.mark.parametrize("asks", ["over HTTP", "from the command line"])
    @pytest.mark.parametrize("pages", [0, 1])
    def test_who_asks_for_what_another_process_pulls_gets_that(
        self, api: FlaskClient, stack: Stack, system: StandIn, monkeypatch: pytest.MonkeyPatch, asks: str, pages: int
    ) -> None:
        """Also where that ends, or has its first contacts, only after a while."""
        one = address(api, system)
        theirs, looked = in_hand(stack, one), threading.Event()
        theirs.begin(None)
        for _ in range(pages):
            theirs.step()

        def look(*said: Any) -> str | None:
            looked.set()
            return joined(*said)

        monkeypatch.setattr(beginning, "joined", look)
        monkeypatch.setattr(command, "joined", look)
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(
                (lambda: pull(stack.client(), one).get_json()["import_id"])
                if asks == "over HTTP"
                else (lambda: command._to_the_end(stack.services, theirs.address, None).import_id)
            )
            assert looked.wait(10)
            while theirs.step():
                pass
            theirs.release()
            assert asked.result(20) == theirs.row.import_id
        assert (len(system.asked), finished(api, theirs.row.import_id)["totals"]["records"]) == (3, COUNT)

    def test_who_asks_for_another_while_one_is_in_hand_is_refused(
        self, api: FlaskClient, stack: Stack, system: StandIn
    ) -> None:
        one = address(api, system)
        in_hand(stack, one).begin(None)
        another = f"?since={system.people[0].at}"
        told = problem(pull(api, one, another), 409, "pull_running")["message"]
        assert system.asked == []
        assert "by sending the address's pull options again" in told
        options = api.get(f"/v1/inbound/{one['id']}").get_json()["pull"]
        assert api.patch(f"/v1/inbound/{one['id']}", json={"pull": options}).status_code == 200
        assert pull(api, one, another).status_code == 202

    def test_who_has_it_in_hand_and_begins_nothing_is_not_waited_for_long(
        self, api: FlaskClient, stack: Stack, system: StandIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(beginning, "_PATIENCE", 0.0)
        one = address(api, system)
        in_hand(stack, one)
        problem(pull(api, one), 409, "pull_running")

    @pytest.mark.parametrize(("first", "then"), [(FROM_TWO, ""), ("", FROM_TWO)])
    def test_what_is_unfinished_goes_on_for_the_same_time_alone(
        self, api: FlaskClient, stack: Stack, system: StandIn, first: str, then: str
    ) -> None:
        one = address(api, system, page_size=1)
        its_id = pull(api, one, first).get_json()["import_id"]
        assert pull(api, one, first).get_json()["import_id"] == its_id
        another = pull(api, one, then).get_json()["import_id"]
        assert another != its_id
        go_on(stack)
        assert finished(api, another)["totals"]["records"] == (COUNT - 1 if then else COUNT)
        with stack.services.ledger.write() as connection:
            assert importing.drop_unsealed(connection, stack.services.courier.clock() + 1) == 1
            assert list(connection.scalars(select(imports.c.id))) == [another]

    def test_a_page_may_take_as_long_as_a_request(
        self, api: FlaskClient, stack: Stack, system: StandIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And be translated after that, and wait for the database, before another takes its reader for dead."""
        one, answer, left = address(api, system), system.vendor.answer, list[float]()

        def slow(request: Any, people: Any) -> Response:
            left.append((pull_of(stack, one).until - stack.services.courier.clock()) / 1000)
            found: Response = answer(request, people)
            return found

        monkeypatch.setattr(system.vendor, "answer", slow)
        pull(api, one)
        go_on(stack)
        assert len(left) == 3
        assert min(left) > 3 * asking._SECONDS

    def test_who_was_too_slow_adds_nothing(self, api: FlaskClient, stack: Stack, system: StandIn) -> None:
        one = address(api, system)
        pull(api, one)
        taker = threading.Event()
        answer = system.vendor.answer

        def overtaken(request: Any, people: Any) -> Response:
            """While the page is on its way, another process takes the pull for dead."""
            found: Response = answer(request, people)
            with stack.services.ledger.write() as connection:
                connection.execute(update(pulls_table).values(until=0))
                clock = stack.services.courier.clock
                assert pulls.take(connection, stack.tenant.id, one["id"], "another", clock()) is not None
            taker.set()
            return found

        records = stack.count()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(system.vendor, "answer", overtaken)
            go_on(stack)
        assert taker.is_set()
        assert (stack.count(), state(api, one)["pages"]) == (records, 1)

    def test_an_address_that_goes_away_meanwhile_ends_it(
        self, api: FlaskClient, stack: Stack, system: StandIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one, answer = address(api, system), system.vendor.answer

        def removed(request: Any, people: Any) -> Response:
            assert stack.client().delete(f"/v1/inbound/{one['id']}").status_code == 200
            found: Response = answer(request, people)
            return found

        monkeypatch.setattr(system.vendor, "answer", removed)
        problem(pull(api, one), 404, "inbound_missing")
        assert stack.count() == 0

    def test_a_preview_ends_in_time(
        self, api: FlaskClient, stack: Stack, system: StandIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(inbound, "_PATIENCE", 0.0)
        told = preview(api, address(api, system)).get_json()
        assert (told["totals"]["records"], told["whole"]) == (2, False)
        assert len(system.asked) == 1

    def test_a_preview_of_what_has_changed(self, api: FlaskClient, stack: Stack, system: StandIn) -> None:
        told = preview(api, address(api, system), f"?since={system.people[-1].at}").get_json()
        assert (told["totals"]["records"], told["whole"]) == (1, True)

    def test_a_preview_is_refused_as_the_pull_would_be(self, api: FlaskClient, stack: Stack, system: StandIn) -> None:
        problem(preview(api, made(api, "hubspot")), 422, "pull_unset")
        problem(preview(api, {"id": "nobody"}), 404, "inbound_missing")
        one = address(api, system)
        system.faults.append(Response("{}", status=429, headers={"Retry-After": "120"}))
        problem(preview(api, one), 503, "source_busy")
        problem(preview(api, one), 503, "source_busy")
        assert len(system.asked) == 1, "nobody asks during the pause"

    def test_none_is_no_import(self, api: FlaskClient, stack: Stack, system: StandIn) -> None:
        system.faults.append(answered({"results": []}))
        one = address(api, system)
        answer = pull(api, one)
        assert (answer.status_code, answer.get_json()) == (200, {"records": 0})
        assert (state(api, one)["state"], state(api, one)["import_id"]) == ("completed", None)

    def test_a_pull_that_comes_again_pulls_once(self, api: FlaskClient, stack: Stack, system: StandIn) -> None:
        one, once = address(api, system), {"Idempotency-Key": "pull-1"}
        first, again = (api.post(f"/v1/inbound/{one['id']}/pull", headers=once).get_json() for _ in range(2))
        assert first["import_id"] == again["import_id"]
        assert len(system.asked) == 1

    def test_what_is_unfinished_is_not_tidied_away(self, api: FlaskClient, stack: Stack, system: StandIn) -> None:
        one = address(api, system)
        its_id = pull(api, one).get_json()["import_id"]
        with stack.services.ledger.write() as connection:
            assert importing.drop_unsealed(connection, stack.services.courier.clock() + 1) == 0
            assert connection.scalar(select(imports.c.id)) == its_id
        assert api.get(f"/v1/imports/{its_id}").get_json()["state"] == "running"

    def test_what_a_wrong_credential_stopped_goes_on_with_the_right_one(
        self, api: FlaskClient, stack: Stack, system: StandIn
    ) -> None:
        one = address(api, system)
        its_id = pull(api, one).get_json()["import_id"]
        system.faults.append(Response("{}", status=401))
        go_on(stack)
        assert (state(api, one)["state"], state(api, one)["code"]) == ("stopped", "source_credential_refused")
        api.patch(f"/v1/inbound/{one['id']}", json={"credential": system.vendor.CREDENTIAL})
        assert pull(api, one).get_json()["import_id"] == its_id
        go_on(stack)
        assert finished(api, its_id)["totals"]["records"] == COUNT
        assert len(system.asked) == 4, "no page was read twice"

    def test_what_is_changed_while_a_page_is_on_its_way_holds_for_that_page(
        self, api: FlaskClient, stack: Stack, system: StandIn
    ) -> None:
        one, answer = address(api, system), system.vendor.answer
        its_id = pull(api, one).get_json()["import_id"]
        seen: list[str] = []

        def changed(request: Any, people: Any) -> Response:
            """While the second page is on its way, pages become smaller."""
            if not seen:
                said = {"pull": {**system.address["pull"], "page_size": 1}}
                assert stack.client().patch(f"/v1/inbound/{one['id']}", json=said).status_code == 200
            seen.append(request.args["limit"])
            found: Response = answer(request, people)
            return found

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(system.vendor, "answer", changed)
            go_on(stack)
            go_on(stack)
        assert seen == ["2", "1", "1", "1"]
        assert finished(api, its_id)["totals"]["records"] == COUNT

    def test_a_schedule_pulls_what_has_changed(self, api: FlaskClient, stack: Stack, system: StandIn) -> None:
        one = address(api, system, every_minutes=60)
        assert state(api, one)["state"] == "scheduled"
        go_on(stack)
        first = state(api, one)
        assert (first["state"], first["since"], first["records"]) == ("completed", None, COUNT)
        assert first["next_at"] is not None
        go_on(stack)
        again = state(api, one)
        assert (again["state"], again["records"]) == ("completed", 0), "nobody has changed since"
        assert again["since"] < first["began_at"]
        assert any("/search" in path for path in system.asked)

    @pytest.mark.parametrize(
        ("source", "said", "code"),
        [
            ("generic", {}, "pull_unsupported"),
            ("hubspot", {}, "pull_unset"),
            ("notion", {"credential": "ntn_sample"}, "pull_unset"),
        ],
    )
    def test_what_cannot_be_pulled(
        self, api: FlaskClient, vendor: str, source: str, said: dict[str, Any], code: str
    ) -> None:
        problem(pull(api, made(api, source, **said)), 422, code)

    @pytest.mark.parametrize(
        ("source", "said", "field", "words"),
        [
            ("generic", {"pull": {"every_minutes": 60}}, "pull", "Nothing can be pulled"),
            ("hubspot", {"pull": {"database_id": "x"}}, "pull", "every_minutes"),
            ("hubspot", {"pull": {"every_minutes": 1}}, "pull", "from 5"),
            ("hubspot", {"pull": {"every_minutes": True}}, "pull", "whole number"),
            ("hubspot", {"pull": {"page_size": 101}}, "pull", "to 100"),
            ("notion", {"pull": {"database_id": "x"}}, "pull", "32 hex digits"),
            ("google_sheets", {"pull": {"sheet": "x"}}, "pull", "spreadsheet"),
            ("google_sheets", {"pull": {"spreadsheet": "../../x"}}, "pull", "ID"),
            ("hubspot", {"credential": "a token"}, "credential", "JSON object"),
            ("zoho", {"credential": "secret-7"}, "credential", "refresh_token"),
            ("zoho", {"credential": {"client_id": "secret-7"}}, "credential", "refresh_token"),
            ("shopify", {"credential": {"shop": "evil.example", "access_token": "secret-7"}}, "credential", "myshop"),
            ("woocommerce", {"credential": {"url": "http://a.example", "consumer_key": "k", "consumer_secret": "s"}},
             "credential", "https://"),
            ("prestashop", {"credential": {"url": "https://u:secret-7@a.example", "key": "k"}}, "credential", "https"),
            ("salesforce", {"credential": {"url": "https://a.example", "client_id": "i", "client_secret": "secret 7"}},
             "credential", "client_secret"),
        ],
    )  # fmt: skip
    def test_what_makes_no_sense_is_refused_with_its_field_and_quoted_nowhere(
        self, api: FlaskClient, vendor: str, source: str, said: dict[str, Any], field: str, words: str
    ) -> None:
        more = {"sender": "00D5e0000012AbCEAU"} if source == "salesforce" else {}
        answer = api.post("/v1/inbound", json={"source": source, **more, **said})
        told = problem(answer, 422, "parameter_invalid")
        assert told["errors"][0]["field"] == field
        assert words in told["errors"][0]["message"]
        assert "secret-7" not in answer.get_data(as_text=True)
        assert "secret 7" not in answer.get_data(as_text=True)


# Of each system, what is changed for another place, and for the same.
NOTION, SHEET = "0" * 32, "x" * 44
ELSEWHERE = {
    "dynamics": {"credential": {"url": "https://other.crm4.dynamics.com"}},
    "google_sheets": {"pull": {"spreadsheet": SHEET}},
    "notion": {"pull": {"data_source_id": NOTION}},
    "prestashop": {"credential": {"url": "https://other.example"}},
    "salesforce": {"credential": {"url": "https://other.my.salesforce.com"}},
    "shopify": {"credential": {"shop": "other.myshopify.com"}},
    "woocommerce": {"credential": {"url": "https://other.example"}},
    "zoho": {"credential": {"domain": "com"}},
}
TOKENS = {
    "dynamics": {"client_secret": "another"},
    "hubspot": "another",
    "notion": "another",
    "pipedrive": "another",
    "prestashop": {"key": "another"},
    "salesforce": {"client_secret": "another"},
    "shopify": {"client_secret": "another"},
    "woocommerce": {"consumer_secret": "another"},
    "zoho": {"refresh_token": "another"},
}


def changed(api: FlaskClient, one: dict[str, Any], system: StandIn, **said: Any) -> None:
    """The address with these parts of its credential and these options of its pull instead."""
    told: dict[str, Any] = {}
    for name, value in said.items():
        told[name] = value if isinstance(value, str) else {**system.address[name], **value}
    if "data_source_id" in said.get("pull", {}):
        told["pull"].pop("database_id")
    answer = api.patch(f"/v1/inbound/{one['id']}", json=told)
    assert answer.status_code == 200, answer.get_json()


def unplaced(stack: Stack) -> None:
    """What is pulled began before it was written down where that is from."""
    with stack.services.ledger.write() as connection:
        connection.execute(update(pulls_table).values(place=None))


@pytest.mark.parametrize("unfinished", [True, False])
@pytest.mark.parametrize("placed", [True, False])
class TestAnotherPlace:
    """What is pulled elsewhere, and what is pulled as somebody else."""

    @pytest.fixture
    def one(self, api: FlaskClient, stack: Stack, system: StandIn, unfinished: bool, placed: bool) -> dict[str, Any]:
        """An address that is pulled."""
        found = address(api, system, every_minutes=60)
        assert pull(api, found).status_code == 202
        if not unfinished:
            go_on(stack)
        if not placed:
            unplaced(stack)
        return found

    @pytest.mark.parametrize("vendor", list(ELSEWHERE))
    def test_it_begins_anew_with_everything(
        self, api: FlaskClient, stack: Stack, system: StandIn, vendor: str, one: dict[str, Any]
    ) -> None:
        before = state(api, one)
        changed(api, one, system, **ELSEWHERE[vendor])
        anew = resumed(stack, one)
        assert (anew.since, anew.cursor, anew.pages, anew.caught_up_at) == (None, None, 0, None)
        assert anew.import_id != before["import_id"]

    @pytest.mark.parametrize("vendor", list(TOKENS))
    def test_a_new_token_for_the_same_goes_on(
        self, api: FlaskClient, stack: Stack, system: StandIn, vendor: str, one: dict[str, Any], unfinished: bool
    ) -> None:
        before = pull_of(stack, one)
        changed(api, one, system, credential=TOKENS[vendor], pull={"every_minutes": 30, "page_size": 1})
        after = resumed(stack, one)
        assert after.caught_up_at == before.caught_up_at
        if unfinished:
            assert (after.cursor, after.import_id) == (before.cursor, before.import_id)
        elif vendor not in FOR_ALL:
            assert after.since < before.began_at


@pytest.mark.parametrize("vendor", ["woocommerce"])
@pytest.mark.parametrize("lost", [None, b"no key opens this"])
def test_where_nobody_can_tell_any_more_where_a_pull_is_from_it_begins_anew(
    api: FlaskClient, stack: Stack, system: StandIn, lost: bytes | None
) -> None:
    """The credential was taken away, or the secret key, before it was written down."""
    one = address(api, system)
    assert pull(api, one).status_code == 202
    unplaced(stack)
    with stack.services.ledger.write() as connection:
        connection.execute(update(inbounds).values(credential_sealed=lost))
    before = pull_of(stack, one)
    changed(api, one, system, credential={})
    assert resumed(stack, one).import_id != before.import_id


@pytest.mark.parametrize("vendor", ["notion"])
def test_what_is_beyond_the_end_of_a_query_comes_with_the_next(
    api: FlaskClient, stack: Stack, system: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system.vendor, "MOST", 3)
    one = address(api, system)
    foreseen = preview(api, one).get_json()
    answer = pull(api, one)
    go_on(stack)
    told = finished(api, answer.get_json()["import_id"])
    assert set(stack.crisp.people()) == EMAILS
    assert (told["totals"]["created"], told["totals"]["superseded"]) == (COUNT, told["totals"]["records"] - COUNT)
    assert told["totals"]["records"] > COUNT
    assert foreseen["totals"] == told["totals"], "who is on two pages is counted once"


@pytest.mark.parametrize("vendor", ["shopify"])
def test_shopify_says_with_200_that_it_is_busy(api: FlaskClient, stack: Stack, system: StandIn) -> None:
    system.faults.append(answered(THROTTLED))
    answer = pull(api, address(api, system))
    problem(answer, 503, "source_busy")
    assert answer.headers["Retry-After"] == "10", "until the bucket holds what the query costs"


@pytest.mark.parametrize("vendor", ["salesforce"])
def test_salesforce_says_with_403_that_it_is_busy(api: FlaskClient, stack: Stack, system: StandIn) -> None:
    system.faults.append(answered([{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests"}], 403))
    problem(pull(api, address(api, system)), 503, "source_busy")


@pytest.mark.parametrize("vendor", ["pipedrive"])
def test_pipedrives_persons_have_their_companies_names(api: FlaskClient, stack: Stack, system: StandIn) -> None:
    answer = pull(api, address(api, system))
    go_on(stack)
    finished(api, answer.get_json()["import_id"])
    assert stack.crisp.people()["p1@example.com"]["company"]["name"] == system.vendor.COMPANY


@pytest.mark.parametrize("vendor", ["woocommerce", "prestashop"])
class TestCached:
    """A shop behind a cache that passes over the query."""

    @pytest.fixture
    def cached(self, system: StandIn, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Each path answers as it did first; the paths that were asked."""
        kept, asked, answer = dict[str, bytes](), list[str](), system.vendor.answer

        def first(request: Any, people: Any) -> Response:
            asked.append(request.path)
            if request.path not in kept:
                kept[request.path] = answer(request, people).get_data()
            return Response(kept[request.path], content_type="application/json")

        monkeypatch.setattr(system.vendor, "answer", first)
        return asked

    def test_the_same_page_again_ends_it_with_the_remedy(
        self, api: FlaskClient, stack: Stack, system: StandIn, cached: list[str]
    ) -> None:
        one = address(api, system)
        its_id = pull(api, one).get_json()["import_id"]
        go_on(stack)
        seen, asked = state(api, one), len(cached)
        assert (seen["state"], seen["code"], seen["pages"]) == ("stopped", "source_repeats", 1)
        go_on(stack)
        assert len(cached) == asked, "nobody asks again by himself"
        again = pull(api, one).get_json()
        assert (again["import_id"] == its_id, len(cached) > asked) == (False, True), "from the beginning"

    def test_a_schedule_that_is_set_then_begins_anew_too(
        self, api: FlaskClient, stack: Stack, system: StandIn, cached: list[str]
    ) -> None:
        one = address(api, system)
        its_id = pull(api, one).get_json()["import_id"]
        go_on(stack)
        options = {**api.get(f"/v1/inbound/{one['id']}").get_json()["pull"], "every_minutes": 60}
        assert api.patch(f"/v1/inbound/{one['id']}", json={"pull": options}).status_code == 200
        go_on(stack)
        seen = state(api, one)
        assert (seen["code"], seen["pages"], seen["import_id"] == its_id) == ("source_repeats", 1, False)

    def test_a_page_of_fewer_than_are_asked_for_is_not_taken_for_the_last(
        self, api: FlaskClient, stack: Stack, system: StandIn, cached: list[str]
    ) -> None:
        """The cache has it of somebody who asked for fewer."""
        preview(api, address(api, system, page_size=1))
        one = address(api, system, page_size=4)
        assert pull(api, one).status_code == 202
        go_on(stack)
        assert (state(api, one)["state"], state(api, one)["code"]) == ("stopped", "source_repeats")

    def test_a_preview_ends_as_well(self, api: FlaskClient, system: StandIn, cached: list[str]) -> None:
        assert "cache" in problem(preview(api, address(api, system)), 422, "source_repeats")["detail"]


@pytest.mark.parametrize("vendor", ["hubspot"])
def test_a_next_page_that_is_the_same_page_ends_it(
    api: FlaskClient, stack: Stack, system: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of every system: also by who took it up after somebody else was killed."""
    said = {"results": [{"id": "1", "properties": {"email": "p1@example.com"}}], "paging": {"next": {"after": "7"}}}
    monkeypatch.setattr(system.vendor, "answer", lambda *_: answered(said))
    one = address(api, system)
    pull(api, one)
    go_on(stack)
    assert (state(api, one)["state"], state(api, one)["code"]) == ("stopped", "source_repeats")


@pytest.mark.parametrize("vendor", ["prestashop"])
def test_prestashops_customers_have_their_addresses(api: FlaskClient, stack: Stack, system: StandIn) -> None:
    """The country's code makes a national number one that can be called."""
    answer = pull(api, address(api, system))
    go_on(stack)
    finished(api, answer.get_json()["import_id"])
    assert stack.crisp.people()["p1@example.com"]["person"]["phone"] == "+33199001234"
    assert "sample-hash" not in kept(stack)


@pytest.mark.parametrize("vendor", ["prestashop"])
def test_what_is_said_in_a_body_is_not_passed_over(api: FlaskClient, system: StandIn) -> None:
    one = address(api, system)
    for path in ("pull", "pull/preview"):
        answer = api.post(f"/v1/inbound/{one['id']}/{path}", json={"dry_run": True, "since": "2030-01-01T00:00:00Z"})
        assert "?since=" in problem(answer, 422, "parameter_invalid")["errors"][0]["message"]
    assert "pulled" not in api.get(f"/v1/inbound/{one['id']}").get_json()


@pytest.mark.parametrize("vendor", [each for each in VENDORS if each not in FOR_ALL])
@pytest.mark.parametrize("since", ["0001-01-01T00:00:00%2B10:00", "9999-12-31T23:59:59-10:00"])
def test_a_time_at_the_end_of_all_times_is_taken(api: FlaskClient, system: StandIn, since: str) -> None:
    assert pull(api, address(api, system), f"?since={since}").status_code in (200, 202)


def test_salesforce_cuts_an_answer_short() -> None:
    """Large records come fewer at a time, with `done` false ("Query", REST API): the rest is asked for."""
    asking = salesforce.page(Account({}, Access("t", base="https://x.example")), None, None)
    next(asking)
    with pytest.raises(StopIteration) as ended:
        asking.send(Reply(200, {}, {"totalSize": 5, "done": False, "records": [{"Id": "003000000000001AAA"}]}))
    assert ended.value.value.cursor == [0, "003000000000001AAA"]


@pytest.mark.parametrize("vendor", ["pipedrive"])
def test_a_narrow_pull_leaves_no_gap(api: FlaskClient, stack: Stack, system: StandIn) -> None:
    """What changed before the time that was asked for was never read, so the schedule still begins with all of it."""
    one = address(api, system)
    assert pull(api, one, "?since=2029-01-01T00:00:00Z").status_code in (200, 202)
    with stack.services.ledger.read() as connection:
        row = connection.execute(select(pulls_table).where(pulls_table.c.inbound_id == one["id"])).one()
    assert (row.ended_at is not None, row.caught_up_at) == (True, None)
