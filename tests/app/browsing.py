"""Somebody with a browser that runs no JavaScript: signs in, follows links, sends forms with their tokens."""

import re
from html.parser import HTMLParser
from typing import Any

from flask import Flask
from werkzeug.test import Client, TestResponse

from tests.app.stack import API_KEY, Stack

# Attributes whose address a browser asks for by itself.
LOADED = {"src", "srcset", "poster", "data", "background", "ping"}
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class Page(HTMLParser):
    """The tags, ids and addresses of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        if "id" in given:
            self.ids.append(given["id"])
        self.loaded += [value for name, value in given.items() if name in LOADED]
        if "href" in given:
            (self.links if tag == "a" else self.loaded).append(given["href"])
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)


class Browser:
    """With cookies of its own."""

    def __init__(self, app: Flask, language: str = "en") -> None:
        self.client: Client = app.test_client()
        self.headers = {**HTML, "Accept-Language": language}

    def get(self, path: str, **more: Any) -> TestResponse:
        """A page."""
        return self.client.get(path, headers={**self.headers, **more.pop("headers", {})}, **more)

    def text(self, path: str) -> str:
        """What a page says, which is well; where a line may be broken is not said."""
        answer = self.get(path)
        assert (answer.status_code, answer.mimetype) == (200, "text/html"), answer.get_data(as_text=True)
        return answer.get_data(as_text=True).replace("<wbr>", "")

    def token(self) -> str:
        """The token of the forms."""
        page = self.client.get("/", headers=self.headers, follow_redirects=True).get_data(as_text=True)
        found = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert found is not None
        return found[1]

    def inside(self) -> bool:
        """Whether somebody is signed in."""
        return self.get("/").status_code == 200

    def post(self, path: str, token: str | None = "", /, **form: Any) -> TestResponse:
        """Sends a form, with its own token unless another is said; None: without one."""
        given = self.token() if token == "" else token
        sent = {**form, **({} if given is None else {"csrf_token": given})}
        return self.client.post(path, data=sent, headers=self.headers)

    def sign_in(self, key: str, **form: Any) -> TestResponse:
        """Gives a key."""
        return self.post("/sign-in", key=key, **form)


def signed_in(stack: Stack) -> Browser:
    """Somebody who may do everything, and is signed in."""
    browser = Browser(stack.app)
    assert browser.sign_in(API_KEY).status_code == 303
    return browser
