"""The start page and the documentation: what they say, and that nothing comes from elsewhere."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from connector.app import create_app
from connector.errors import CODES as ERRORS
from connector.manifest import shipped
from connector.notes import CODES as NOTES
from connector.services import open_services
from connector.settings import Settings
from tests.app.stack import Stack

# Attributes whose address a browser asks for by itself.
LOADED = {"src", "srcset", "poster", "data", "action", "formaction", "background", "ping"}


class Page(HTMLParser):
    """The tags, ids and addresses of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.handlers: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        if "id" in given:
            self.ids.append(given["id"])
        self.loaded += [value for name, value in given.items() if name in LOADED]
        if "href" in given:
            (self.links if tag == "a" else self.loaded).append(given["href"])
        self.handlers += [name for name in given if name.startswith("on") or name == "style"]


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
    """The start page says whether it can work, and what to do next."""

    def test_ready(self, visitor: FlaskClient) -> None:
        page = text(visitor, "/")
        assert "Ready." in page
        assert "1 Crisp website connected" in page
        assert "curl -X POST http://localhost/v1/contacts" in page

    def test_halted(self, visitor: FlaskClient, stack: Stack) -> None:
        stack.save(halted="crisp_credential_refused")
        page = text(visitor, "/")
        assert "1 of 1 connections cannot deliver" in page
        assert "Crisp refuses its credential (401)." in page
        assert "crisp-connector doctor" in page

    def test_not_connected(self, lonely: FlaskClient) -> None:
        page = text(lonely, "/")
        assert "No Crisp website is connected yet" in page
        assert "CRISP_WEBSITE_ID" in page
        assert "Ready." not in page

    def test_tells_no_stranger_who_is_connected(self, visitor: FlaskClient, stack: Stack) -> None:
        for path in ("/", "/docs", "/readyz", "/openapi.json"):
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
            assert not path or visitor.get(path).status_code == 200, link


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_nothing_comes_from_elsewhere(visitor: FlaskClient, path: str) -> None:
    page = Page(text(visitor, path))
    assert page.loaded, "a page has at least its style"
    assert not [address for address in page.loaded if not address.startswith(("/static/", "data:"))]
    assert not page.handlers, "the content security policy forbids them"
    assert "script" not in page.tags
    for address in page.loaded:
        if address.startswith("/"):
            style = visitor.get(address, buffered=True)
            assert style.status_code == 200
            assert not re.search(r"@import|url\(\s*['\"]?(https?:)?//", style.get_data(as_text=True))


@pytest.mark.parametrize("path", ["/", "/docs", "/healthz", "/openapi.json", "/static/page.css", "/v1/me", "/nowhere"])
def test_every_answer_has_the_security_headers(visitor: FlaskClient, path: str) -> None:
    headers = visitor.get(path, buffered=True).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_the_public_address_is_the_one_that_is_shown(tmp_path: Path) -> None:
    services = open_services(Settings(data_dir=tmp_path, public_url="https://crisp.example.com/"))
    assert "https://crisp.example.com/v1/contacts" in text(create_app(services).test_client(), "/")
    services.close()
