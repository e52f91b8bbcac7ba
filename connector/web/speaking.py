"""What the pages ask: the same requests of `/v1` that anybody makes, answered in this process.

So a page can do nothing that the API cannot, and is refused what the API refuses. The key is not sent, for it is not
known: who is signed in stands in the environment of the request (`CALLER`).
"""

from collections.abc import Mapping
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from flask import Response, current_app, g, json, request
from werkzeug.test import EnvironBuilder

from connector.api.access import CALLER
from connector.errors import Detail, Problem
from connector.saying import listening
from connector.web import words

_PLAIN = ("type", "title", "status", "detail", "code", "message", "request_id", "errors")


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer: its JSON, its status, and the cursor of the next page, where there is one."""

    body: Any
    status: int
    cursor: str | None = None


def ask(method: str, path: str, *, query: Mapping[str, Any] | None = None, **sent: Any) -> Answer:
    """What `/v1` answers to who is signed in. `sent`: `json`, or `data`, and `headers`. Raises the `Problem` that it
    answers."""
    response = fetch(method, path, query=query, **sent)
    return Answer(json.loads(response.get_data()), response.status_code, _cursor(response.headers.get("Link", "")))


def fetch(method: str, path: str, *, query: Mapping[str, Any] | None = None, **sent: Any) -> Response:
    """The answer as it comes, a file for instance. Raises the `Problem` that is answered."""
    given = {name: value for name, value in (query or {}).items() if value not in (None, "")}
    builder = EnvironBuilder(path, request.host_url, given, method=method, **sent)
    try:
        environ = builder.get_environ()
    finally:
        builder.close()
    for name in ("REMOTE_ADDR", "HTTP_HOST", "wsgi.url_scheme"):
        if name in request.environ:
            environ[name] = request.environ[name]
    environ["HTTP_X_REQUEST_ID"] = g.request_id
    if "caller" in g:
        environ[CALLER] = g.caller
    # In a context of its own: what it binds for its log line stays there.
    app = current_app._get_current_object()  # type: ignore[attr-defined] # the way Flask documents
    with listening() as heard:
        answer = copy_context().run(app.response_class.from_app, app.wsgi_app, environ)
    words.heard(heard)
    if answer.status_code >= 400:
        raise _problem(answer)
    return cast(Response, answer)


def _cursor(link: str) -> str | None:
    """Where the list goes on, of a Link header."""
    address = link.partition("<")[2].partition(">")[0]
    return parse_qs(urlsplit(address).query).get("cursor", [None])[0]


def _problem(response: Response) -> Problem:
    """The problem again that was answered."""
    body = json.loads(response.get_data())
    errors = [Detail(each["message"], each["code"], each["field"], each["row"]) for each in body["errors"]]
    more = {name: value for name, value in body.items() if name not in _PLAIN}
    found = Problem(body["code"], message=body["message"], errors=errors, more=more)
    found.status, found.title = response.status_code, body["title"]
    found.retry_after = response.headers.get("Retry-After", type=int)
    return found
