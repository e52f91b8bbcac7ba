"""Promise 14: whatever is sent, on any route, the answer is no 5xx."""

import gzip
import random
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.errors import SchemathesisError
from werkzeug.test import TestResponse

from tests.app.openapi import document, path_of
from tests.app.stack import API_KEY, DATABASES, Stack, until

on_both = pytest.mark.parametrize("database", DATABASES, indirect=True)

EXAMPLES = 8
ODD = [
    b"",
    b"\0",
    b"\xff\xfe\xfd",
    b"{}",
    b"[]",
    b"[[]]",
    b'[null, 1, "a", [], {}]',
    b"null",
    b"-0",
    b"1e400",
    b'"' + b"a" * 10_000 + b'"',
    b'{"email": {"email": {"email": "a@example.com"}}}',
    b'{"email": ["a@example.com", null, 7, {}]}',
    b'{"email": "a@example.com", "email": null}',
    b'{"email": "a@example.com", "segments": {"a": [1, {"b": null}]}, "data": [1, [2]], "people_id": 7}',
    b'{"email": "a@example.com", "data": {"": 1, "\\u0000": "\\u0000", "a": 1e308, "b": 99999999999999999999999}}',
    b'{"email": "a\\u0000@example.com", "first_name": "\\u0000", "id": "\\u0000", "people_id": "\\u0000"}',
    b'{"email": "a@example.com", "updated_at": 1e300, "created_at": -1e300, "timezone": 1e18}',
    b'{"email": "a@example.com", "updated_at": "0000-00-00", "created_at": "9999-12-31T23:59:59+99:99"}',
    b'{"mapping": {}, "records": {}}',
    b'{"mapping": {"email": "x"}, "payload": "{\\"x\\": 1}"}',
    b'{"mapping": {"email": "x"}, "payload": "[[[["}',
    b'{"records": [{"records": [{"records": []}]}]}',
    b'{"values": [[], [1], null, "x"], "majorDimension": 7, "range": {}}',
    b'{"object": "page", "properties": {"Email": {"type": "email", "email": {"x": []}}, "n": null}}',
    b'{"object": "list", "results": [null, 7, {"object": "page"}]}',
    b'{"@odata.context": 7, "value": {"value": 1}}',
    b'{"InputParameters": [{"key": "Target", "value": 7}], "MessageName": []}',
    b"[" * 5000 + b"]" * 5000,
    b'{"a":' * 3000 + b"1" + b"}" * 3000,
    b'{"ids": ["\\u0000"], "code": "\\u0000", "import_id": "\\u0000"}',
    b'{"since": "9999-12-31T23:59:59-23:59", "until": "0001-01-01T00:00:00+23:59"}',
    b'{"label": "\\ud83d\\ude00", "scopes": ["read", "read"]}',
    b'{"name": "\\u202e", "mapping": {"email": ["a", "a"]}}',
    b"email=a%00b&data[=x&data]]=y&[]=z&a[b=c&=",
    b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--",
    b'--b\r\nContent-Disposition: form-data; name="a"\r\nContent-Type: text/plain; charset=zebra\r\n\r\nx\r\n--b--\r\n',
    gzip.compress(b'{"email": "a@example.com"}')[:-3],
    b"\x1f\x8b\x08\x00",
    b"a" * 10_000_000,
]
TYPES = [
    "application/json",
    "application/x-ndjson",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=b",
    "multipart/form-data; boundary=\xff",
    "application/vnd.api+json",
    "text/plain",
    ";;;",
    "",
]
# As a server hands them on: header values are Latin-1 there, and nothing was checked.
HEADERS: list[dict[str, str]] = [
    {},
    {"HTTP_CONTENT_ENCODING": "gzip"},
    {"HTTP_CONTENT_ENCODING": "\xff"},
    {"HTTP_IDEMPOTENCY_KEY": "\xff\xfe" * 100},
    {"HTTP_IDEMPOTENCY_KEY": "a\0b"},
    {"HTTP_X_CONNECTOR_MAPPING": "\xff\0"},
    {"HTTP_X_REQUEST_ID": "\xff" * 20},
    {"HTTP_HOST": "a b/c?d"},
    {"HTTP_HOST": ""},
    {"CONTENT_LENGTH": "-1"},
    {"CONTENT_LENGTH": "zebra"},
    {"CONTENT_LENGTH": ""},
    {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": "1"},
    {"HTTP_AUTHORIZATION": "Bearer \xff\0"},
    {"HTTP_AUTHORIZATION": "Basic !!!"},
    {"HTTP_AUTHORIZATION": "Digest a=b,"},
    {"HTTP_X_API_KEY": "\xff\xfe", "HTTP_AUTHORIZATION": ""},
    {"HTTP_ACCEPT": "\xff;q=zebra"},
    {"HTTP_RANGE": "bytes=-1"},
    {"HTTP_IF_MODIFIED_SINCE": "zebra", "HTTP_IF_NONE_MATCH": '"'},
    {"HTTP_COOKIE": "a=\xff; ;;="},
    {"HTTP_EXPECT": "100-continue"},
    {"HTTP_X_FORWARDED_FOR": "\xff"},
    {"REQUEST_METHOD": "\xc3\xa9"},
]
QUERIES = [
    "",
    "%00",
    "a=%ff&a=%ed%a0%80",
    "source=%00&mode=%00&wait=1e999",
    "cursor=\xff&limit=99999999999999999999",
    "&&&=;",
]
SEGMENTS = [
    "a",
    "%00",
    "%ed%a0%80",
    "..",
    "ada%40example.com",
    "a" * 3000,
    "%F0%9F%98%80",
    "%2e%2e%2f",
    "\xff",
    "@",
    "a@b",
]


@pytest.fixture
def routes(stack: Stack) -> list[tuple[str, str]]:
    """Every method and path of the application."""
    return [
        (method, path_of(rule.rule)) for rule in stack.app.url_map.iter_rules() for method in sorted(rule.methods or ())
    ]


def fine(answer: TestResponse) -> None:
    """No 5xx, and an error is a problem; of the pages it is one."""
    assert answer.status_code < 500, answer.get_data(as_text=True)[:500]
    if answer.status_code >= 400 and answer.request.method != "HEAD":
        of_a_page = answer.mimetype == "text/html" and not answer.request.path.startswith(("/v1", "/in/", "/crisp/"))
        assert of_a_page or answer.mimetype == "application/problem+json", answer.get_data(as_text=True)[:500]


def send(stack: Stack, method: str, path: str, query: str = "", **environ: Any) -> TestResponse:
    """A request as it is, past the client's own checks."""
    body = environ.pop("body", b"")
    client = FlaskClient(stack.app)
    overrides = {"HTTP_AUTHORIZATION": f"Bearer {API_KEY}", "QUERY_STRING": query, **environ}
    return client.open(path, method=method, data=body, environ_overrides=overrides, buffered=True)


def filled(path: str, dice: random.Random) -> str:
    """The path with something in place of each parameter."""
    while "{" in path:
        head, _, rest = path.partition("{")
        path = head + dice.choice(SEGMENTS) + rest.partition("}")[2]
    return path


@on_both
def test_odd_bodies_on_every_route(stack: Stack, routes: list[tuple[str, str]]) -> None:
    dice = random.Random(14)
    posts = [route for route in routes if route[0] in ("POST", "PUT", "PATCH", "DELETE")]
    for method, path in posts:
        for body in ODD:
            type_ = dice.choice(TYPES) if dice.random() < 0.5 else TYPES[0]
            fine(send(stack, method, filled(path, dice), "wait=0", body=body, CONTENT_TYPE=type_))


@on_both
def test_odd_headers_queries_and_paths_on_every_route(stack: Stack, routes: list[tuple[str, str]]) -> None:
    dice = random.Random(14)
    for method, path in routes:
        for headers in HEADERS:
            fine(send(stack, method, filled(path, dice), dice.choice(QUERIES), body=b"{}", **headers))


@on_both
def test_random_bytes_on_every_route(stack: Stack, routes: list[tuple[str, str]]) -> None:
    dice = random.Random(14)
    for method, path in routes:
        for type_ in TYPES:
            sent = dice.randbytes(dice.choice((1, 10, 1000)))
            fine(send(stack, method, filled(path, dice), body=sent, CONTENT_TYPE=type_))


def _operations(stack: Stack) -> Iterator[Any]:
    schema = schemathesis.openapi.from_dict(document(stack.app))
    schema.app = stack.app
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        yield found.ok()


@pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
# PostgreSQL takes less than SQLite; what the other does with odd values is seen above.
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_what_the_openapi_leads_to(stack: Stack, mode: GenerationMode) -> None:
    asked: set[str] = set()

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def ask(operation: Any, data: st.DataObject) -> None:
        case = data.draw(operation.as_strategy(generation_mode=mode))
        waits = any(parameter.name == "wait" for parameter in operation.query)
        case.query = {**(case.query or {}), **({"wait": 2} if waits else {})}
        answer = case.call(headers={"Authorization": f"Bearer {API_KEY}"})
        assert answer.status_code < 500, f"{operation.label}: {answer.text[:500]}"
        asked.add(operation.label)

    for operation in _operations(stack):
        try:
            ask(operation)
        except (SchemathesisError, Unsatisfiable):
            assert mode is GenerationMode.NEGATIVE  # nothing that can be sent contradicts this operation
    outcomes = stack.client()
    assert until(lambda: outcomes.get("/v1/outcomes?status=waiting").get_json() == []), "something is stuck"
    assert outcomes.get("/v1/outcomes?status=dead").get_json() == []
    assert len(asked) >= (20 if mode is GenerationMode.POSITIVE else 10), asked
