"""Inbound addresses: made and managed, and what comes to them is kept, answered at once, and taken in after that."""

import gzip
import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from connector import resealing
from connector.alive import own_name
from connector.errors import Problem
from connector.inbound import Arrivals, runner, taking
from connector.ledger import arrivals as ledger_arrivals
from connector.ledger import inbounds as ledger_inbounds
from connector.ledger.tables import arrivals, inbounds, metadata
from connector.platforms import google_sheets
from connector.sources import registry
from connector.vault import Vault
from tests.app.inbound import (
    ADA,
    ONE_ID,
    arrivals_of,
    body_of,
    made,
    outcomes_of,
    path,
    send,
    signature,
    stored,
    took_in,
)
from tests.app.stack import DATABASES, Stack, ended, finished, problem, until

pytestmark = [pytest.mark.parametrize("database", DATABASES, indirect=True), pytest.mark.usefixtures("no_addresses")]
SAMPLES = Path(__file__).resolve().parents[2] / "manifests" / "samples"
SHEET = {"sheetName": "CRM", "rowNumber": 2, "headers": ["Email", "Name"]}
ONCE = {"Idempotency-Key": "inbound-1"}


def sample(source: str, name: str) -> Any:
    return json.loads((SAMPLES / source / f"{name}.json").read_text())


def row_of(stack: Stack) -> Any:
    """The only arrival, as it is stored."""
    with stack.services.ledger.read() as connection:
        return connection.execute(select(arrivals)).one()


def count(stack: Stack) -> int:
    with stack.services.ledger.read() as connection:
        return len(connection.execute(select(arrivals.c.id)).all())


def set_state(stack: Stack, inbound: dict[str, Any], **state: int) -> None:
    with stack.services.ledger.write() as connection:
        connection.execute(update(inbounds).where(inbounds.c.id == inbound["id"]).values(state=state))


class TestManaging:
    """/v1/inbound"""

    def test_it_is_made_with_an_address_a_secret_and_steps(self, api: FlaskClient) -> None:
        said = {"label": "Leads", "country": "fr", "timezone": "Europe/Paris", "mode": "update", "unmapped": "data"}
        one = made(api, mapping={"email": "Courriel"}, on_delete="note", **said)
        assert one["url"] == f"http://localhost/in/generic/{one['id']}"
        assert one["country"] == "FR"
        assert one["mapping"] == {"email": ["Courriel"]}
        assert any(one["url"] in step for step in one["steps"])
        assert one["secret"] not in json.dumps(one["steps"])

    def test_the_secret_is_shown_once(self, api: FlaskClient) -> None:
        one = made(api, credential="ntn_credential")
        listed = api.get("/v1/inbound")
        shown = api.get(f"/v1/inbound/{one['id']}")
        assert shown.get_json() == {name: value for name, value in one.items() if name != "secret"}
        assert listed.get_json() == [shown.get_json()]
        assert one["has_credential"]
        for answer in (listed, shown):
            assert one["secret"] not in answer.get_data(as_text=True)
            assert "ntn_credential" not in answer.get_data(as_text=True)

    @pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3", "169.254.169.254"])
    def test_a_shop_in_a_private_network_is_not_asked(self, api: FlaskClient, host: str) -> None:
        keys = {"consumer_key": "ck_sample", "consumer_secret": "cs_sample"}
        one = made(api, "woocommerce", credential={"url": f"https://{host}", **keys})
        answer = api.post(f"/v1/inbound/{one['id']}/pull")
        assert "private" in problem(answer, 422, "source_forbidden")["message"]
        assert "cs_sample" not in answer.get_data(as_text=True)

    def test_neither_secret_nor_credential_is_stored_in_the_open(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api, credential="ntn_credential")
        with stack.services.ledger.read() as connection:
            everything = repr([list(connection.execute(select(table))) for table in metadata.sorted_tables])
        assert one["secret"] not in everything
        assert "ntn_credential" not in everything

    def test_lists_go_on_in_the_link_header(self, api: FlaskClient) -> None:
        ids = [made(api)["id"] for _ in range(3)]
        first = api.get("/v1/inbound?limit=2")
        assert [each["id"] for each in first.get_json()] == ids[:0:-1]
        following = api.get(first.headers["Link"].partition("<")[2].partition(">")[0])
        assert [each["id"] for each in following.get_json()] == ids[:1]
        assert "Link" not in following.headers

    def test_what_is_not_said_stays_and_null_takes_away(self, api: FlaskClient) -> None:
        one = made(api, country="FR", label="Leads", credential="ntn_credential")
        changed = api.patch(f"/v1/inbound/{one['id']}", json={"mode": "create", "country": None, "credential": None})
        told = changed.get_json()
        assert (told["mode"], told["country"], told["label"], told["has_credential"]) == (
            "create",
            None,
            "Leads",
            False,
        )
        assert api.get(f"/v1/inbound/{one['id']}").get_json() == told

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"source": "fax"}, "source"),
            ({"source": None}, "source"),
            ({"label": "a\nb"}, "label"),
            ({"country": "France"}, "country"),
            ({"timezone": "Mars/Olympus"}, "timezone"),
            ({"mode": "replace"}, "mode"),
            ({"unmapped": "drop"}, "unmapped"),
            ({"on_delete": "delete"}, "on_delete"),
            ({"credential": "super secret"}, "credential"),
            ({"secret": "super"}, "secret"),
            ({"secret": "super-secret\nx"}, "secret"),
            ({"secret": None}, "secret"),
            ({"pull": {"database_id": "../users"}}, "pull"),
            ({"pull": {}}, "pull"),
            ({"pull": {"page_id": "0" * 32}}, "pull"),
            ({"signature": {}}, "signature"),
            ({"signature": {"header": "X Signature"}}, "signature"),
            ({"signature": {"header": "X-Signature", "algorithm": "md5"}}, "signature"),
            ({"signature": {"header": "X-Signature", "encoding": ["hex"]}}, "signature"),
            ({"signature": {"header": "X-Signature", "key": "super"}}, "signature"),
            ({"colour": "red"}, "colour"),
        ],
    )
    def test_what_makes_no_sense_is_named(self, api: FlaskClient, wrong: dict[str, Any], field: str) -> None:
        answer = api.post("/v1/inbound", json={"source": "generic", **wrong})
        told = problem(answer, 422, "parameter_invalid")
        assert [each["field"].partition(".")[0] for each in told["errors"]] == [field]
        assert "super" not in answer.get_data(as_text=True)
        assert api.get("/v1/inbound").get_json() == []

    def test_a_mapping_to_no_field_is_refused(self, api: FlaskClient) -> None:
        problem(
            api.post("/v1/inbound", json={"source": "generic", "mapping": {"shoe": "a"}}), 422, "mapping_field_unknown"
        )

    def test_an_account_is_refused_of_who_names_none(self, api: FlaskClient) -> None:
        answer = api.post("/v1/inbound", json={"source": "generic", "sender": "62500001"})
        told = problem(answer, 422, "sender_unsupported")
        assert "generic" in told["message"]
        one = made(api)
        problem(api.patch(f"/v1/inbound/{one['id']}", json={"sender": "62500001"}), 422, "sender_unsupported")

    def test_it_is_for_admins_and_for_its_own_connection(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api)
        writer, other = stack.client(stack.key("write")), stack.other_client()
        problem(writer.post("/v1/inbound", json={"source": "generic"}), 403, "scope_missing")
        assert other.get("/v1/inbound").get_json() == []
        for method, end in (
            ("get", ""),
            ("delete", ""),
            ("post", "/rotate"),
            ("post", "/pull"),
            ("get", "/script"),
            ("get", "/arrivals"),
        ):
            ask = getattr(writer, method)
            problem(ask(f"/v1/inbound/{one['id']}{end}"), 403, "scope_missing")
            problem(getattr(other, method)(f"/v1/inbound/{one['id']}{end}"), 404, "inbound_missing")
        problem(other.patch(f"/v1/inbound/{one['id']}", json={"label": "mine"}), 404, "inbound_missing")
        assert api.get(f"/v1/inbound/{one['id']}").status_code == 200

    def test_a_request_that_comes_again_makes_nothing_and_has_the_same_answer(
        self, api: FlaskClient, stack: Stack
    ) -> None:
        first = api.post("/v1/inbound", json={"source": "generic"}, headers=ONCE)
        again = api.post("/v1/inbound", json={"source": "generic"}, headers=ONCE)
        assert (again.status_code, again.get_json()) == (201, first.get_json())
        assert len(api.get("/v1/inbound").get_json()) == 1
        other = api.post("/v1/inbound", json={"source": "notion"}, headers=ONCE)
        problem(other, 409, "idempotency_mismatch")
        with stack.services.ledger.read() as connection:
            kept = repr([list(connection.execute(select(table))) for table in metadata.sorted_tables])
        assert first.get_json()["secret"] not in kept

    def test_a_deleted_one_takes_nothing_any_more(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api)
        assert stored(send(stack, one, ADA))
        assert api.delete(f"/v1/inbound/{one['id']}").get_json() == {"deleted": True}
        problem(send(stack, one, ADA), 401, "arrival_refused")
        problem(api.delete(f"/v1/inbound/{one['id']}"), 404, "inbound_missing")
        assert took_in(stack) == 0

    def test_every_source_has_steps_that_name_the_address(self, api: FlaskClient) -> None:
        for source in registry():
            one = made(api, source)
            assert any(one["url"] in step for step in one["steps"]), source
            assert not [step for step in one["steps"] if "{" in step], source
            assert all(each["what"] and each["why"] for each in one["left_out"]), source
            assert one["left_out"] or source in ("generic", "google_sheets"), source


class TestProving:
    """Who may send."""

    @pytest.mark.parametrize(
        ("source", "value"),
        [
            ("generic", ADA),
            ("google_sheets", {**SHEET, "values": ["ada@example.com", "Ada"]}),
            ("dynamics", sample("dynamics", "webhook_create_contact")),
        ],
    )
    def test_the_schemes_of_the_sources(self, api: FlaskClient, stack: Stack, source: str, value: Any) -> None:
        one = made(api, source)
        assert stored(send(stack, one, value))
        assert took_in(stack) == 1
        assert outcomes_of(api, one) == ["accepted"]
        assert api.get(f"/v1/inbound/{one['id']}").get_json()["verified_at"]

    def test_dataverse_may_send_a_header_instead(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api, "dynamics")
        headers = {"X-Connector-Key": one["secret"]}
        assert stored(stack.client(None).post(path(one), json={}, headers=headers))

    @pytest.mark.parametrize(
        "source", ["generic", "notion", "google_sheets", "dynamics", "hubspot", "pipedrive", "zoho"]
    )
    def test_an_api_key_that_may_write(self, api: FlaskClient, stack: Stack, source: str) -> None:
        one, key = made(api, source), stack.key("write")
        assert stored(stack.client(None).post(path(one), json=ADA, headers={"X-API-Key": key}))
        assert stored(stack.client(key).post(path(one), json=ADA))

    def test_the_secret_in_the_address_where_senders_have_no_scheme(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api)
        assert stored(stack.client(None).post(path(one), json=ADA, query_string={"key": one["secret"]}))

    @pytest.mark.parametrize("source", ["notion", "google_sheets", "dynamics", "hubspot", "pipedrive"])
    def test_not_where_they_have_one(self, api: FlaskClient, stack: Stack, source: str) -> None:
        one = made(api, source)
        answer = stack.client(None).post(path(one), json=ADA, query_string={"key": one["secret"]})
        problem(answer, 401, "arrival_refused")

    def test_after_a_rotation_both_secrets_are_taken_for_a_day(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api)
        new = api.post(f"/v1/inbound/{one['id']}/rotate").get_json()
        assert new["secret"] != one["secret"]
        assert new["old_secret_until"]
        assert stored(send(stack, one, ADA))
        assert stored(send(stack, one, ADA, new["secret"]))
        set_state(stack, one, old_until=stack.services.courier.clock() - 1)
        problem(send(stack, one, ADA), 401, "arrival_refused")
        assert stored(send(stack, one, ADA, new["secret"]))

    @pytest.mark.parametrize("secret", ["wc_secret&1", "vendor, made it", "mot de passe s3crét", "x" * 200])
    def test_a_secret_that_the_other_system_made(self, api: FlaskClient, stack: Stack, secret: str) -> None:
        one = made(api, secret=secret)
        assert one["secret"] == secret
        assert stored(send(stack, one, ADA))
        changed = api.patch(f"/v1/inbound/{one['id']}", json={"secret": "another one"}).get_json()
        assert "secret" not in changed
        assert changed["old_secret_until"]
        assert stored(send(stack, one, ADA, "another one"))
        assert stored(send(stack, one, ADA)), "for a day more"
        problem(send(stack, one, ADA, secret[:-1]), 401, "arrival_refused")

    @pytest.mark.parametrize(
        ("way", "header"),
        [
            ({}, "558c5ab3be6843daf6918234c2d93fb821348d0d9f5ef825f745ca5005f834ea"),
            ({"algorithm": "sha1"}, "d49deb91d76b20bc94de3bc1f1a1fc7fbdf7a716"),
            (
                {"algorithm": "sha512", "encoding": "base64"},
                "qaDv+n/mZ8gmFoAzSjd+tBY92Zf38Q/Hz3ZgvaiouW7/GK76psA+AYJ7hriKksAms7xTnlY+ECW/KiKbixWB9A==",
            ),
        ],
    )
    def test_a_way_of_signing_that_was_agreed_on(
        self, api: FlaskClient, stack: Stack, way: dict[str, str], header: str
    ) -> None:
        one = made(api, secret="module-secret", signature={"header": "X-Module-Hmac", **way})
        assert one["signature"] == {"header": "x-module-hmac", "algorithm": "sha256", "encoding": "hex", **way}
        body, client = b'{"email":"ada@example.com"}', stack.client(None)
        asked: Any = {"data": body, "content_type": "application/json"}
        for value in (header, f"{one['signature']['algorithm']}={header}"):
            assert stored(client.post(path(one), headers={"X-Module-Hmac": value}, **asked))
        for wrong in ("", header[:-1], header.upper(), f"sha3={header}"):
            problem(client.post(path(one), headers={"X-Module-Hmac": wrong}, **asked), 401, "arrival_refused")
        problem(send(stack, one, body), 401, "arrival_refused")
        unsigned = client.post(path(one), query_string={"key": "module-secret"}, **asked)
        problem(unsigned, 401, "arrival_refused")
        assert api.patch(f"/v1/inbound/{one['id']}", json={"signature": None}).get_json()["signature"] is None
        assert stored(send(stack, one, body))

    def test_a_rotation_that_comes_again_rotates_nothing(self, api: FlaskClient) -> None:
        one = made(api)
        first = api.post(f"/v1/inbound/{one['id']}/rotate", headers=ONCE)
        again = api.post(f"/v1/inbound/{one['id']}/rotate", headers=ONCE)
        assert again.get_json()["secret"] == first.get_json()["secret"]

    def test_secrets_come_under_a_newer_secret_key(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api, credential="ntn_credential")
        vault = stack.services.vault
        old = vault._keys()[0]
        with stack.services.ledger.read() as connection:
            sealed = ledger_inbounds.every(connection)[0]
        newer = Vault(["A" * 43 + "=", "B" * 43 + "="])
        newer._fernets.append(old)
        resealing.reseal_the_rest(stack.services.ledger, newer)
        only = Vault(["A" * 43 + "="])
        with stack.services.ledger.read() as connection:
            after = ledger_inbounds.every(connection)[0]
        assert after.secret_sealed != sealed.secret_sealed
        assert only.open(after.secret_sealed) == one["secret"]
        assert only.open(after.credential_sealed or b"") == "ntn_credential"
        resealing.reseal_the_rest(stack.services.ledger, vault)  # what it cannot open stays as it is


class TestReceiving:
    """POST /in/{source}/{inbound_id}"""

    def test_it_is_on_disk_and_answered_before_it_is_read(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api)
        body = b'{"email": "ada@example.com",   "first_name": "Ada"}'
        assert stored(send(stack, one, body))
        assert (row_of(stack).body, stack.count()) == (body, 0)
        assert took_in(stack) == 1
        row = row_of(stack)
        assert (row.body, row.outcome, stack.count()) == (None, "accepted", 1)
        assert ended(api, row.record_id)["status"] == "created"

    def test_a_person_that_is_known_is_told_as_unchanged(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api)
        for _ in range(2):
            assert stored(send(stack, one, ADA))
            took_in(stack)
            ended(api, arrivals_of(api, one)[0]["outcome_id"])
        assert outcomes_of(api, one) == ["accepted", "accepted"]
        assert ended(api, arrivals_of(api, one)[0]["outcome_id"])["status"] == "unchanged"

    @pytest.mark.parametrize(
        ("sent", "content_type", "outcome"),
        [
            ({"first_name": "Nobody"}, "application/json", "email_missing"),
            ({"email": "nonsense"}, "application/json", "email_invalid"),
            (b"{", "application/json", "body_not_json"),
            (b"\xff\xfe\x00", "text/plain", "body_not_utf8"),
            (b"42", "application/json", "body_not_records"),
            (b"", "application/json", "content_missing"),
            (b'{"a": NaN}', "application/json", "body_bad_number"),
            (b"[" * 60 + b"]" * 60, "application/json", "body_too_deep"),
            ([], "application/json", "no_records"),
        ],
    )
    def test_what_is_rejected_or_cannot_be_read_is_answered_as_stored(
        self, api: FlaskClient, stack: Stack, sent: Any, content_type: str, outcome: str
    ) -> None:
        one = made(api)
        assert stored(send(stack, one, sent, content_type=content_type))
        assert took_in(stack) == 1
        assert outcomes_of(api, one) == [outcome]
        assert took_in(stack) == 0, "it is not tried again"

    def test_what_cannot_be_read_keeps_its_body(self, api: FlaskClient, stack: Stack) -> None:
        send(stack, made(api), b"{")
        took_in(stack)
        assert row_of(stack).body == b"{"

    def test_several_records_become_an_import(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api)
        people = [{"email": f"p{number}@example.com"} for number in range(3)]
        assert stored(send(stack, one, people))
        took_in(stack)
        arrival = arrivals_of(api, one)[0]
        assert (arrival["outcome"], arrival["outcome_id"]) == ("accepted", None)
        assert finished(api, arrival["import_id"])["totals"]["created"] == 3

    def test_lines_and_forms_are_read_too(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api)
        lines = b'{"email": "a@example.com"}\n\n{"email": "b@example.com"}\n'
        assert stored(send(stack, one, lines, content_type="application/x-ndjson"))
        form = b"email=c%40example.com&first_name=C"
        assert stored(send(stack, one, form, content_type="application/x-www-form-urlencoded"))
        part = b'--X-y\r\nContent-Disposition: form-data; name="email"\r\n\r\nd@example.com\r\n--X-y--\r\n'
        assert stored(send(stack, one, part, content_type="multipart/form-data; boundary=X-y"))
        took_in(stack)
        assert outcomes_of(api, one) == ["accepted"] * 3
        assert stack.count() == 4

    def test_it_is_read_as_the_address_says(self, api: FlaskClient, stack: Stack) -> None:
        one = made(
            api, mapping={"email": "Courriel", "phone": ["Mobile"]}, country="FR", mode="create", unmapped="data"
        )
        assert stored(send(stack, one, {"Courriel": "ada@example.com", "Mobile": "06 39 98 55 55", "Plan": "pro"}))
        took_in(stack)
        told = ended(api, arrivals_of(api, one)[0]["outcome_id"])
        assert told["contact"]["phone"] == "+33639985555"
        assert told["contact"]["data"] == {"Plan": "pro"}
        assert (told["mode"], told["source"]) == ("create", "generic")

    def test_a_mapping_that_finds_nothing_is_noted(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api, mapping={"phone": "Mobile"})
        assert stored(send(stack, one, ADA))
        took_in(stack)
        assert outcomes_of(api, one) == ["accepted"]

    def test_a_reported_deletion_deletes_nothing(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api)
        assert stored(send(stack, one, {**ADA, "deleted": True}))
        took_in(stack)
        told = api.get(f"/v1/outcomes/{arrivals_of(api, one)[0]['outcome_id']}").get_json()
        assert (told["status"], [each["code"] for each in told["notes"]]) == ("unchanged", ["delete_reported"])

    def test_gzip_is_inflated_before_it_is_proved(self, api: FlaskClient, stack: Stack) -> None:
        one, body = made(api), body_of(ADA)
        headers = {"X-Connector-Signature": signature(body, one["secret"]), "Content-Encoding": "gzip"}
        assert stored(stack.client(None).post(path(one), data=gzip.compress(body), headers=headers))
        assert row_of(stack).body == body

    def test_limits_are_the_same_for_everybody(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api)
        for where in (path(one), "/in/generic/nobody"):
            problem(stack.client(None).post(where, data=b" " * 10_000_001), 413, "body_too_large")
            bomb = gzip.compress(b" " * 10_000_001)
            headers = {"Content-Encoding": "gzip"}
            problem(stack.client(None).post(where, data=bomb, headers=headers), 413, "body_too_large")
            problem(stack.client(None).post(where, data=b"no gzip", headers=headers), 400, "body_bad_encoding")
        assert stored(send(stack, one, b" " * 9_999_998 + b"{}"))

    def test_who_only_looks_is_answered_with_nothing(self, api: FlaskClient, stack: Stack) -> None:
        for where in (path(made(api)), "/in/generic/nobody", "/in/fax/nobody"):
            for ask in (stack.client(None).get, stack.client(None).head):
                answer = ask(where)
                assert (answer.status_code, answer.get_data()) == (200, b"")

    def test_without_a_database_it_is_not_answered_as_stored(
        self, api: FlaskClient, stack: Stack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one = made(api)
        monkeypatch.setattr(ledger_arrivals, "add", _away)
        answer = send(stack, one, ADA)
        problem(answer, 503, "database_unavailable")
        assert answer.headers["Retry-After"] == "5"

    def test_without_the_secret_key_the_sender_may_try_again(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api)
        with stack.services.ledger.write() as connection:
            connection.execute(update(inbounds).values(secret_sealed=b"sealed by a key that is lost"))
        answer = send(stack, one, ADA)
        problem(answer, 503, "arrival_unreadable")
        assert answer.headers["Retry-After"] == "60"
        assert count(stack) == 0


def _away(*_: Any, **__: Any) -> Any:
    raise OperationalError("", {}, Exception())


class TestComingTwice:
    """Senders send again what they think was lost."""

    @pytest.mark.parametrize(
        "source", ["generic", "google_sheets", "dynamics", "notion", "hubspot", "pipedrive", "zoho"]
    )
    def test_the_same_event_is_kept_once(self, api: FlaskClient, stack: Stack, source: str) -> None:
        one = made(api, source)
        headers = {"Webhook-Id": "msg_1"}
        assert stored(send(stack, one, ADA, headers=headers))
        assert stored(send(stack, one, ADA, headers=headers))
        assert count(stack) == 1
        assert stored(send(stack, one, ADA, headers={"Webhook-Id": "msg_2"}))
        assert count(stack) == 2

    @pytest.mark.parametrize(
        ("source", "value"),
        [
            ("generic", {**ADA, "event_id": "e1"}),
            ("notion", sample("notion", "webhook_event_page_created")),
            ("notion", sample("notion", "automation_webhook")),
            ("dynamics", {"RequestId": "6f2b4a1e-0000-4000-8000-5a4d0b0c0001"}),
        ],
    )
    def test_the_id_may_be_in_the_body(self, api: FlaskClient, stack: Stack, source: str, value: Any) -> None:
        one = made(api, source)
        for _ in range(2):
            assert stored(send(stack, one, value))
        assert count(stack) == 1

    @pytest.mark.parametrize(
        ("name", "again"),
        [
            ("webhook_event_page_created", {"attempt_number": 2}),
            ("automation_webhook", {"source": {**sample("notion", "automation_webhook")["source"], "attempt": 2}}),
        ],
    )
    def test_notion_counts_its_tries_and_it_is_one_event(
        self, api: FlaskClient, stack: Stack, name: str, again: Any
    ) -> None:
        one, value = made(api, "notion"), sample("notion", name)
        assert value != {**value, **again}
        for each in (value, {**value, **again}):
            assert stored(send(stack, one, each))
        assert count(stack) == 1

    @pytest.mark.parametrize("other", [{"data": {"object": "page", "id": "p2"}}, {"source": {"action_id": "a2"}}])
    def test_of_an_automation_each_page_and_action_is_by_itself(
        self, api: FlaskClient, stack: Stack, other: dict[str, Any]
    ) -> None:
        one, value = made(api, "notion"), sample("notion", "automation_webhook")
        for each in (value, {**value, **{key: {**value[key], **changed} for key, changed in other.items()}}):
            assert stored(send(stack, one, each))
        assert count(stack) == 2

    @pytest.mark.parametrize(
        ("source", "value"),
        [
            ("generic", {**ADA, "event_id": "e1"}),
            ("google_sheets", {**SHEET, "values": ["ada@example.com", "Ada"], "event": {"id": "e1"}}),
        ],
    )
    def test_another_id_in_a_header_makes_no_other_event_of_what_is_signed(
        self, api: FlaskClient, stack: Stack, source: str, value: Any
    ) -> None:
        one = made(api, source)
        for event_id in ("msg_1", "msg_2"):
            assert stored(send(stack, one, value, headers={"Webhook-Id": event_id}))
        assert count(stack) == 1

    def test_an_event_that_many_come_to_has_one_id(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api)
        for email in ("ada@example.com", "bob@example.com"):
            assert stored(send(stack, one, {"email": email, "event_id": "the summer party"}))
        assert count(stack) == 2

    @pytest.mark.parametrize(
        ("source", "value"),
        [
            ("generic", ADA),
            ("dynamics", {"OperationId": "00000000-0000-0000-0000-000000000000"}),
            ("generic", b"{"),
        ],
    )
    def test_without_an_id_the_same_again_may_be_news(
        self, api: FlaskClient, stack: Stack, source: str, value: Any
    ) -> None:
        one = made(api, source)
        for _ in range(2):
            assert stored(send(stack, one, value))
        assert count(stack) == 2

    def test_it_is_known_at_its_address_for_a_day(self, api: FlaskClient, stack: Stack) -> None:
        one, other, value = made(api), made(api), {**ADA, "event_id": "e1"}
        send(stack, one, value)
        send(stack, other, value)
        assert count(stack) == 2
        with stack.services.ledger.write() as connection:
            connection.execute(update(arrivals).values(received_at=arrivals.c.received_at - 86_400_001))
        send(stack, one, value)
        assert count(stack) == 3

    def test_what_was_accepted_before_a_process_died_is_accepted_once(self, api: FlaskClient, stack: Stack) -> None:
        one = made(api)
        send(stack, one, ADA)
        services = stack.services
        with services.ledger.write() as connection:
            arrival = ledger_arrivals.claim(connection, services.courier.clock(), 0, "x")
            address = ledger_inbounds.get(connection, stack.tenant.id, one["id"])
        assert arrival is not None
        assert address is not None
        first = taking.take_in(services, address, arrival)
        assert took_in(stack) == 1, "nobody had ended it"
        assert (stack.count(), row_of(stack).record_id) == (1, first.record_id)


def claimed(stack: Stack, holder: str) -> Any:
    """What a process of this name takes in hand, for a second."""
    now = stack.services.courier.clock()
    with stack.services.ledger.write() as connection:
        return ledger_arrivals.claim(connection, now, now + 1_000, holder)


def dead_name() -> str:
    """The name of a process that is no more."""
    told = "from connector.alive import own_name; print(own_name())"
    return subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout.strip()


class TestTakingIn:
    """The runner."""

    def test_it_takes_in_what_it_is_kicked_for_and_what_it_finds(
        self, api: FlaskClient, stack: Stack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Without a second look, which would be a minute after the first."""
        one, runs = made(api), stack.services.arrivals
        monkeypatch.setattr(runs, "_look", 60.0)
        monkeypatch.setattr(runs, "_look_at", 0.0)
        send(stack, one, ADA)
        runs.start()
        try:
            assert until(lambda: outcomes_of(api, one) == ["accepted"])
            send(stack, one, {"email": "bob@example.com"})
            assert until(lambda: outcomes_of(api, one) == ["accepted", "accepted"])
        finally:
            runs.stop()

    def test_one_arrival_is_in_one_hand(self, api: FlaskClient, stack: Stack) -> None:
        send(stack, made(api), ADA)
        now, ledger = stack.services.courier.clock(), stack.services.ledger
        with ledger.write() as connection:
            first = ledger_arrivals.claim(connection, now, now + 1000, "x")
        assert first is not None
        with ledger.write() as connection:
            assert ledger_arrivals.claim(connection, now, now + 1000, "y") is None
            late = ledger_arrivals.claim(connection, now + 1000, now + 2000, "y")
            assert late is not None
            assert not ledger_arrivals.finish(connection, first, "accepted"), "it was too late"
            assert ledger_arrivals.finish(connection, late, "accepted")

    def test_of_one_address_one_thing_is_in_hand(self, api: FlaskClient, stack: Stack) -> None:
        one, other = made(api), made(api)
        for each in (one, one, other):
            send(stack, each, ADA)
        found = [claimed(stack, holder) for holder in ("x", "y", "z")]
        assert [each and each.inbound_id for each in found] == [one["id"], other["id"], None]
        with stack.services.ledger.write() as connection:
            assert found[0] is not None
            ledger_arrivals.finish(connection, found[0], "accepted")
        assert claimed(stack, "z") is not None

    def test_what_who_died_had_in_hand_comes_first_and_at_once(self, api: FlaskClient, stack: Stack) -> None:
        one, dead = made(api), dead_name()
        send(stack, one, ADA)
        send(stack, one, {"email": "bob@example.com"})
        first = claimed(stack, dead)
        again = claimed(stack, own_name())
        assert first is not None
        assert again is not None
        assert (again.id, again.attempts) == (first.id, 2)

    def test_what_nobody_survives_ends_with_that_as_its_reason(self, api: FlaskClient, stack: Stack) -> None:
        """It is not tried for ever; what came after it is taken in."""
        one, dead = made(api), dead_name()
        send(stack, one, ADA)
        for number in range(1, 7):
            died_with = claimed(stack, dead)
            assert died_with is not None
            assert (died_with.attempts, row_of(stack).outcome) == (number, None)
            with stack.services.ledger.write() as connection:  # the term is over
                connection.execute(update(arrivals).where(arrivals.c.id == died_with.id).values(due_at=0))
        send(stack, one, {"email": "bob@example.com"})
        assert took_in(stack) == 2
        assert outcomes_of(api, one) == ["accepted", "arrival_deadly"]
        with stack.services.ledger.read() as connection:
            kept = select(arrivals.c.body, arrivals.c.due_at).order_by(arrivals.c.id)
            assert connection.execute(kept).first() == (body_of(ADA), None)
        assert [each["email"] for each in api.get("/v1/outcomes").get_json()] == ["bob@example.com"]

    def test_who_dies_of_it_while_a_person_in_it_is_erased_has_died_of_it(self, api: FlaskClient, stack: Stack) -> None:
        """An erasure takes it whoever has it in hand; one that was asked for by a source is tried for ever."""
        one, now, dead = made(api), stack.services.courier.clock(), dead_name()
        send(stack, one, ADA)
        its_id = row_of(stack).id
        for _ in range(6):
            with stack.services.ledger.write() as connection:
                assert ledger_arrivals.take_over(connection, its_id, now, now + 1_000, dead) is not None
        assert api.delete("/v1/contacts/ada@example.com").get_json()["arrivals"] == 1
        assert (outcomes_of(api, one), row_of(stack).body) == (["contact_erased"], None)
        assert stack.count() == 0, "it was not taken in"

    @pytest.mark.parametrize(("is_dead", "pause", "losses"), [(True, 0, 10), (False, 0, 0), (False, 500, 10)])
    def test_who_lives_and_has_it_taken_away_by_erasures_has_not_died_of_it(
        self, api: FlaskClient, stack: Stack, is_dead: bool, pause: int, losses: int
    ) -> None:
        """Ten people of one notification may be erased at the same time. Who is silent for half a term is lost."""
        send(stack, made(api), ADA)
        its_id, now, holder = row_of(stack).id, stack.services.courier.clock(), dead_name() if is_dead else own_name()
        for number in range(11):
            with stack.services.ledger.write() as connection:
                came = now + number * pause
                taken = ledger_arrivals.take_over(connection, its_id, came, came + 1_000, holder)
        assert taken is not None
        assert ledger_arrivals.losses(taken) == losses

    @pytest.mark.parametrize("ours", [True, False])
    def test_what_one_survives_is_not_what_kills(
        self, api: FlaskClient, stack: Stack, monkeypatch: pytest.MonkeyPatch, ours: bool
    ) -> None:
        """Whose trouble it was: ours is waited for with the arrival in hand."""
        one, dead = made(api), dead_name()
        send(stack, one, ADA)

        def unreachable(*_: Any, **__: Any) -> Any:
            raise Problem("source_unreachable", source="HubSpot")

        def due() -> None:
            with stack.services.ledger.write() as connection:
                connection.execute(update(arrivals).values(due_at=0))

        for _ in range(3):
            for _ in range(3):
                assert claimed(stack, dead) is not None
                due()
            with monkeypatch.context() as broken, suppress(OperationalError):
                broken.setattr(runner, "take_in", _away if ours else unreachable)
                Arrivals(stack.services).run_one()
            due()
        assert took_in(stack) == 1
        assert outcomes_of(api, one) == ["accepted"]

    def test_two_processes_take_what_comes_to_an_address_one_by_one(
        self, api: FlaskClient, stack: Stack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In the order in which it came."""
        one, taken, inside = made(api), list[str](), list[str]()
        for number in range(12):
            send(stack, one, {"email": f"p{number}@example.com"})

        def watched(needs: Any, address: Any, arrival: Any, *args: Any, **how: Any) -> Any:
            inside.append(arrival.id)
            assert inside == [arrival.id], "two at once"
            taken.append(arrival.id)
            found = taking.take_in(needs, address, arrival, *args, **how)
            inside.remove(arrival.id)
            return found

        monkeypatch.setattr(runner, "take_in", watched)
        processes = [Arrivals(stack.services) for _ in range(2)]
        for each in processes:
            each.start()
        try:
            assert until(lambda: outcomes_of(api, one) == ["accepted"] * 12)
        finally:
            for each in processes:
                each.stop()
        assert taken == sorted(taken)
        assert len(taken) == 12

    def test_our_own_trouble_is_tried_again_with_growing_pauses(
        self, api: FlaskClient, stack: Stack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        send(stack, made(api), ADA)
        runs, clock = Arrivals(stack.services), stack.services.courier.clock
        pauses = []
        with monkeypatch.context() as broken:
            broken.setattr(runner, "take_in", _away)
            for _ in range(3):
                with pytest.raises(OperationalError):
                    runs.run_one()
                pauses.append(row_of(stack).due_at - clock())
                with stack.services.ledger.write() as connection:
                    connection.execute(update(arrivals).values(due_at=0))
        assert [round(pause / 1000) for pause in pauses] == [1, 2, 4]
        assert row_of(stack).body is not None
        assert took_in(stack) == 1
        assert row_of(stack).outcome == "accepted"

    def test_what_came_later_waits_while_our_own_trouble_keeps_what_came_before(
        self, api: FlaskClient, stack: Stack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Both may be about the same person; of another address nothing waits."""
        one, other, runs = made(api), made(api), Arrivals(stack.services)
        for each, name in ((one, "old"), (one, "new"), (other, "else")):
            send(stack, each, {**ADA, "first_name": name})
        with monkeypatch.context() as broken:
            broken.setattr(runner, "take_in", _away)
            with pytest.raises(OperationalError):
                runs.run_one()
        assert (runs.run_one(), runs.run_one()) == (True, False)
        assert outcomes_of(api, other) == ["accepted"]
        with stack.services.ledger.write() as connection:
            connection.execute(update(arrivals).where(arrivals.c.holder.is_not(None)).values(due_at=0))
        assert took_in(stack) == 2
        records = api.get("/v1/outcomes?source=generic").get_json()
        assert [each["contact"]["first_name"] for each in records] == ["new", "old", "else"]

    def test_an_address_that_is_changed_just_now_is_passed_over(
        self, api: FlaskClient, stack: Stack, database: str
    ) -> None:
        """Who waited for it, and had an arrival of it already, would stand in the way of who removes it."""
        if database == "sqlite":
            pytest.skip("SQLite has one writer at a time")
        one, other, dead = made(api), made(api), dead_name()
        send(stack, one, ADA)
        assert claimed(stack, dead) is not None
        send(stack, other, ADA)
        with stack.services.ledger.write() as connection:
            assert ledger_inbounds.locked(connection, one["id"]) is not None
            found = [claimed(stack, own_name()) for _ in range(2)]
            assert [each and each.inbound_id for each in found] == [other["id"], None]
        late = claimed(stack, own_name())
        assert late is not None
        assert late.inbound_id == one["id"]

    def test_it_is_given_up_when_a_record_would_be(
        self, api: FlaskClient, stack: Stack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one = made(api)
        send(stack, one, ADA)
        with stack.services.ledger.write() as connection:
            connection.execute(update(arrivals).values(received_at=0))
        monkeypatch.setattr(runner, "take_in", _away)
        with pytest.raises(OperationalError):
            Arrivals(stack.services).run_one()
        row = row_of(stack)
        assert (row.outcome, row.due_at, row.body) == ("database_unavailable", None, body_of(ADA))

    def test_a_mistake_of_ours_ends_no_thread(
        self, api: FlaskClient, stack: Stack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one, runs = made(api), Arrivals(stack.services, threads=1)
        send(stack, one, ADA)
        tries: list[int] = []

        def first_fails(*args: Any, **how: Any) -> Any:
            tries.append(1)
            if len(tries) == 1:
                raise ZeroDivisionError
            return taking.take_in(*args, **how)

        monkeypatch.setattr(runner, "take_in", first_fails)
        runs.start()
        try:
            assert until(lambda: outcomes_of(api, one) == ["accepted"])
        finally:
            runs.stop()

    def test_old_arrivals_go(self, api: FlaskClient, stack: Stack) -> None:
        one, runs = made(api), Arrivals(stack.services)
        send(stack, one, ADA)
        later = stack.services.courier.clock() + 31 * 86_400_000
        assert runs.tidy(later) == 0, "what is not taken in yet stays"
        took_in(stack)
        assert runs.tidy(later - 2 * 86_400_000) == 0
        assert runs.tidy(later) == 1
        assert count(stack) == 0

    def test_who_is_named_in_what_came_alone_was_known(self, api: FlaskClient, stack: Stack) -> None:
        send(stack, made(api), b'{"email": "ada@example.com", ')
        took_in(stack)
        told = api.delete("/v1/contacts/ada@example.com").get_json()
        assert (told["erased"], told["in_crisp"], told["arrivals"]) == (True, False, 1)
        assert row_of(stack).body is None
        problem(api.delete("/v1/contacts/ada@example.com"), 404, "contact_missing")


class TestScript:
    """The Apps Script that users paste. tests/platforms runs it."""

    def test_it_is_that_of_the_package_with_the_address_in_it(self, api: FlaskClient) -> None:
        one = made(api, "google_sheets")
        answer = api.get(f"/v1/inbound/{one['id']}/script")
        assert answer.mimetype == "text/plain"
        text = answer.get_data(as_text=True)
        assert text == google_sheets.script(one["url"])
        assert text.count(f"const ADDRESS = {json.dumps(one['url'])};\n") == 1

    def test_the_secret_is_not_in_it(self, api: FlaskClient) -> None:
        one = made(api, "google_sheets")
        assert one["secret"] not in api.get(f"/v1/inbound/{one['id']}/script").get_data(as_text=True)

    def test_other_sources_have_none(self, api: FlaskClient) -> None:
        problem(api.get(f"/v1/inbound/{made(api)['id']}/script"), 422, "script_unsupported")


def test_the_refusal_says_nothing(api: FlaskClient, stack: Stack) -> None:
    one = made(api)
    answers = [
        stack.client(None).post(where, data=b"{}", headers=ONE_ID)
        for where in (path(one), "/in/generic/nobody", f"/in/notion/{one['id']}", "/in/fax/x")
    ]
    assert {(each.status_code, each.get_data()) for each in answers} == {(401, answers[0].get_data())}
