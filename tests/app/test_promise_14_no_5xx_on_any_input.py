"""Promise 14: whatever is sent, on any route, the answer is no 5xx."""

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

from tests.app.odd import HEADERS, ODD, QUERIES, TYPES, filled, fine
from tests.app.openapi import document, path_of
from tests.app.stack import API_KEY, DATABASES, Stack, until

on_both = pytest.mark.parametrize("database", DATABASES, indirect=True)

EXAMPLES = 8


@pytest.fixture
def routes(stack: Stack) -> list[tuple[str, str]]:
    """Every method and path of the application."""
    return [
        (method, path_of(rule.rule)) for rule in stack.app.url_map.iter_rules() for method in sorted(rule.methods or ())
    ]


def send(stack: Stack, method: str, path: str, query: str = "", **environ: Any) -> TestResponse:
    """A request as it is, past the client's own checks."""
    body = environ.pop("body", b"")
    client = FlaskClient(stack.app)
    overrides = {"HTTP_AUTHORIZATION": f"Bearer {API_KEY}", "QUERY_STRING": query, **environ}
    return client.open(path, method=method, data=body, environ_overrides=overrides, buffered=True)


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
