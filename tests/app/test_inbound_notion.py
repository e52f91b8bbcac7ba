"""Notion: its handshake, pages read for events that carry only ids, and whole databases pulled."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from pytest_httpserver import HTTPServer
from sqlalchemy import select, update
from werkzeug import Request, Response

from connector.ledger.tables import arrivals, inbounds, metadata
from tests.app.inbound import arrivals_of, made, outcomes_of, path, send, stored, took_in
from tests.app.stack import DATABASES, Stack, ended, finished, problem

pytestmark = [pytest.mark.parametrize("database", DATABASES, indirect=True), pytest.mark.usefixtures("no_addresses")]
SAMPLES = Path(__file__).resolve().parents[2] / "manifests" / "samples" / "notion"
TOKEN = "secret_Zq7pXw2LkR9vTn4cBy6mHd1sJf8gUa3eKo5iWr0xQz2"
CREDENTIAL = "ntn_integration-7Qe2"
DATABASE = "5f0d2c1e-8a47-4b39-9c62-1e7a40d3b5f8"


def sample(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text())
    return found


CREATED, PAGE = sample("webhook_event_page_created"), sample("page")
PAGE_ID = CREATED["entity"]["id"]
EMAIL = json.loads((SAMPLES / "page.contact.json").read_text())["records"][0]["contact"]["email"]


@pytest.fixture(scope="module")
def notion_server() -> Iterator[HTTPServer]:
    """A server of these tests alone."""
    with HTTPServer(port=0) as server:
        yield server


@pytest.fixture(scope="module")
def settings(notion_server: HTTPServer) -> dict[str, Any]:
    """Notion is on this machine."""
    return {"source_urls": f"notion={notion_server.url_for('')}", "read_window": 0}


@pytest.fixture
def notion(notion_server: HTTPServer) -> Iterator[HTTPServer]:
    """A Notion that knows one page."""
    notion_server.clear()
    notion_server.expect_request(f"/v1/pages/{PAGE_ID}", method="GET").respond_with_json(PAGE)
    yield notion_server
    notion_server.check_assertions()


@pytest.fixture
def subscribed(api: FlaskClient, stack: Stack) -> dict[str, Any]:
    """An address with a credential, at which Notion's handshake is over."""
    one = made(api, "notion", credential=CREDENTIAL)
    assert stored(shake(stack, one, TOKEN))
    return {**one, "secret": TOKEN}


def shake(stack: Stack, one: dict[str, Any], token: Any) -> Any:
    return stack.client(None).post(path(one), json={"verification_token": token})


def event(**more: Any) -> dict[str, Any]:
    return {**CREATED, **more}


def due_at_once(stack: Stack) -> None:
    with stack.services.ledger.write() as connection:
        connection.execute(update(arrivals).where(arrivals.c.due_at.is_not(None)).values(due_at=0))
        connection.execute(update(inbounds).values(state={}))


def due_in(stack: Stack) -> float:
    """Seconds until the only arrival is due."""
    with stack.services.ledger.read() as connection:
        return float(connection.execute(select(arrivals.c.due_at)).scalar_one() - stack.services.courier.clock()) / 1000


class TestHandshake:
    """`{"verification_token": …}`"""

    def test_the_token_is_shown_until_it_has_signed_something(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api, "notion")
        where = f"/v1/inbound/{one['id']}"
        assert "verification_token" not in api.get(where).get_json()
        assert stored(shake(stack, one, TOKEN))
        for _ in range(2):
            assert api.get(where).get_json()["verification_token"] == TOKEN
            assert api.get("/v1/inbound").get_json()[0]["verification_token"] == TOKEN, "who may make keys sees it"
        assert stored(send(stack, one, CREATED, TOKEN))
        assert "verification_token" not in api.get(where).get_json()
        assert arrivals_of(api, one)[0]["id"], "the handshake itself is no arrival"
        assert len(arrivals_of(api, one)) == 1

    def test_the_token_is_stored_sealed(self, api: FlaskClient, stack: Stack) -> None:
        shake(stack, made(api, "notion"), TOKEN)
        with stack.services.ledger.read() as connection:
            everything = repr([list(connection.execute(select(table))) for table in metadata.sorted_tables])
        assert TOKEN not in everything

    def test_a_newer_token_counts_until_one_has_signed(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api, "notion")
        for token in ("secret_first", TOKEN):
            assert stored(shake(stack, one, token))
        problem(send(stack, one, CREATED, "secret_first"), 401, "arrival_refused")
        assert stored(send(stack, one, CREATED, TOKEN))
        problem(shake(stack, one, "secret_of-somebody-else"), 401, "arrival_refused")
        assert stored(send(stack, one, CREATED, TOKEN))

    def test_a_signed_handshake_is_no_arrival_and_changes_nothing(
        self, api: FlaskClient, stack: Stack, subscribed: dict[str, Any]
    ) -> None:
        send(stack, subscribed, CREATED)
        assert stored(send(stack, subscribed, {"verification_token": "secret_other"}))
        assert len(arrivals_of(api, subscribed)) == 1
        assert stored(send(stack, subscribed, event(id="another")))

    @pytest.mark.parametrize("token", ["", "é", "a b", "x" * 201, None, 7, ["x"]])
    def test_what_is_no_token_is_refused(self, api: FlaskClient, stack: Stack, token: Any) -> None:
        one = made(api, "notion")
        problem(shake(stack, one, token), 401, "arrival_refused")
        assert "verification_token" not in api.get(f"/v1/inbound/{one['id']}").get_json()

    @pytest.mark.parametrize("source", ["generic", "dynamics", "google_sheets"])
    def test_no_other_source_has_one(self, api: FlaskClient, stack: Stack, source: str) -> None:
        problem(shake(stack, made(api, source), TOKEN), 401, "arrival_refused")

    def test_an_automation_with_an_api_key_closes_the_door(self, api: FlaskClient, stack: Stack) -> None:
        one, key = made(api, "notion"), stack.key("write")
        automation = sample("automation_webhook")
        assert stored(stack.client(None).post(path(one), json=automation, headers={"X-API-Key": key}))
        problem(shake(stack, one, TOKEN), 401, "arrival_refused")
        took_in(stack)
        assert outcomes_of(api, one) == ["accepted"]

    def test_after_a_rotation_a_new_token_is_awaited_and_the_old_one_still_signs(
        self, api: FlaskClient, stack: Stack, subscribed: dict[str, Any]
    ) -> None:
        send(stack, subscribed, CREATED)
        api.post(f"/v1/inbound/{subscribed['id']}/rotate")
        assert stored(send(stack, subscribed, event(id="with the old one")))
        assert stored(shake(stack, subscribed, "secret_new"))
        assert stored(send(stack, subscribed, event(id="still the old one")))
        assert stored(send(stack, subscribed, event(id="new"), "secret_new"))
        problem(shake(stack, subscribed, "secret_third"), 401, "arrival_refused")


class TestCompleting:
    """Events that carry only an id."""

    def test_the_page_is_read_with_the_credential(
        self, api: FlaskClient, stack: Stack, notion: HTTPServer, subscribed: dict[str, Any]
    ) -> None:
        assert stored(send(stack, subscribed, CREATED))
        assert notion.log == [], "it is answered before anything is read"
        took_in(stack)
        (request, _) = notion.log[0]
        assert request.headers["Authorization"] == f"Bearer {CREDENTIAL}"
        assert request.headers["Notion-Version"]
        told = ended(api, arrivals_of(api, subscribed)[0]["outcome_id"])
        assert (told["status"], told["email"], told["source"]) == ("created", EMAIL, "notion")

    def test_without_a_credential_the_content_is_missing(
        self, api: FlaskClient, stack: Stack, notion: HTTPServer
    ) -> None:
        one = made(api, "notion")
        shake(stack, one, TOKEN)
        send(stack, one, CREATED, TOKEN)
        took_in(stack)
        assert outcomes_of(api, one) == ["content_missing"]
        assert notion.log == []

    def test_a_page_that_is_not_there_is_gone(
        self, api: FlaskClient, stack: Stack, notion: HTTPServer, subscribed: dict[str, Any]
    ) -> None:
        notion.clear()
        notion.expect_request(f"/v1/pages/{PAGE_ID}").respond_with_json({"object": "error"}, status=404)
        send(stack, subscribed, CREATED)
        took_in(stack)
        assert outcomes_of(api, subscribed) == ["gone"]
        assert stack.count() == 0

    def test_a_deletion_is_noted_without_a_request(
        self, api: FlaskClient, stack: Stack, notion: HTTPServer, subscribed: dict[str, Any]
    ) -> None:
        send(stack, subscribed, sample("webhook_event_page_deleted"))
        took_in(stack)
        told = api.get(f"/v1/outcomes/{arrivals_of(api, subscribed)[0]['outcome_id']}").get_json()
        assert (told["status"], notion.log) == ("unchanged", [])

    @pytest.mark.parametrize(
        "about",
        [
            {"type": "comment.created", "entity": {"id": PAGE_ID, "type": "comment"}},
            {"type": "database.created", "entity": {"id": PAGE_ID, "type": "database"}},
        ],
    )
    def test_news_of_something_else_is_of_nobody(
        self, api: FlaskClient, stack: Stack, notion: HTTPServer, subscribed: dict[str, Any], about: dict[str, Any]
    ) -> None:
        send(stack, subscribed, event(**about))
        took_in(stack)
        assert outcomes_of(api, subscribed) == ["no_records"]
        assert (stack.count(), notion.log) == (0, [])

    @pytest.mark.parametrize("its_id", ["../users/me", "", PAGE_ID + "/../x", 7, None])
    def test_an_id_that_is_none_is_never_asked_for(
        self, api: FlaskClient, stack: Stack, notion: HTTPServer, subscribed: dict[str, Any], its_id: Any
    ) -> None:
        send(stack, subscribed, event(entity={"id": its_id, "type": "page"}))
        took_in(stack)
        assert outcomes_of(api, subscribed) == ["content_missing"]
        assert notion.log == []

    def test_a_pause_is_kept_and_for_all_events_of_the_address(
        self, api: FlaskClient, stack: Stack, notion: HTTPServer, subscribed: dict[str, Any]
    ) -> None:
        notion.clear()
        wait = {"Retry-After": "30"}
        notion.expect_oneshot_request(f"/v1/pages/{PAGE_ID}").respond_with_json({}, status=429, headers=wait)
        notion.expect_request(f"/v1/pages/{PAGE_ID}").respond_with_json(PAGE)
        send(stack, subscribed, CREATED)
        took_in(stack)
        assert 28 < due_in(stack) <= 31
        send(stack, subscribed, event(id="another"))
        took_in(stack)
        assert outcomes_of(api, subscribed) == [None, None]
        assert len(notion.log) == 1, "nobody asks during the pause"
        due_at_once(stack)
        took_in(stack)
        assert outcomes_of(api, subscribed)[1] == "accepted"

    @pytest.mark.parametrize(
        "answers",
        [
            lambda _: Response("no", status=500),
            lambda _: Response("<html>", status=502),
            lambda _: Response("not JSON", status=200),
            lambda _: Response("[1]", status=200),
            lambda _: Response("{}", status=409),
        ],
    )
    def test_a_notion_in_trouble_is_asked_again(
        self,
        api: FlaskClient,
        stack: Stack,
        notion: HTTPServer,
        subscribed: dict[str, Any],
        answers: Callable[[Request], Response],
    ) -> None:
        notion.clear()
        notion.expect_oneshot_request(f"/v1/pages/{PAGE_ID}").respond_with_handler(answers)
        notion.expect_request(f"/v1/pages/{PAGE_ID}").respond_with_json(PAGE)
        send(stack, subscribed, CREATED)
        took_in(stack)
        assert 0 < due_in(stack) <= 1.5
        due_at_once(stack)
        took_in(stack)
        assert outcomes_of(api, subscribed) == ["accepted"]

    def test_a_redirect_takes_the_credential_nowhere(
        self, api: FlaskClient, stack: Stack, notion: HTTPServer, subscribed: dict[str, Any]
    ) -> None:
        notion.clear()
        onward = {"Location": notion.url_for("/elsewhere")}
        notion.expect_request(f"/v1/pages/{PAGE_ID}").respond_with_data("", status=302, headers=onward)
        send(stack, subscribed, CREATED)
        took_in(stack)
        assert outcomes_of(api, subscribed) == ["source_refused"]
        assert len(notion.log) == 1

    @pytest.mark.parametrize("status", [401, 403])
    def test_what_a_wrong_credential_left_comes_in_with_the_right_one(
        self, api: FlaskClient, stack: Stack, notion: HTTPServer, subscribed: dict[str, Any], status: int
    ) -> None:
        notion.clear()
        notion.expect_oneshot_request(f"/v1/pages/{PAGE_ID}").respond_with_json({}, status=status)
        notion.expect_request(f"/v1/pages/{PAGE_ID}").respond_with_json(PAGE)
        send(stack, subscribed, CREATED)
        took_in(stack)
        assert outcomes_of(api, subscribed) == ["source_credential_refused"]
        assert took_in(stack) == 0
        api.patch(f"/v1/inbound/{subscribed['id']}", json={"credential": "ntn_right"})
        assert took_in(stack) == 1
        assert outcomes_of(api, subscribed) == ["accepted"]

    def test_at_most_three_requests_a_second(
        self, api: FlaskClient, stack: Stack, notion: HTTPServer, subscribed: dict[str, Any]
    ) -> None:
        moments: list[float] = []

        def page(_: Request) -> Response:
            moments.append(time.monotonic())
            return Response(json.dumps(PAGE))

        notion.clear()
        notion.expect_request(f"/v1/pages/{PAGE_ID}").respond_with_handler(page)
        for number in range(5):
            send(stack, subscribed, event(id=str(number)))
        assert took_in(stack) == 5
        assert len(moments) == 5
        assert moments[3] - moments[0] > 0.9
        assert moments[4] - moments[0] > 1.2

    def test_a_credential_that_no_key_opens_is_waited_for(
        self, api: FlaskClient, stack: Stack, notion: HTTPServer, subscribed: dict[str, Any]
    ) -> None:
        send(stack, subscribed, CREATED)
        with stack.services.ledger.write() as connection:
            connection.execute(update(inbounds).values(credential_sealed=b"sealed by a key that is lost"))
        took_in(stack)
        assert outcomes_of(api, subscribed) == [None]
        assert 0 < due_in(stack) <= 1.5
        assert notion.log == []

    def test_a_notion_that_cuts_its_answers_off_is_asked_again(
        self, api: FlaskClient, stack: Stack, notion: HTTPServer, subscribed: dict[str, Any]
    ) -> None:
        notion.clear()
        half = json.dumps(PAGE)[:100]
        notion.expect_request(f"/v1/pages/{PAGE_ID}").respond_with_data(half, content_type="application/json")
        send(stack, subscribed, CREATED)
        took_in(stack)
        assert outcomes_of(api, subscribed) == [None]


def pages_of(first: int, count: int) -> list[dict[str, Any]]:
    """Pages with one e-mail address each."""
    return [
        {
            "object": "page",
            "id": f"00000000-0000-4000-8000-{number:012x}",
            "last_edited_time": "2024-05-20T14:02:00.000Z",
            "properties": {"Email": {"id": "e", "type": "email", "email": f"p{number}@example.com"}},
        }
        for number in range(first, first + count)
    ]


class TestPulling:
    """POST /v1/inbound/{id}/pull: what is Notion's own."""

    @pytest.mark.parametrize(
        ("name", "kind", "version"),
        [("database_id", "databases", "2022-06-28"), ("data_source_id", "data_sources", "2025-09-03")],
    )
    def test_databases_are_queried_as_of_old_and_data_sources_as_of_now(
        self, api: FlaskClient, notion: HTTPServer, name: str, kind: str, version: str
    ) -> None:
        listed = {"object": "list", "results": [*pages_of(0, 1), {"object": "database", "id": "x"}], "has_more": False}
        notion.expect_request(f"/v1/{kind}/{DATABASE}/query", method="POST").respond_with_json(listed)
        one = made(api, "notion", credential=CREDENTIAL, pull={name: DATABASE})
        answer = api.post(f"/v1/inbound/{one['id']}/pull")
        assert finished(api, answer.get_json()["import_id"])["totals"]["created"] == 1
        assert [request.headers["Notion-Version"] for request, _ in notion.log] == [version]
