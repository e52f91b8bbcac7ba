"""The start page and the documentation: what they say, and that nothing comes from elsewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from connector.app import create_app
from connector.errors import CODES as ERRORS
from connector.manifest import shipped
from connector.notes import CODES as NOTES
from connector.services import open_services
from connector.settings import Settings
from tests.app.browsing import Browser, Page
from tests.app.stack import API_KEY, Stack, problem


@pytest.fixture
def visitor(stack: Stack) -> FlaskClient:
    """Somebody without a key."""
    return stack.client(None)


@pytest.fixture
def lonely(tmp_path: Path) -> Iterator[FlaskClient]:
    """A service without any connection."""
    services = open_services(Settings(data_dir=tmp_path))
    yield create_app(services).test_client()
    services.close()


def text(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    return answer.get_data(as_text=True)


class TestStart:
    """A stranger learns nothing, and what to do."""

    def test_it_leads_to_the_door(self, visitor: FlaskClient) -> None:
        answer = visitor.get("/")
        assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in?next=/")
        assert "API key" in text(visitor, "/sign-in")

    def test_without_a_key_it_is_set_up(self, lonely: FlaskClient) -> None:
        page = text(lonely, "/sign-in")
        assert "One-time code" in page
        assert "Website ID" in page

    def test_tells_no_stranger_who_is_connected(self, visitor: FlaskClient, stack: Stack) -> None:
        for path in ("/", "/sign-in", "/docs", "/readyz", "/openapi.json"):
            assert stack.tenant.website_id not in visitor.get(path).get_data(as_text=True)


class TestDocs:
    """The documentation: complete, and each code where the error's `type` points."""

    def test_every_error_and_note_has_an_anchor(self, visitor: FlaskClient) -> None:
        page = Page(text(visitor, "/docs"))
        assert {*ERRORS, *NOTES} <= set(page.ids)
        assert len(set(page.ids)) == len(page.ids), "an anchor stands twice"

    def test_an_errors_type_leads_to_its_anchor(self, api: FlaskClient) -> None:
        where = api.post("/v1/contacts", json={}).get_json()["type"]
        path, _, anchor = where.partition("#")
        assert anchor in Page(text(api, path)).ids

    def test_every_field_source_and_route_is_there(self, visitor: FlaskClient, stack: Stack) -> None:
        page = text(visitor, "/docs")
        for name in (*shipped().fields, *shipped().sources):
            assert f"<code>{name}</code>" in page
        for path, operations in visitor.get("/openapi.json").get_json()["paths"].items():
            for method in set(operations) & {"get", "post", "put", "patch", "delete"}:
                assert f"<code>{method.upper()} {path}</code>" in page

    def test_its_own_links_lead_somewhere(self, visitor: FlaskClient) -> None:
        page = Page(text(visitor, "/docs"))
        for link in page.links:
            path, _, anchor = link.partition("#")
            assert not anchor or path or anchor in page.ids, link
            assert not path or visitor.get(path, follow_redirects=True).status_code == 200, link


@pytest.mark.parametrize("path", ["/", "/sign-in", "/docs", "/nowhere"])
def test_nothing_comes_from_elsewhere_and_nothing_is_inline(stack: Stack, path: str) -> None:
    browser = Browser(stack.app)
    if path != "/sign-in":
        browser.sign_in(API_KEY)
    answer = browser.get(path)
    page = Page(answer.get_data(as_text=True))
    assert page.loaded, "a page has at least its style"
    assert not [address for address in page.loaded if not address.startswith(("/static/", "data:"))]
    assert not page.inline, "the content security policy forbids them"
    assert answer.headers["Cache-Control"] == "no-store"
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["Content-Security-Policy"].split(";"))
    assert (policy["default-src"], policy["script-src"], policy["style-src"]) == ("'none'", "'self'", "'self'")
    for address in page.loaded:
        if address.startswith("/"):
            style = browser.get(address, buffered=True)
            assert style.status_code == 200
            assert not re.search(r"@import|url\(\s*['\"]?(https?:)?//", style.get_data(as_text=True))


def test_the_first_page_is_small(stack: Stack) -> None:
    """Uncompressed: 150 kB in all, 120 kB of scripts."""
    browser = Browser(stack.app)
    browser.sign_in(API_KEY)
    answer = browser.get("/").get_data()
    sizes = {
        each: len(browser.get(each, buffered=True).get_data())
        for each in Page(answer.decode()).loaded
        if each[0] == "/"
    }
    assert sum(size for each, size in sizes.items() if ".js" in each) <= 120_000
    assert len(answer) + sum(sizes.values()) <= 150_000


@pytest.mark.parametrize(
    ("path", "is_page"),
    [("/nowhere", True), ("/sign-in/a/b", True), ("/in/nowhere", False), ("/crisp/a/b", False), ("/v1/nowhere", False)],
)
def test_a_browser_is_told_of_a_problem_on_a_page_where_there_are_pages(stack: Stack, path: str, is_page: bool) -> None:
    answer = Browser(stack.app).get(path)
    assert (answer.status_code, answer.mimetype) == (404, "text/html" if is_page else "application/problem+json")
    assert stack.client(None).get(path).mimetype == "application/problem+json"


def test_a_program_is_told_of_a_problem_of_a_page_in_its_own_way(stack: Stack) -> None:
    problem(stack.client(None).post("/try", data={"payload": "{}"}), 403, "form_expired")


@pytest.mark.parametrize(
    ("asked", "found"), [("fr-CA,fr;q=0.9,en;q=0.5", "fr"), ("de,en;q=0.5", "en"), ("xx", "en"), ("", "en")]
)
def test_a_page_speaks_the_language_of_the_browser(stack: Stack, asked: str, found: str) -> None:
    page = Browser(stack.app, asked).text("/sign-in")
    assert f'<html lang="{found}">' in page
    assert ("Clé d’API" in page) == (found == "fr")


@pytest.mark.parametrize("path", ["/", "/docs", "/healthz", "/openapi.json", "/static/page.css", "/v1/me", "/nowhere"])
def test_every_answer_has_the_security_headers(visitor: FlaskClient, path: str) -> None:
    headers = visitor.get(path, buffered=True).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Content-Security-Policy"].startswith(
        ("default-src 'self'; ", "default-src 'none'; script-src 'self'; ")
    )
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_the_public_address_is_the_one_that_is_shown(tmp_path: Path) -> None:
    services = open_services(Settings(data_dir=tmp_path, public_url="https://crisp.example.com/"))
    assert "https://crisp.example.com/v1/contacts" in text(create_app(services).test_client(), "/docs")
    services.close()
