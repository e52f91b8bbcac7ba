"""The Zapier app in Zapier's own core, schema and command line, against a running service and a local Crisp."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from pytest_httpserver import HTTPServer

from tests.platforms import tools
from tests.platforms.proxies import behind
from tests.platforms.zapier import App, failure
from tests.process.running import Crisp, Service, until
from tests.process.subscriber import Subscriber, in_crisp, subscribing

CREATED = "triggers.contact_created.operation"


@pytest.fixture
def hook() -> Iterator[Subscriber]:
    """Where Zapier is told."""
    with subscribing() as subscriber:
        yield subscriber


def test_the_schema_finds_nothing_wrong(zapier: App) -> None:
    assert zapier.asked({"definition": zapier.definition}) == {"errors": []}


def test_zapiers_command_line_finds_it_sound(zapier_package: Path, tmp_path: Path) -> None:
    """Without an account; the style checks want one."""
    command = (zapier_package / "node_modules" / ".bin" / "zapier-platform", "validate", "--without-style")
    said = tools.ran(*command, cwd=zapier_package, PATH=tools.path(), HOME=str(tmp_path))
    assert "No structural errors found" in said
    assert "This project is structurally sound!" in said


def test_zapiers_command_line_runs_it(zapier_package: Path, zapier: App, tmp_path: Path) -> None:
    """As who builds apps would try it; the connection stands in a file for that."""
    place: Path = shutil.copytree(zapier_package, tmp_path / "app", symlinks=True)
    (place / ".env").write_text("".join(f"authData_{key}={value}\n" for key, value in zapier.auth.items()))

    def invoked(*words: str) -> Any:
        program = place / "node_modules" / ".bin" / "zapier-platform"
        command: list[str | Path] = [program, "invoke", *words, "--non-interactive"]
        shown = tools.ran(*command, cwd=place, PATH=tools.path(), HOME=str(tmp_path))
        said = re.sub(r"\x1b\[\d*m", "", shown)
        return json.loads(said[said.index("{") :])

    assert invoked("auth", "test")["label"]
    given = {"email": "invoked@example.com", "segments": ["vip"], "last_active": "2026-01-15 09:30"}
    done = invoked("create", "upsert_contact", "--inputData", json.dumps(given))
    assert (done["status"], done["contact"]["segments"]) == ("created", ["vip"])


def test_a_connection_has_the_name_of_the_website(zapier: App, service: Service) -> None:
    me = zapier.run("authentication.test")
    assert me == service.get("/v1/me").json()
    assert zapier.definition["authentication"]["connectionLabel"] == "{{label}} ({{website_id}})"
    assert {"label", "website_id"} <= set(me)
    [address, _] = zapier.definition["authentication"]["fields"]
    assert address["default"] == service.url


def test_a_wrong_key_is_told_in_a_sentence(zapier: App, service: Service) -> None:
    zapier.auth["api_key"] = "ck_wrong"
    failed = failure(lambda: zapier.run("authentication.test"))
    told = service.get("/v1/me", headers={"Authorization": "Bearer ck_wrong"}).json()
    assert (failed.name, failed.told) == (
        "AppError",
        {"message": told["message"], "code": "key_invalid", "status": 401},
    )


@pytest.mark.parametrize("end", ["/", "//", " ", "/ "])
def test_what_ends_the_address_does_no_harm(zapier: App, end: str) -> None:
    zapier.auth["base_url"] += end
    assert zapier.run("authentication.test")["label"]
    assert zapier.do("upsert_contact", email=f"end-{len(end)}@example.com")["status"] in ("created", "unchanged")


@pytest.mark.parametrize("prefix", ["/crisp", "/crisp/", "/v1/behind/"])
def test_a_path_that_a_proxy_takes_away_does_no_harm(
    zapier: App, service: Service, httpserver: HTTPServer, prefix: str
) -> None:
    zapier.auth["base_url"] = behind(httpserver, prefix, service.url)
    assert zapier.run("authentication.test") == service.get("/v1/me").json()
    assert zapier.do("upsert_contact", email=f"behind{len(prefix)}@example.com")["status"] == "created"


def test_an_address_that_a_proxy_moves_to_https_is_told(zapier: App, service: Service, httpserver: HTTPServer) -> None:
    """The proxy answers http with a redirect, which makes a GET of a POST: the sentence says what to change."""
    # Zapier follows no redirect to an address of its own machine that it knows as one.
    elsewhere = service.url.replace("127.0.0.1", "[::ffff:127.0.0.1]")
    moved = {"Location": f"{elsewhere}/v1/contacts"}
    httpserver.expect_request("/v1/contacts").respond_with_data("", status=301, headers=moved)
    zapier.auth["base_url"] = httpserver.url_for("")
    failed = failure(lambda: zapier.do("upsert_contact", email="moved@example.com"))
    assert "which begins with https://" in failed.told["message"]


def test_a_contact_is_created_then_known_then_updated(zapier: App, crisp: Crisp) -> None:
    given: dict[str, Any] = {
        "email": "ada@example.com",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "segments": ["vip", "a b"],
    }
    given |= {"data": {"plan": "pro"}, "data.seats": "3", "option_wait": 20, "phone": "06 39 98 12 34"}
    first = zapier.do("upsert_contact", **given, option_country="FR")
    assert (first["status"], first["source"]) == ("created", "generic")
    card = crisp.people()["ada@example.com"]
    assert card["person"]["nickname"] == "Ada Lovelace"
    assert card["person"]["phone"] == "+33639981234"
    assert set(card["segments"]) == {"vip", "a b"}
    assert {key: str(value) for key, value in card["data"].items()} == {"plan": "pro", "seats": "3"}
    assert zapier.do("upsert_contact", **given, option_country="FR")["status"] == "unchanged"
    again = zapier.do("upsert_contact", email="ada@example.com", city="Paris")
    assert (again["status"], again["changed"]) == ("updated", ["city"])


def test_what_is_refused_is_one_sentence(zapier: App) -> None:
    failed = failure(lambda: zapier.do("upsert_contact", email="not an address"))
    assert failed.name == "AppError"
    assert (failed.told["status"], failed.told["code"]) == (422, "email_invalid")
    assert failed.told["message"].endswith(".")
    assert "{" not in failed.told["message"]


def test_an_option_that_makes_no_sense_is_named(zapier: App) -> None:
    failed = failure(lambda: zapier.do("upsert_contact", email="ada@example.com", option_country="Atlantis"))
    assert failed.told["code"] == "parameter_invalid"
    assert failed.told["message"].startswith("country: ")


def test_create_and_update_say_when_they_do_not_fit(zapier: App) -> None:
    email = "grace@example.com"
    assert failure(lambda: zapier.do("update_contact", who=email, city="Paris")).told["code"] == "contact_missing"
    assert zapier.do("create_contact", email=email)["status"] == "created"
    assert failure(lambda: zapier.do("create_contact", email=email)).told["code"] == "contact_exists"
    assert zapier.do("update_contact", who=email, city="Paris", **{"data.plan": "pro"})["status"] == "updated"


def test_a_contact_is_found_or_created(zapier: App) -> None:
    """Zapier runs the search and, when it finds none, the action; both are named by the zapier."""
    email = "katherine@example.com"
    pair = zapier.definition["searchOrCreates"]["find_contact"]
    assert (pair["search"], pair["create"]) == ("find_contact", "upsert_contact")
    assert zapier.find(email) == []
    assert zapier.do(pair["create"], who=email, email=email, nickname="Katherine")["status"] == "created"
    [found] = zapier.find(email)
    assert (found["email"], found["nickname"]) == (email, "Katherine")
    assert found["id"] == found["people_id"]
    assert zapier.find(found["people_id"]) == [found]


def test_that_there_is_no_such_route_is_not_taken_for_nobody(zapier: App) -> None:
    zapier.auth["base_url"] += "/elsewhere"
    assert failure(lambda: zapier.find("ada@example.com")).told["code"] == "not_found"


def test_custom_data_are_set_and_removed(zapier: App, crisp: Crisp) -> None:
    email = "hedy@example.com"
    zapier.do("upsert_contact", email=email)
    assert zapier.do("update_data", who=email, data={"plan": "pro"}, **{"data.seats": "3"})["status"] == "updated"
    assert {key: str(value) for key, value in crisp.people()[email]["data"].items()} == {"plan": "pro", "seats": "3"}
    assert (
        failure(lambda: zapier.do("update_data", who="no@example.com", data={"a": "b"})).told["code"]
        == "contact_missing"
    )


def test_a_contact_is_deleted(zapier: App, crisp: Crisp) -> None:
    email = "mary@example.com"
    zapier.do("upsert_contact", email=email)
    gone = zapier.do("delete_contact", who=email)
    assert (gone["erased"], gone["in_crisp"]) == (True, True)
    assert email not in crisp.people()


def test_many_are_sent_as_line_items(zapier: App, service: Service, crisp: Crisp) -> None:
    lines: list[dict[str, Any]] = [
        {"email": f"line-{each}@example.com", "segments": "vip, beta", "data.seats": each} for each in range(3)
    ]
    lines[2]["data.from"] = "itself"
    accepted = zapier.do("upsert_contacts", records=lines, data={"from": "zapier"}, option_mode="upsert")
    assert accepted["totals"]["records"] == 3
    assert service.finished(accepted["import_id"])["totals"]["created"] == 3
    people = crisp.people()
    assert [str(people[line["email"]]["data"]["seats"]) for line in lines] == ["0", "1", "2"]
    assert [people[line["email"]]["data"]["from"] for line in lines] == ["zapier", "zapier", "itself"]
    assert set(people["line-0@example.com"]["segments"]) == {"vip", "beta"}


def test_a_preview_writes_nothing(zapier: App, crisp: Crisp) -> None:
    seen = zapier.do("preview_contacts", records=[{"email": "seen@example.com"}])
    assert (seen["totals"]["records"], seen["totals"]["created"]) == (1, 1)
    assert crisp.people() == {}


def test_a_hook_is_subscribed_told_and_unsubscribed(
    zapier: App, service: Service, crisp: Crisp, hook: Subscriber
) -> None:
    inputs = {"segment": ["vip"], "include_own": False}
    kept = zapier.run(f"{CREATED}.performSubscribe", targetUrl=hook.url, inputData=inputs)
    shown = service.get(f"/v1/subscriptions/{kept['id']}").json()
    assert set(kept) == {"id"}, "the secret is kept by nobody who does not need it"
    assert (shown["event"], shown["target_url"], shown["filter"]) == ("contact_created", hook.url, {"segment": ["vip"]})
    hook.secrets.append(service.post(f"/v1/subscriptions/{kept['id']}/rotate").json()["secret"])
    for email, segment in (("other@example.com", "beta"), ("told@example.com", "vip")):
        in_crisp(crisp, "POST", "people/profile", email=email, segments=[segment], person={"nickname": "T"})
    told = until(lambda: hook.told, what="the event")
    [event] = zapier.run(f"{CREATED}.perform", cleanedRequest=told[0].event)
    assert (event["event"], event["contact"]["email"]) == ("contact_created", "told@example.com")
    assert event["id"]
    for _ in range(2):
        gone = zapier.run(f"{CREATED}.performUnsubscribe", targetUrl=hook.url, subscribeData=kept)
        assert gone == {}
    assert service.get(f"/v1/subscriptions/{kept['id']}").status_code == 404
    assert [each.event["contact"]["email"] for each in hook.told] == ["told@example.com"]


def test_the_editor_has_an_example_then_real_events_and_so_has_polling(zapier: App, crisp: Crisp) -> None:
    """Of an event that comes about in no other test here."""
    event = "conversation_email_changed"
    polled = f"triggers.{event}_poll.operation.perform"
    [example] = zapier.run(f"triggers.{event}.operation.performList")
    sample = zapier.definition["triggers"][event]["operation"]["sample"]
    assert {**example, "connection_id": sample["connection_id"]} == sample
    assert zapier.run(polled, inputData={}) == []
    visitor = {"session_id": "session_6f2b4a1e-0000-4000-8000-5a4d0b0c0077", "email": "visits@example.com"}
    assert requests.post(f"{crisp.running.url}/_sandbox/conversations", json=visitor, timeout=10).ok
    [told] = until(lambda: zapier.run(polled, inputData={"include_own": True}), what="the event")
    assert (told["event"], told["contact"]["email"]) == (event, "visits@example.com")
    assert zapier.run(f"triggers.{event}.operation.performList") == [told] == zapier.run(polled, inputData={})


def test_a_contact_that_waits_is_no_error(zapier: App) -> None:
    waiting = zapier.do("upsert_contact", email="later@example.com", option_wait=0)
    assert (waiting["status"], bool(waiting["outcome_id"])) == ("waiting", True)


@pytest.mark.parametrize("status", [429, 503])
def test_what_is_asked_too_often_is_tried_again_when_the_answer_says(
    zapier: App, httpserver: HTTPServer, status: int
) -> None:
    told = {"message": "Not now. Try again.", "code": "busy"}
    httpserver.expect_request("/v1/contacts").respond_with_json(told, status=status, headers={"Retry-After": "7"})
    zapier.auth["base_url"] = httpserver.url_for("")
    failed = failure(lambda: zapier.do("upsert_contact", email="ada@example.com"))
    assert (failed.name, failed.told["delay"]) == ("ThrottledError", 7)


def test_an_answer_of_somebody_else_is_an_error(zapier: App, httpserver: HTTPServer) -> None:
    """A proxy that speaks no JSON: neither is it taken for nobody, nor is a key shown."""
    httpserver.expect_request("/v1/contacts/ada@example.com").respond_with_data("<h1>Not here</h1>", status=404)
    zapier.auth["base_url"] = httpserver.url_for("")
    failed = failure(lambda: zapier.find("ada@example.com"))
    assert (failed.name, failed.told["status"]) == ("ResponseError", 404)
    assert zapier.auth["api_key"] not in str(failed)
