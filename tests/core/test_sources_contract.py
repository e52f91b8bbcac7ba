"""The contract that every source keeps: a new one is found by its module and judged by this suite."""

import copy
import importlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from connector.manifest import shipped
from connector.mapping import Translated
from connector.sources import candidates, detect, read, registry

from .contract import CASES, SAMPLES, SOURCES, Case, read_sample, sample, samples, sent, translated

_EVERY = [(key, rule) for key, module in registry().items() for rule in module.RULES]
RULES = sorted(_EVERY, key=lambda each: each[1].rank)
HOLDERS = sorted({key for _, rule in RULES for key in rule.inside})


def notes_of(notes: list[dict[str, Any]]) -> list[str]:
    """Level, field and code of notes; their order has no meaning."""
    return sorted(f"{note['level']} {note['field']} {note['code']}" for note in notes)


def result(payload: Any, source: str | None = None) -> list[dict[str, Any]]:
    """Records as the expected files write them."""
    return shown(translated(read(payload, source)))


def of_sample(source: str, name: str, *, named: bool = False) -> list[dict[str, Any]]:
    """The same of a sample, with what it is sent with."""
    return shown(translated(read_sample(source, name, named=named), sent(source, name).options))


def shown(records: list[Translated]) -> list[dict[str, Any]]:
    """Records as the expected files write them."""
    return [
        {
            "id": found.id,
            "updated_at": found.updated_at,
            "deleted": found.deleted,
            "contact": found.contact.flat(),
            "notes": notes_of([note.as_json() for note in found.notes]),
        }
        for found in records
    ]


@pytest.mark.parametrize("source", SOURCES)
def test_promise_23_every_source_has_module_manifest_samples_and_case(source: str) -> None:
    assert importlib.import_module(f"connector.sources.{source}") is registry()[source]
    assert shipped().sources[source].label
    assert any("{url}" in step for step in shipped().sources[source].steps)
    assert list((SAMPLES / source).glob("*.contact.json"))
    assert source in CASES, f"say in contract.py how {source} writes and signs a record"


def test_promise_23_nothing_is_declared_for_a_source_that_does_not_exist() -> None:
    assert sorted(shipped().sources) == sorted(CASES) == SOURCES


def test_promise_23_every_sample_has_its_expected_contact() -> None:
    for source in SOURCES:
        written = {path.name for path in (SAMPLES / source).iterdir()}
        expected = {name for name in written if name.endswith(".contact.json")}
        payloads = sorted(name.rpartition(".")[0] for name in written - expected)
        assert payloads == sorted(name.removesuffix(".contact.json") for name in expected)


@pytest.mark.parametrize(("source", "name"), samples())
def test_promise_23_a_sample_is_detected_as_its_source_and_variant(source: str, name: str) -> None:
    found = read_sample(source, name)
    shows = {each: variant for variant, listed in CASES[source].variants.items() for each in listed.split()}
    assert (found.source, found.variant) == (source, shows[name])


@pytest.mark.parametrize("source", SOURCES)
def test_promise_23_the_variants_are_the_manifests_closed_list(source: str) -> None:
    assert set(CASES[source].variants) == set(shipped().sources[source].variants)
    assert {rule.variant for key, rule in RULES if key == source} <= set(shipped().sources[source].variants)


@pytest.mark.parametrize(("source", "name"), samples())
def test_promise_23_a_sample_gives_exactly_its_expected_contacts(source: str, name: str) -> None:
    expected = [{**record, "notes": notes_of(record["notes"])} for record in sent(source, name).records]
    assert of_sample(source, name) == expected


@pytest.mark.parametrize(("source", "name"), samples())
def test_promise_23_a_payload_is_not_changed(source: str, name: str) -> None:
    payload = sample(source, name)
    before = copy.deepcopy(payload)
    translated(read(payload, None, sent(source, name).headers))
    assert payload == before


@pytest.mark.parametrize(("source", "name"), samples())
def test_promise_23_no_rule_of_another_source_comes_first(source: str, name: str) -> None:
    payload = sample(source, name)
    members = payload if isinstance(payload, list) and all(isinstance(each, dict) for each in payload) else [payload]
    for member in members:
        fitting = [(key, rule) for key, rule in candidates(member) if rule.test(member)]
        own = [rule.rank for key, rule in fitting if key == source]
        others = [rule.rank for key, rule in fitting if key != source]
        assert min(own, default=10**6) < min(others, default=10**9)


def test_promise_23_every_rule_has_a_rank_of_its_own() -> None:
    ranks = [rule.rank for _, rule in RULES]
    assert len(ranks) == len(set(ranks))


@pytest.mark.parametrize(("source", "name"), samples())
def test_promise_23_a_rules_keys_hide_no_payload_from_its_test(source: str, name: str) -> None:
    hides_nothing(sample(source, name))


@pytest.mark.parametrize(("source", "name"), samples())
def test_promise_23_nor_what_is_like_it(source: str, name: str) -> None:
    payload = sample(source, name)
    for each in (*with_less(payload), *({key: payload} for key in HOLDERS)):
        hides_nothing(each)


def with_less(payload: Any) -> Iterator[Any]:
    """The same again and again, each time without one name somewhere in it, or with a list's first member alone."""
    if isinstance(payload, dict):
        for key, value in payload.items():
            rest = {name: inner for name, inner in payload.items() if name != key}
            yield rest
            yield from ({**rest, key: less} for less in with_less(value))
    elif isinstance(payload, list) and payload:
        yield payload[0]
        yield from ([less, *payload[1:]] for less in with_less(payload[0]))


def hides_nothing(payload: object) -> None:
    """Whoever passes a test is tested."""
    passed = [rule.variant for _, rule in candidates(payload) if rule.test(payload)]
    assert passed == [rule.variant for _, rule in RULES if rule.test(payload)]


@pytest.mark.parametrize(("source", "name"), samples())
def test_promise_23_members_of_a_list_need_not_have_their_names_in_one_order(source: str, name: str) -> None:
    payload, headers = sample(source, name), sent(source, name).headers
    if type(payload) is dict:  # a form is no member of a list
        found = detect([payload, dict(reversed(payload.items())), payload], headers)
        assert found == detect([payload, payload], headers)


def test_promise_23_nor_the_same_names() -> None:
    whole = sample("pipedrive", "person_v2")["data"]
    less = {name: value for name, value in whole.items() if name != "phones"}
    assert detect([whole, less]) == detect(whole)


@pytest.mark.parametrize(("source", "name"), samples())
def test_promise_23_what_tools_wrap_around_is_taken_off(source: str, name: str) -> None:
    payload, headers = sample(source, name), sent(source, name).headers
    expected = of_sample(source, name)
    wrapped: list[tuple[Any, Mapping[str, str]]] = [(json.dumps(payload), headers)]
    if isinstance(payload, dict) and "webhookUrl" not in payload:
        wrapped.append(({"json": payload}, headers))
        item = {"headers": headers, "params": {}, "query": {}, "body": payload, "webhookUrl": "x"}
        wrapped.append((item, {"host": "connector.example"}))
    elif isinstance(payload, list):
        wrapped.append(([{"json": member} for member in payload], headers))
    for each, beside in wrapped:
        assert shown(translated(read(each, None, beside), sent(source, name).options)) == expected


@pytest.mark.parametrize(("source", "name"), samples())
def test_promise_23_naming_the_source_changes_nothing(source: str, name: str) -> None:
    assert of_sample(source, name, named=True) == of_sample(source, name)


@pytest.mark.parametrize(("source", "name"), samples())
@pytest.mark.parametrize("other", SOURCES)
def test_promise_23_a_named_source_is_never_silently_another(source: str, name: str, other: str) -> None:
    found = read(sample(source, name), other)
    assert found.source == other
    if registry()[other].claim(sample(source, name)) is None and source != other:
        assert [note.code for record in found.records for note in record.notes] == ["record_invalid"]


@pytest.mark.parametrize(("source", "name"), samples())
def test_promise_23_a_delete_is_reported_with_no_more_than_the_email(source: str, name: str) -> None:
    for found in translated(read_sample(source, name)):
        if found.deleted:
            assert set(found.contact.fields) <= {"email"}
            assert (found.contact.segments, found.contact.data, found.notes) == ((), {}, ())


@pytest.mark.parametrize("source", SOURCES)
def test_promise_23_records_written_and_read_back(source: str) -> None:
    case, (email, first, unknown) = CASES[source], CASES[source].names
    for values, contact, notes in (
        ({email: "Ada@Example.com"}, {"email": "ada@example.com"}, set()),
        ({email: "ada@bücher.example", first: "Ådå 日本 👩‍💻"}, {"first_name": "Ådå 日本 👩‍💻"}, set()),
        ({email: "", first: "Ada"}, {"first_name": "Ada"}, {("email_missing", "email")}),
        ({email: None, first: "Ada"}, {"first_name": "Ada"}, {("email_missing", "email")}),
        ({first: "Ada"}, {"first_name": "Ada"}, {("email_missing", "email")}),
        ({email: "ada@@example.com"}, {}, {("email_invalid", "email")}),
        ({email: "ada@example.com", unknown: "38"}, {}, {("field_unmapped", unknown)} if unknown else set()),
        ({email: "ada@example.com", unknown: ""}, {}, set()),
        ({email: "ada@example.com", unknown: None, first: None}, {}, set()),
    ):
        payload = read(case.payload(values), source)
        (found,) = translated(payload)
        assert contact.items() <= found.contact.fields.items(), values
        assert {(note.code, note.field) for note in found.notes} == notes, values


@pytest.mark.parametrize("source", SOURCES)
def test_promise_23_a_list_of_records_is_read_one_by_one(source: str) -> None:
    case: Case = CASES[source]
    ada = case.payload({case.names[0]: "ada@example.com"})
    bob = case.payload({case.names[0]: "bob@example.com"})
    assert detect([ada, bob, ada]).source == source
    assert result([ada, bob, ada]) == [*result(ada), *result(bob), *result(ada)]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("payload", [[], {}, None, "", "text", 7, True, [[]], [None], [{}], {"a": None}, [1, "b"]])
def test_promise_23_nothing_to_read_is_no_contact(source: str, payload: Any) -> None:
    for named in (source, None):
        for found in translated(read(payload, named)):
            assert found.contact.email is None
            assert found.error is not None


def test_a_list_of_mixed_sources_is_plain_fields() -> None:
    mixed = [sample("notion", "page"), sample("dynamics", "web_api_contact")]
    assert detect(mixed).source == "generic"


@pytest.mark.parametrize(
    ("payload", "variant"),
    [
        ([["Email", "Name"], ["ada@example.com", "Ada"]], "bare_rows"),
        ({"headers": ["Email"], "rows": [["ada@example.com"]]}, "script_row"),
        ({"sheet": "CRM", "row": {"Email": "ada@example.com"}}, "script_row"),
        ({"Email": ["ada@example.com"], "Name": ["Ada"]}, "form_submit"),
        ({"row": 3, "values": {"A": "Ada", "B": "ada@example.com"}}, "numbered_row"),
        ({"previous": None, "current": {"row_number": 2, "Email": "ada@example.com"}}, "n8n_row"),
    ],
)
def test_further_shapes_of_a_sheet(payload: Any, variant: str) -> None:
    found = read(payload)
    assert (found.source, found.variant) == ("google_sheets", variant)
    assert [each.contact.email for each in translated(found)] == ["ada@example.com"]


@pytest.mark.parametrize(
    "payload",
    [
        {"object": "customer", "id": "cus_1", "type": "page", "email": "ada@example.com"},
        {"object": "list", "data": [], "url": "/v1/customers", "email": "ada@example.com"},
        {"value": [{"email": "ada@example.com"}], "@odata.context": "https://x.example/$metadata#people"},
        {"url": "https://example.com", "id": 1, "property_x": "y", "email": "ada@example.com"},
    ],
)
def test_names_that_many_systems_use_prove_nothing(payload: Any) -> None:
    assert detect(payload).source == "generic"
