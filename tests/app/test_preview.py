"""Preview: every sample reads as expected, nothing is written, and what is foreseen then happens."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.samples import Sample
from tests.app.stack import Crisp, Stack, finished, problem
from tests.core.contract import CASES, samples, sent

SAMPLES = samples()
STATUSES = ("created", "updated", "unchanged", "superseded", "rejected", "dead", "waiting")
each_sample = pytest.mark.parametrize(("source", "name"), SAMPLES, ids=["-".join(each) for each in SAMPLES])


def read(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a sample's expectation has of each record; notes as a set, for their order has no meaning."""
    keys = ("id", "updated_at", "deleted", "contact")
    return [
        {
            **{key: record[key] for key in keys},
            "notes": sorted(f"{note['level']} {note['field']} {note['code']}" for note in record["notes"]),
        }
        for record in records
    ]


def asked(api: FlaskClient, path: str, payload: Any) -> TestResponse:
    """The answer to a payload, or to a sample as its sender sends it."""
    if not isinstance(payload, Sample):
        return api.post(path, json=payload)
    headers, options = dict(payload.headers), dict(payload.options)
    return api.post(path, data=payload.body, content_type=payload.content_type, headers=headers, query_string=options)


@each_sample
def test_a_sample_reads_as_expected_and_nothing_is_written(stack: Stack, source: str, name: str) -> None:
    answer = asked(stack.client(), "/v1/preview", sent(source, name))
    assert answer.status_code == 200
    told, expected = answer.get_json(), sent(source, name)
    shown = read(told["records"])
    for record, wanted in zip(told["records"], shown, strict=True):
        if record["deleted"]:  # What it leads to is said beside what it reads.
            wanted["notes"].remove("info None delete_reported")
    assert shown == read(expected.records)
    assert {record["source"] for record in told["records"]} <= {source}
    shows = {variant for variant, names in CASES[source].variants.items() if name in names.split()}
    assert {record["variant"] for record in told["records"]} <= shows
    assert [record["row"] for record in told["records"]] == list(range(1, len(told["records"]) + 1))
    assert told["totals"]["records"] == len(expected.records) == sum(told["totals"][key] for key in STATUSES)
    assert told["totals"]["calls"] == sum(len(record["plan"]) for record in told["records"])
    assert (stack.count(), stack.crisp.calls) == (0, 0)


def foreseen(api: FlaskClient, payload: Any) -> tuple[list[str], dict[str, int]]:
    told = asked(api, "/v1/preview", payload).get_json()
    return [record["status"] for record in told["records"]], told["totals"]


def happened(api: FlaskClient, payload: Any) -> tuple[list[str], dict[str, int]]:
    accepted = asked(api, "/v1/contacts/batch", payload).get_json()
    if "import_id" not in accepted:
        return [], {"records": 0, **dict.fromkeys(STATUSES, 0), "calls": 0}
    totals = finished(api, accepted["import_id"])["totals"]
    records = api.get(f"/v1/imports/{accepted['import_id']}/records").get_json()
    return [record["status"] for record in records], totals


@each_sample
def test_what_is_foreseen_of_a_sample_happens(api: FlaskClient, crisp: Crisp, source: str, name: str) -> None:
    payload = sent(source, name)
    for _ in ("as new", "again"):
        before = crisp.calls
        expected = foreseen(api, payload)
        assert happened(api, payload) == expected
        assert crisp.calls - before == expected[1]["calls"]


KNOWN = {"email": "ada@example.com", "first_name": "Ada", "city": "Rome", "segments": ["vip"], "data": {"plan": "pro"}}
NEW = {"email": "bob@example.com"}
CHANGES: list[tuple[str, Any]] = [
    ("nothing", [KNOWN]),
    ("profile", [{**KNOWN, "city": "Bern"}]),
    ("data", [{**KNOWN, "data": {"plan": "free", "score": 7}}]),
    ("removed data", [{**KNOWN, "data": {"plan": ""}}]),
    ("segments", [{**KNOWN, "segments": ["vip", "beta"]}]),
    ("older", [{**KNOWN, "city": "Bern", "updated_at": "2001-01-01T00:00:00Z"}]),
    ("profile, then data", [{**KNOWN, "city": "Bern"}, {**KNOWN, "data": {"plan": "free"}}]),
    ("news, then nothing", [{**KNOWN, "city": "Bern"}, {"email": "ada@example.com", "first_name": "Ada"}]),
    ("nothing, then news", [KNOWN, {**KNOWN, "city": "Bern"}]),
    ("nothing twice", [KNOWN, KNOWN]),
    ("there and back", [{**KNOWN, "city": "Bern"}, KNOWN]),
    (
        "new, then older",
        [{**NEW, "city": "Rome", "updated_at": "2024-06-01"}, {**NEW, "city": "Bern", "updated_at": "2024-01-01"}],
    ),
    ("new, twice", [{"email": "bob@example.com"}, {"email": "bob@example.com", "city": "Bern"}]),
    ("bad, then good", [{"email": "no"}, {**KNOWN, "city": "Bern"}, {}]),
]


@pytest.mark.parametrize("payload", [change[1] for change in CHANGES], ids=[change[0] for change in CHANGES])
def test_what_is_foreseen_of_a_known_person_happens(api: FlaskClient, crisp: Crisp, payload: Any) -> None:
    assert api.post("/v1/contacts", json=KNOWN).get_json()["status"] == "created"
    before = crisp.calls
    expected = foreseen(api, payload)
    assert happened(api, payload) == expected
    assert crisp.calls - before == expected[1]["calls"]


@pytest.mark.parametrize("mode", ["create", "update"])
def test_what_is_foreseen_of_a_mode_happens(api: FlaskClient, crisp: Crisp, mode: str) -> None:
    api.post("/v1/contacts", json=KNOWN)
    payload = {**KNOWN, "city": "Bern"}
    before = crisp.calls
    told = api.post(f"/v1/preview?mode={mode}", json=payload).get_json()
    accepted = api.post(f"/v1/contacts/batch?mode={mode}", json=payload).get_json()
    assert finished(api, accepted["import_id"])["totals"] == told["totals"]
    assert crisp.calls - before == told["totals"]["calls"]
    assert told["records"][0].get("code") == ("contact_exists" if mode == "create" else None)


def test_the_plan_shows_method_address_and_body(api: FlaskClient, stack: Stack) -> None:
    told = api.post("/v1/preview", json=KNOWN).get_json()
    website = f"/website/{stack.tenant.website_id}"
    assert [(call["method"], call["path"]) for call in told["records"][0]["plan"]] == [
        ("POST", f"{website}/people/profile"),
        ("PATCH", f"{website}/people/data/ada@example.com"),
    ]
    assert told["records"][0]["plan"][0]["body"]["person"]["nickname"] == "Ada"
    assert told["records"][0]["plan"][1]["body"] == {"data": {"plan": "pro"}}
    assert told["eta_seconds"] > 0


def test_a_day_of_quota_is_foreseen(api: FlaskClient, stack: Stack) -> None:
    stack.save(daily_quota=2)
    told = api.post("/v1/preview", json=[{"email": f"a{number}@example.com"} for number in range(5)]).get_json()
    assert told["totals"]["calls"] == 5
    assert told["eta_seconds"] > 86_400, "five calls, two a day"


def test_options_are_those_of_the_batch_route(api: FlaskClient) -> None:
    sent = {"email": "ada@example.com", "phone": "01 42 68 53 00", "shoe_size": 38}
    told = api.post("/v1/preview?country=FR&unmapped=data", json=sent).get_json()["records"][0]
    assert (told["contact"]["phone"], told["contact"]["data"]) == ("+33142685300", {"shoe_size": 38})


def test_a_read_key_is_enough(stack: Stack) -> None:
    assert stack.client(stack.key("read")).post("/v1/preview", json=KNOWN).status_code == 200


def test_over_a_hundred_thousand_records_are_refused(api: FlaskClient) -> None:
    told = problem(api.post("/v1/preview", data=b"[" + b"{}," * 100_000 + b"{}]"), 413, "too_many_records")
    assert "100,000" in told["message"]
