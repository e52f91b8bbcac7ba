"""Hostile payloads: whatever is sent, reading it ends in contacts and notes, never in an exception."""

import copy
import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.manifest import shipped
from connector.mapping import Translated
from connector.notes import CODES
from connector.sources import read

from .contract import SOURCES, sample, samples, sent, translated


def keys_of(payload: Any) -> set[str]:
    """Every key that occurs in a payload."""
    if isinstance(payload, dict):
        return set(payload).union(*map(keys_of, payload.values()))
    return set().union(*map(keys_of, payload)) if isinstance(payload, list) else set()


def texts_of(payload: Any) -> set[str]:
    """Every text that occurs in a payload."""
    if isinstance(payload, dict | list):
        return set().union(*map(texts_of, payload.values() if isinstance(payload, dict) else payload))
    return {payload} if isinstance(payload, str) else set()


EVERY = [sample(source, name) for source, name in samples()]
KEYS = sorted({key for payload in EVERY for key in keys_of(payload)})
TEXTS = sorted({text for payload in EVERY for text in texts_of(payload)})
DEEP: Any = "end"
for _ in range(60):
    DEEP = {"data": [DEEP]}

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(
    LEAVES | st.sampled_from(TEXTS) | st.emails(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=25,
)
ODD: list[Any] = [None, 7, -1.5, True, "", "ada@example.com", [], [[]], [None], {}, {"": None}, {"a": {}}, DEEP]


def check(found: list[Translated]) -> None:
    """What every translation keeps, whatever it was made of."""
    fields = shipped().fields
    for each in found:
        assert each.contact.fields.keys() <= fields.keys()
        assert all(value is None or isinstance(value, str | int) for value in each.contact.fields.values())
        assert "" not in each.contact.fields.values()
        assert all(each.contact.segments)
        assert all(value is None or isinstance(value, str | int | float) for value in each.contact.data.values())
        assert {note.code for note in each.notes} <= CODES.keys()
        assert each.deleted or each.error or each.contact.email or each.people_id
        json.dumps(each.contact.flat(), allow_nan=False)


@pytest.mark.parametrize("source", [None, *SOURCES])
@given(payload=JSON)
@settings(max_examples=100, deadline=None)
def test_promise_23_any_json_is_read(source: str | None, payload: Any) -> None:
    found = read(payload, source)
    assert found.variant == "" or found.variant in shipped().sources[found.source].variants
    check(translated(found))


def spoiled(payload: Any, chance: random.Random) -> Any:
    """A copy in which a few members are gone, or something else."""
    payload = copy.deepcopy(payload)
    places: list[tuple[Any, Any]] = []
    rest = [payload]
    while rest:
        node = rest.pop()
        if isinstance(node, dict | list):
            keys = list(node) if isinstance(node, dict) else list(range(len(node)))
            places.extend((node, key) for key in keys)
            rest.extend(node[key] for key in keys)
    for node, key in chance.sample(places, min(len(places), chance.randint(1, 4))):
        if isinstance(node, dict) and chance.random() < 0.3:
            node.pop(key, None)
        else:
            node[key] = copy.deepcopy(chance.choice(ODD))
    return payload


@pytest.mark.parametrize(("source", "name"), samples())
def test_promise_23_a_spoiled_sample_is_read(source: str, name: str) -> None:
    payload, headers, chance = sample(source, name), sent(source, name).headers, random.Random(f"{source}/{name}")
    for _ in range(60):
        broken = spoiled(payload, chance)
        try:
            check(translated(read(broken, None, headers)))
            check(translated(read(broken, source, headers)))
        except Exception as problem:  # the payload is what one needs to see
            raise AssertionError(json.dumps(broken)[:4000]) from problem


@pytest.mark.parametrize("source", [None, *SOURCES])
def test_promise_23_any_known_name_may_hold_anything(source: str | None) -> None:
    for key in KEYS:
        for value in ODD:
            check(translated(read({"email": "ada@example.com", key: value}, source)))
            check(translated(read({key: value}, source)))
