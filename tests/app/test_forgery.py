"""Forms that were made elsewhere: on no route of the pages is anything done without the token of one's own session."""

import io
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from connector import first_start
from connector.ledger import connections as tenants
from connector.ledger.tables import metadata
from tests.app.browsing import Browser, signed_in
from tests.app.stack import API_KEY, WEBSITE, Stack, finished, problem
from tests.sinks.google import options, service_account

ADA, FILE = '{"email": "ada@example.com"}', b"Email\nbo@example.com\n"
# What changes by being looked at.
_LOOKED_AT = ("used_at",)
# Route → what is sent to it; `{…}` is filled with the id of what there is. What takes things away comes last.
FORMS: dict[str, dict[str, Any]] = {
    "/sign-in": {"key": API_KEY},
    "/sign-in/{code}": {},
    "/setup": {"code": "AAAA-AAAA-AAAA"},
    "/connect/doctor": {},
    "/connect/probe": {},
    "/connect/website": {"label": "Forged"},
    "/connect/websites": {"website_id": "6f2b4a1e-0000-4000-8000-00000000f0f0", "identifier": "i", "key": "k"},
    "/connect/keys": {"label": "forged", "scope": "admin"},
    "/connect/inbound": {"source": "dynamics"},
    "/connect/inbound/{inbound}/rotate": {},
    "/try": {"payload": ADA},
    "/try/send": {"payload": ADA},
    "/try/mapping": {"payload": ADA, "name": "forged", "path": "email", "to": "nickname"},
    "/import/preview": {"file": FILE},
    "/import/start": {"file": FILE},
    **{f"/import/{{import}}/{act}": {} for act in ("pause", "resume", "cancel", "replay")},
    "/triggers/subscriptions": {"event": "contact_created", "target_url": "http://127.0.0.1:9/forged"},
    **{f"/triggers/subscriptions/{{subscription}}/{act}": {} for act in ("test", "rotate", "enable")},
    "/triggers/deliveries/{delivery}/replay": {},
    "/triggers/sinks": {"kind": "google_sheets", "spreadsheet": "1" * 44, "events": "contact_created"},
    **{f"/triggers/sinks/{{sink}}/{act}": {} for act in ("test", "enable")},
    "/activity/replay": {"code": "email_invalid"},
    "/contacts/erase": {"who": "cy@example.com"},
    "/triggers/sinks/{sink}/delete": {},
    "/triggers/subscriptions/{subscription}/delete": {},
    "/connect/inbound/{inbound}/delete": {},
    "/connect/keys/{key}/revoke": {},
    "/connect/websites/{website}/remove": {},
    "/sign-out": {},
}


@pytest.fixture(scope="module")
def settings() -> dict[str, Any]:
    """Subscribers may be on this machine."""
    return {"egress_allow": "127.0.0.1"}


@pytest.fixture
def member(stack: Stack) -> Browser:
    """Somebody who may do everything, and is signed in."""
    return signed_in(stack)


@pytest.fixture
def there(stack: Stack) -> dict[str, str]:
    """The id of one thing of each kind."""
    api = stack.client()
    rows = [{"email": "ada@example.com"}, {"email": "nobody"}]
    made = api.post("/v1/contacts/batch", json=rows).get_json()
    finished(api, made["import_id"])
    api.post("/v1/contacts", json={"email": "cy@example.com"})
    # Of an event that does not happen here: else telling it goes on, and changes what is stored.
    told = {"event": "contact_removed", "target_url": "http://127.0.0.1:9/hook"}
    sheet = {"kind": "google_sheets", "events": ["contact_created"], "options": options()}
    paths = {
        "inbound": ("/v1/inbound", {"source": "dynamics"}),
        "subscription": ("/v1/subscriptions", told),
        "sink": ("/v1/sinks", {**sheet, "credential": service_account()}),
        "key": ("/v1/keys", {"label": "theirs"}),
    }
    found = {name: api.post(path, json=sent).get_json()["id"] for name, (path, sent) in paths.items()}
    code = first_start.new_link(stack.services, WEBSITE)
    other = replace(stack.tenant, id="another", website_id="another", added_by=stack.tenant.id)
    with stack.services.ledger.write() as connection:
        tenants.save(connection, other, 0)
    return {**found, "website": other.id, "import": made["import_id"], "delivery": "nothing", "code": code}


def state(stack: Stack) -> dict[str, list[Any]]:
    """Everything that is stored, and what Crisp was asked."""
    with stack.services.ledger.read() as connection:
        told = {
            name: sorted(repr([each for each in row if each[0] not in _LOOKED_AT]) for row in rows)
            for name, rows in (
                (table.name, [list(row.items()) for row in connection.execute(select(table)).mappings()])
                for table in metadata.sorted_tables
            )
        }
    return {**told, "calls": [stack.crisp.calls]}


def sent(browser: Browser, path: str, form: dict[str, Any], token: str | None, by: str = "field") -> TestResponse:
    """A form with this token, in a field as forms have it or in a header as htmx does."""
    data = {name: (io.BytesIO(value), "a.csv") if name == "file" else value for name, value in form.items()}
    headers = dict(browser.headers)
    if token is not None and by == "field":
        data["csrf_token"] = token
    elif token is not None:
        headers |= {"X-CSRFToken": token, "HX-Request": "true"}
    kind = "multipart/form-data" if "file" in form else None
    return browser.client.post(path, data=data, headers=headers, content_type=kind, buffered=True)


def test_every_route_that_takes_forms_is_here(stack: Stack) -> None:
    every = {
        (rule.endpoint, act)
        for rule in stack.app.url_map.iter_rules()
        if rule.endpoint.startswith("web.") and "POST" in (rule.methods or ())
        for act in getattr(rule._converters.get("act"), "items", {None})
    }
    there = stack.app.url_map.bind("localhost")
    known = [there.match(path.replace("{", "").replace("}", ""), "POST") for path in FORMS]
    assert {(endpoint, given.get("act")) for endpoint, given in known} == every


@pytest.mark.parametrize("by", ["field", "header"])
def test_nothing_is_done_without_the_right_token(member: Browser, stack: Stack, there: dict[str, str], by: str) -> None:
    other = Browser(stack.app)
    other.sign_in(API_KEY)
    tokens = (None, "", "wrong", "é", other.token(), member.token()[:-1])
    before = state(stack)
    for path, form in FORMS.items():
        for token in tokens:
            answer = sent(member, path.format(**there), form, token, by)
            assert (answer.status_code, answer.mimetype) == (403, "text/html"), (path, token)
        assert state(stack) == before, path
    assert member.inside()


def test_with_it_all_of_that_is_done(member: Browser, stack: Stack, there: dict[str, str]) -> None:
    token = member.token()
    for path, form in FORMS.items():
        answer = sent(member, path.format(**there), form, token)
        assert answer.status_code != 403, (path, answer.get_data(as_text=True))
        if path.startswith("/sign-in"):  # a session begins, and with it another token
            token = member.token()
    assert not member.inside(), "the last was to sign out"


def test_nobody_is_signed_in_by_a_form_that_was_made_elsewhere(stack: Stack, there: dict[str, str]) -> None:
    for path, form in (("/sign-in", {"key": API_KEY}), (f"/sign-in/{there['code']}", {})):
        stranger = Browser(stack.app)
        assert sent(stranger, path, form, None).status_code == 403
        assert not stranger.inside()


def test_the_api_takes_no_cookie(member: Browser) -> None:
    problem(member.client.get("/v1/me"), 401, "key_missing")


def test_the_environment_cannot_be_said_by_a_header(stack: Stack) -> None:
    client = stack.app.test_client()
    for name in ("Connector.Caller", "connector.caller", "HTTP-connector-caller"):
        problem(client.get("/v1/me", headers={name: WEBSITE}), 401, "key_missing")
