"""`/metrics`: what Prometheus scrapes; the same as the ledger says, and nobody else's."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from flask.testing import FlaskClient
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.test import TestResponse

from connector import overview
from connector.app import create_app
from connector.ledger import Ledger, records, workers
from connector.metrics import DECLARED, OTHERS
from connector.overview import Look
from connector.version import __version__
from tests.app.stack import DATABASES, WEBSITE, Stack, finished, problem, until

ROOT = Path(__file__).parents[2]
PEOPLE = [{"email": f"p{number}@example.com", "first_name": "P"} for number in range(5)]
METRICS_KEY = "mk_tests-3Vd8Qw1Zx6Lp"
PLAIN = "text/plain; version=0.0.4; charset=utf-8"
OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def samples(answer: TestResponse) -> dict[str, list[Any]]:
    """Name → samples of an answer in Prometheus' text format."""
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found: dict[str, list[Any]] = {}
    for family in text_string_to_metric_families(answer.get_data(as_text=True)):
        for sample in family.samples:
            found.setdefault(sample.name.removeprefix("crisp_connector_"), []).append(sample)
    return found


def scraped(client: FlaskClient, **more: Any) -> dict[str, list[Any]]:
    return samples(client.get("/metrics", **more))


def by(found: list[Any], label: str) -> dict[str, float]:
    """Sums by one label."""
    sums: dict[str, float] = {}
    for sample in found:
        sums[sample.labels[label]] = sums.get(sample.labels[label], 0) + sample.value
    return sums


def total(found: list[Any]) -> float:
    return sum(float(sample.value) for sample in found)


@pytest.mark.parametrize("database", DATABASES, indirect=True)
def test_it_says_what_the_ledger_says(stack: Stack, api: FlaskClient) -> None:
    sent = api.post("/v1/contacts/batch", json=[*PEOPLE, {"email": "nobody"}]).get_json()
    api.post("/v1/contacts", json={"email": "ada@example.com"})
    finished(api, sent["import_id"])
    api.post("/v1/contacts/batch", json=PEOPLE)
    with stack.services.ledger.read() as connection:
        totals = records.totals_of_connection(connection, WEBSITE).as_json()
    until(lambda: total(scraped(api)["records"]) == totals["records"])
    found = scraped(api)
    assert by(found["records"], "outcome") == {
        outcome: count for outcome, count in totals.items() if outcome not in ("records", "calls")
    }
    assert found["records_accepted_total"][0].value == totals["records"] == 12
    assert total(found["calls_total"]) == stack.crisp.calls == totals["calls"] == 6
    assert by(found["calls_total"], "answer") == {"201": 6}
    assert by(found["delivery_seconds_count"], "lane") == {"live": 1, "bulk": 5}
    assert found["quota_used_calls"][0].value == 6
    assert found["quota_limit_calls"][0].value == 10_000
    assert found["lease_grants_total"][0].value >= 1
    assert found["connection_info"][0].labels == {"connection": WEBSITE, "label": WEBSITE, "tier": "website"}


def test_every_metric_that_is_declared_is_there_and_no_other(stack: Stack, api: FlaskClient) -> None:
    api.post("/v1/contacts", json=PEOPLE[0])
    text = api.get("/metrics").get_data(as_text=True)
    families = {family.name: family for family in text_string_to_metric_families(text)}
    names = {f"crisp_connector_{each.name.removesuffix('_total')}" for each in DECLARED}
    assert set(families) == names | {f"crisp_connector_{name}" for name in OTHERS}
    assert all(family.documentation.endswith(".") and family.samples for family in families.values())
    for each in DECLARED:
        family = families[f"crisp_connector_{each.name.removesuffix('_total')}"]
        assert family.type == each.kind
        assert set(family.samples[0].labels) == {"connection", *each.labels}
    assert families["crisp_connector_build_info"].samples[0].labels == {"version": __version__}


def test_who_delivers_is_seen_by_a_tenant_and_by_this_machine(stack: Stack, api: FlaskClient) -> None:
    until(lambda: scraped(api)["workers"][0].value)

    def both(client: FlaskClient) -> bool:
        """Whether both are seen; on a busy machine the beat of our own may be late."""
        with stack.services.ledger.write() as connection:
            workers.beat(connection, "another", stack.services.ledger.clock())
        [only] = scraped(client)["workers"]
        return (only.value, only.labels) == (2, {})

    for client in (stack.client(), stack.client(None), stack.other_client()):
        until(partial(both, client))
    with stack.services.ledger.write() as connection:
        workers.leave(connection, "another")
    assert scraped(api)["workers"][0].value == 1


def test_buckets_grow_and_end_with_all(stack: Stack, api: FlaskClient) -> None:
    for each in PEOPLE[:2]:
        api.post("/v1/contacts", json=each)
    found = scraped(api)
    live = [sample for sample in found["delivery_seconds_bucket"] if sample.labels["lane"] == "live"]
    values = [sample.value for sample in live]
    assert values == sorted(values)
    assert [float(sample.labels["le"]) for sample in live][-2:] == [3600, float("inf")]
    assert values[-1] == by(found["delivery_seconds_count"], "lane")["live"] == 2
    assert by(found["delivery_seconds_sum"], "lane")["live"] > 0


def test_what_waits_and_why_is_there(stack: Stack, api: FlaskClient) -> None:
    stack.save(halted="crisp_credential_refused")
    api.post("/v1/contacts", json=PEOPLE[0])
    found = scraped(api)
    assert by(found["waiting_records"], "age") == {"1m": 1, "10m": 0, "1h": 0, "1d": 0, "older": 0}
    assert found["waiting_oldest_seconds"][0].value < 60
    assert by(found["connection_halted"], "code") == {"crisp_credential_refused": 1}
    assert (found["connections"][0].value, found["connections_halted"][0].value) == (1, 1)
    stack.save(halted=None)
    until(lambda: not scraped(api)["connections_halted"][0].value)
    assert by(scraped(api)["connection_halted"], "code") == {"": 0}


class TestWhoMaySee:
    @pytest.fixture
    def other(self, stack: Stack) -> FlaskClient:
        """A second tenant, each with a record of its own."""
        stack.client().post("/v1/contacts", json=PEOPLE[0])
        client = stack.other_client()
        client.post("/v1/contacts?wait=0", json=PEOPLE[1])
        return client

    @staticmethod
    def shown(found: dict[str, list[Any]]) -> set[str]:
        every = [sample for each in found.values() for sample in each]
        return {sample.labels["connection"] for sample in every if "connection" in sample.labels}

    def test_a_tenant_sees_itself_alone(self, stack: Stack, other: FlaskClient) -> None:
        assert self.shown(scraped(other)) == {"another"}
        assert self.shown(scraped(stack.client())) == {WEBSITE}
        assert scraped(other)["connections"][0].value == 1
        assert WEBSITE not in other.get("/metrics").get_data(as_text=True).replace(f'label="{WEBSITE}"', "")

    def test_this_machine_sees_all(self, stack: Stack, other: FlaskClient) -> None:
        found = until(lambda: len(self.shown(scraped(stack.client(None)))) == 2 and scraped(stack.client(None)))
        assert self.shown(found or {}) == {WEBSITE, "another"}

    @pytest.mark.parametrize("scope", ["read", "write"])
    def test_a_key_without_admin_sees_nothing(self, stack: Stack, scope: str) -> None:
        problem(stack.client(stack.key(scope)).get("/metrics"), 403, "scope_missing")

    def test_a_wrong_key_sees_nothing_even_here(self, stack: Stack) -> None:
        problem(stack.client("ck_wrong").get("/metrics"), 401, "key_invalid")

    @pytest.fixture
    def monitored(self, stack: Stack, other: FlaskClient) -> Stack:
        """The same service with a metrics key."""
        settings = replace(stack.services.settings, metrics_key=METRICS_KEY)
        return replace(stack, app=create_app(replace(stack.services, settings=settings)))

    @pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.7"])
    def test_the_metrics_key_sees_all_from_everywhere(self, monitored: Stack, address: str) -> None:
        where = {"REMOTE_ADDR": address}
        found = until(
            lambda: (
                len(self.shown(scraped(monitored.client(METRICS_KEY), environ_base=where))) == 2
                and scraped(monitored.client(METRICS_KEY), environ_base=where)
            )
        )
        assert self.shown(found or {}) == {WEBSITE, "another"}

    @pytest.mark.parametrize("path", ["/v1/me", "/v1/connections", "/v1/imports"])
    def test_the_metrics_key_opens_nothing_else(self, monitored: Stack, path: str) -> None:
        problem(monitored.client(METRICS_KEY).get(path), 401, "key_invalid")

    @pytest.mark.parametrize("key", [METRICS_KEY[:-1], METRICS_KEY + "x", METRICS_KEY.upper(), "é", "x" * 10_000])
    def test_what_is_like_the_metrics_key_is_not(self, monitored: Stack, key: str) -> None:
        problem(monitored.client(key.encode().decode("latin-1")).get("/metrics"), 401, "key_invalid")

    def test_beside_it_an_api_key_sees_its_own(self, monitored: Stack) -> None:
        assert self.shown(scraped(monitored.client())) == {WEBSITE}

    def test_no_metrics_key_is_no_key(self, stack: Stack) -> None:
        where, empty = {"REMOTE_ADDR": "10.0.0.7"}, {"Authorization": "Bearer "}
        problem(stack.client(None).get("/metrics", environ_base=where, headers=empty), 401, "key_missing")

    @pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
    def test_loopback_is_this_machine(self, stack: Stack, address: str) -> None:
        assert stack.client(None).get("/metrics", environ_base={"REMOTE_ADDR": address}).status_code == 200

    @pytest.mark.parametrize("address", ["10.0.0.7", "192.168.1.1", "::ffff:10.0.0.7", "8.8.8.8", "", "nonsense"])
    def test_another_one_is_not(self, stack: Stack, address: str) -> None:
        problem(stack.client(None).get("/metrics", environ_base={"REMOTE_ADDR": address}), 401, "key_missing")

    @pytest.mark.parametrize(
        "header", ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Real-IP", "Via"]
    )
    @pytest.mark.parametrize("value", ["127.0.0.1", ""])
    def test_what_a_proxy_brought_is_from_anywhere(self, stack: Stack, header: str, value: str) -> None:
        problem(stack.client(None).get("/metrics", headers={header: value}), 401, "key_missing")

    @pytest.mark.parametrize("host", ["connector.example.com", "10.0.0.7:8080", "localhost.example.com", "[::1"])
    def test_nor_is_what_was_sent_to_another_name(self, stack: Stack, host: str) -> None:
        problem(stack.client(None).get("/metrics", headers={"Host": host}), 401, "key_missing")

    @pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1:8080", "[::1]:8080"])
    def test_loopback_has_these_names(self, stack: Stack, host: str) -> None:
        assert stack.client(None).get("/metrics", headers={"Host": host}).status_code == 200


class TestFormats:
    @pytest.mark.parametrize("accept", ["", "*/*", "text/html", "text/plain;version=0.0.4", "application/json"])
    def test_prometheus_text_is_usual(self, api: FlaskClient, accept: str) -> None:
        assert api.get("/metrics", headers={"Accept": accept}).content_type == PLAIN

    def test_openmetrics_where_it_is_accepted(self, api: FlaskClient) -> None:
        api.post("/v1/contacts", json=PEOPLE[0])
        answer = api.get("/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"})
        assert answer.content_type.startswith(OPEN)
        read: Any = openmetrics.text_string_to_metric_families  # it has no types
        names = {family.name for family in read(answer.get_data(as_text=True))}
        assert {"crisp_connector_calls", "crisp_connector_records", "crisp_connector_delivery_seconds"} <= names

    @pytest.mark.parametrize(
        "accept",
        [
            "application/openmetrics-text;version=banana",
            "text/plain;version=",
            "text/plain;version=1.x",
            ";;,=;",
            "é",
        ],
    )
    def test_nonsense_is_no_mistake_of_ours(self, api: FlaskClient, accept: str) -> None:
        assert api.get("/metrics", headers={"Accept": accept}).status_code == 200


def test_a_slow_look_serves_ten_times_as_long_as_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    moment, looks = [0.0], list[Look]()

    def look(*_: Any, **__: Any) -> Look:
        moment[0] += 2.0 if len(looks) < 2 else 0.01
        looks.append(Look(len(looks), ()))
        return looks[-1]

    monkeypatch.setattr(overview, "_QUICK", 0.05)
    monkeypatch.setattr(overview, "look", look)
    monkeypatch.setattr(overview, "time", SimpleNamespace(monotonic=lambda: moment[0]))
    kept = overview.Kept(cast(Ledger, None), lambda: 0, 0.1)

    def seen(at: float, connection_id: str | None = None) -> int:
        moment[0] = at
        return kept.look(connection_id).workers

    assert [seen(at) for at in (0, 2, 19.9)] == [0, 0, 0], "until 20 s after it began, for it took 2"
    assert seen(5, "another") == 1, "each connection has its own"
    assert [seen(20), seen(20.1)] == [2, 3], "a quick one is not kept"


@pytest.fixture
def named(stack: Stack) -> Iterator[Stack]:
    """A connection whose label is hard to write down."""
    stack.save(label='A "shop"\\\nwith crisp_connector_records{} 9\n')
    yield stack
    stack.save()


def test_a_label_is_only_a_label(named: Stack) -> None:
    [info] = scraped(named.client(None))["connection_info"]
    assert info.labels["label"] == 'A "shop"\\\nwith crisp_connector_records{} 9\n'


def test_erasing_and_replaying_keep_the_sum(stack: Stack, api: FlaskClient) -> None:
    for each in PEOPLE:
        api.post("/v1/contacts", json=each)
    api.delete(f"/v1/contacts/{PEOPLE[0]['email']}")
    api.post("/v1/outcomes/replay", json={"code": "contact_erased"})
    found = until(lambda: (each := scraped(api))["records_accepted_total"][0].value == 5 and each)
    assert found
    assert total(found["records"]) == 5


def test_the_documents_name_metrics_that_are_there(stack: Stack, api: FlaskClient) -> None:
    api.post("/v1/contacts", json=PEOPLE[0])
    text = (ROOT / "docs" / "operating.md").read_text()
    named = set(re.findall(r"crisp_connector_([a-z_]+)", text))
    assert len(named) > 7
    assert named <= set(scraped(api))
