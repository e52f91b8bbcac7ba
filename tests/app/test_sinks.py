"""Sinks over HTTP: added, shown without their credential, changed, looked at and deleted."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update

from connector.hooks.egress import Answer, Egress
from connector.ledger import deliveries as telling
from connector.ledger import sinks as stored
from connector.ledger.tables import deliveries, metadata, sinks
from connector.sandbox.sheets import SPREADSHEET
from connector.sinks import opened
from tests.app.stack import DATABASES, WEBSITE, Stack, problem
from tests.sinks.google import CLIENT_EMAIL, REFRESH_TOKEN, Google, google, service_account, told

pytestmark = pytest.mark.parametrize("database", DATABASES, indirect=True)

URL = f"https://docs.google.com/spreadsheets/d/{SPREADSHEET}/edit#gid=0"
EVENTS = ["contact_created", "conversation_data_changed"]
NOWHERE = "0" * 32
EVENT: dict[str, Any] = {"event_id": NOWHERE, "event": "contact_created", "own": False, "who": "", "now": 1_000}


@pytest.fixture(scope="module")
def standing_in() -> Iterator[Google]:
    with google() as found:
        yield found


@pytest.fixture(scope="module")
def settings(standing_in: Google) -> dict[str, Any]:
    return {"google_api_url": standing_in.url}


@pytest.fixture(autouse=True)
def sheets(stack: Stack, standing_in: Google) -> Google:
    """Nobody writes anywhere, and the sheet is empty."""
    with stack.services.ledger.write() as connection:
        connection.execute(delete(sinks))
    standing_in.switch(reset=True)
    return standing_in


def body(**more: Any) -> dict[str, Any]:
    given = {"options": {"spreadsheet": URL, **more.pop("options", {})}}
    common = {"kind": "google_sheets", "events": EVENTS, "credential": json.loads(service_account())}
    return {**common, **given, **more}


def added(api: FlaskClient, **more: Any) -> dict[str, Any]:
    answer = api.post("/v1/sinks", json=body(**more))
    assert answer.status_code == 201, answer.get_json()
    made: dict[str, Any] = answer.get_json()
    return made


def everything(stack: Stack) -> str:
    with stack.services.ledger.read() as connection:
        return repr([list(connection.execute(select(table))) for table in metadata.sorted_tables])


class TestAdding:
    """POST /v1/sinks."""

    def test_it_is_stored_and_shown(self, api: FlaskClient) -> None:
        made = added(api, label="Our contacts", options={"mode": "upsert"})
        assert made == {
            "id": made["id"],
            "kind": "google_sheets",
            "label": "Our contacts",
            "events": EVENTS,
            "options": {
                "spreadsheet": SPREADSHEET,
                "sheet": None,
                "mode": "upsert",
                "key_column": None,
                "columns": [],
            },
            "enabled": True,
            "disabled_reason": None,
            "disabled_at": None,
            "failing_since": None,
            "failing_reason": None,
            "created_at": made["created_at"],
        }
        assert api.get(f"/v1/sinks/{made['id']}").get_json() == made
        assert api.get("/v1/sinks").get_json() == [made]

    def test_nothing_is_asked_of_google(self, api: FlaskClient, sheets: Google) -> None:
        added(api)
        assert sheets.calls() == {}

    def test_without_a_label_it_is_called_as_its_kind(self, api: FlaskClient) -> None:
        assert added(api)["label"] == "Google Sheets"

    @pytest.mark.parametrize("credential", [REFRESH_TOKEN, service_account()], ids=["object", "text"])
    def test_a_credential_may_be_an_object_or_text(self, api: FlaskClient, credential: Any) -> None:
        added(api, credential=credential)

    def test_the_credential_is_sealed_and_never_shown(self, api: FlaskClient, stack: Stack) -> None:
        made = added(api, credential=REFRESH_TOKEN)
        api.patch(f"/v1/sinks/{made['id']}", json={"credential": json.loads(service_account())})
        for answer in (api.get("/v1/sinks"), api.get(f"/v1/sinks/{made['id']}")):
            assert "PRIVATE KEY" not in answer.get_data(as_text=True)
        kept = everything(stack)
        assert "PRIVATE KEY" not in kept
        assert REFRESH_TOKEN["client_secret"] not in kept

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"kind": "excel"}, "kind"),
            ({"kind": None}, "kind"),
            ({"label": "a\nb"}, "label"),
            ({"label": ""}, "label"),
            ({"events": []}, "events"),
            ({"events": "contact_created"}, "events"),
            ({"events": ["contact_removed"]}, "events.0"),
            ({"events": [None]}, "events.0"),
            ({"options": []}, "options"),
            ({"options": {"spreadsheet": "mine"}}, "options.spreadsheet"),
            ({"options": {"spreadsheet": SPREADSHEET, "sheet": "a\0"}}, "options.sheet"),
            ({"options": {"spreadsheet": SPREADSHEET, "color": 1}}, "options.color"),
            ({"credential": ""}, "credential"),
            ({"credential": []}, "credential"),
            ({"credential": {"type": "service_account"}}, "credential"),
            ({"credential": "hunter2-secret"}, "credential"),
            ({"enabled": True}, "enabled"),
        ],
    )
    def test_what_makes_no_sense_is_named_and_not_stored(
        self, api: FlaskClient, wrong: dict[str, Any], field: str
    ) -> None:
        told = problem(api.post("/v1/sinks", json={**body(), **wrong}), 422, "parameter_invalid")
        assert [each["field"] for each in told["errors"]] == [field]
        assert "hunter2" not in json.dumps(told)
        assert api.get("/v1/sinks").get_json() == []

    @pytest.mark.parametrize("missing", ["kind", "events", "options", "credential"])
    def test_what_is_needed_is_named(self, api: FlaskClient, missing: str) -> None:
        sent = {name: value for name, value in body().items() if name != missing}
        told = problem(api.post("/v1/sinks", json=sent), 422, "parameter_invalid")
        assert [each["field"] for each in told["errors"]] == [missing]

    def test_sent_again_it_is_one(self, api: FlaskClient) -> None:
        first, again = (api.post("/v1/sinks", json=body(), headers={"Idempotency-Key": "k"}) for _ in range(2))
        assert (first.get_json(), again.status_code) == (again.get_json(), 201)
        assert len(api.get("/v1/sinks").get_json()) == 1
        other = api.post("/v1/sinks", json=body(label="x"), headers={"Idempotency-Key": "k"})
        problem(other, 409, "idempotency_mismatch")


class TestChanging:
    """PATCH /v1/sinks/ID."""

    def test_what_is_not_said_stays(self, api: FlaskClient) -> None:
        made = added(api, label="One", options={"sheet": "Leads"})
        changed = api.patch(f"/v1/sinks/{made['id']}", json={"options": {"mode": "upsert"}}).get_json()
        assert changed == {**made, "options": {**made["options"], "mode": "upsert"}}
        back = api.patch(f"/v1/sinks/{made['id']}", json={"label": "Two", "options": {"sheet": None, "mode": None}})
        expected = {**made, "label": "Two", "options": {**made["options"], "sheet": None}}
        assert back.get_json() == expected == api.get(f"/v1/sinks/{made['id']}").get_json()

    def test_other_events(self, api: FlaskClient) -> None:
        made = added(api)
        changed = api.patch(f"/v1/sinks/{made['id']}", json={"events": ["contact_updated"] * 2}).get_json()
        assert changed["events"] == ["contact_updated"]

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"options": {"mode": "x"}}, "options.mode"),
            ({"options": {"spreadsheet": None}}, "options.spreadsheet"),
            ({"events": []}, "events"),
            ({"credential": {}}, "credential"),
            ({"kind": "google_sheets"}, "kind"),
            ({"enabled": "perhaps"}, "enabled"),
        ],
    )
    def test_what_makes_no_sense_changes_nothing(self, api: FlaskClient, wrong: dict[str, Any], field: str) -> None:
        made = added(api)
        told = problem(api.patch(f"/v1/sinks/{made['id']}", json=wrong), 422, "parameter_invalid")
        assert [each["field"] for each in told["errors"]] == [field]
        assert api.get(f"/v1/sinks/{made['id']}").get_json() == made

    def test_it_can_be_switched_off_and_on(self, api: FlaskClient) -> None:
        made = added(api)
        off = api.patch(f"/v1/sinks/{made['id']}", json={"enabled": False}).get_json()
        assert (off["enabled"], off["disabled_reason"], off["disabled_at"][-1]) == (False, "switched_off", "Z")
        other = api.patch(f"/v1/sinks/{made['id']}", json={"options": {"mode": "upsert"}}).get_json()
        assert not other["enabled"], "switched off by hand, it stays so"
        assert api.patch(f"/v1/sinks/{made['id']}", json={"enabled": True}).get_json()["enabled"]

    @pytest.mark.parametrize(
        ("change", "enabled"),
        [
            ({"options": {"sheet": "Leads"}}, True),
            ({"credential": REFRESH_TOKEN}, True),
            ({"enabled": True}, True),
            ({"label": "x"}, False),
            ({"events": ["contact_updated"]}, False),
            ({"options": {"sheet": "Leads"}, "enabled": False}, False),
        ],
    )
    def test_what_may_have_put_a_failure_right_enables_it(
        self, api: FlaskClient, stack: Stack, change: dict[str, Any], enabled: bool
    ) -> None:
        made = added(api)
        reason = f"The credential may not edit this sheet. Share the sheet with {CLIENT_EMAIL} as an editor."
        with stack.services.ledger.write() as connection:
            failing = {"failing_since": 1_000, "disabled_at": 2_000, "disabled_reason": reason}
            connection.execute(update(sinks).values(failing))
        shown = api.get(f"/v1/sinks/{made['id']}").get_json()
        assert (shown["disabled_reason"], shown["failing_since"]) == (reason, "1970-01-01T00:00:01Z")
        changed = api.patch(f"/v1/sinks/{made['id']}", json=change).get_json()
        assert (changed["enabled"], changed["failing_since"] is None) == (enabled, enabled)

    @pytest.mark.parametrize(
        ("reason", "words", "notes"),
        [("switched_off", "It was switched off.", 0), ("The spreadsheet is full.", "The spreadsheet is full.", 1)],
    )
    def test_what_is_disabled_says_so_to_who_replays_and_a_failure_to_everybody(
        self, api: FlaskClient, stack: Stack, reason: str, words: str, notes: int
    ) -> None:
        made = added(api)
        with stack.services.ledger.write() as connection:
            telling.tell(connection, WEBSITE, payload={}, **EVENT)
            connection.execute(update(deliveries).values(status="dead"))
            connection.execute(update(sinks).values(disabled_at=2_000, disabled_reason=reason))
        [told] = api.get("/v1/deliveries").get_json()
        told = problem(api.post(f"/v1/deliveries/{told['id']}/replay"), 409, "sink_disabled")
        assert words in told["message"]
        noted = api.get("/v1/me").get_json()["notes"]
        assert [(each["code"], each["path"]) for each in noted] == [("sink_disabled", made["id"])] * notes

    def test_why_nothing_is_written_is_told_while_it_fails(self, api: FlaskClient, stack: Stack) -> None:
        made = added(api)
        trail = [{"at": 1, "reason": "It was busy.", "ms": 1}, {"at": 2, "reason": "The spreadsheet is full.", "ms": 1}]
        with stack.services.ledger.write() as connection:
            telling.tell(connection, WEBSITE, payload={}, **EVENT)
            connection.execute(update(deliveries).where(deliveries.c.sink_id == made["id"]).values(trail=trail))
            connection.execute(update(sinks).values(failing_since=1_000))
        assert api.get(f"/v1/sinks/{made['id']}").get_json()["failing_reason"] == "The spreadsheet is full."
        assert api.patch(f"/v1/sinks/{made['id']}", json={"enabled": True}).get_json()["failing_reason"] is None


class TestLooking:
    """POST /v1/sinks/ID/test."""

    def test_the_header_row_is_shown_and_nothing_written(self, api: FlaskClient, sheets: Google) -> None:
        sheets.fill(["E-mail", "Prénom", "Shoe size"])
        made = added(api, options={"mode": "upsert"})
        answer = api.post(f"/v1/sinks/{made['id']}/test")
        assert (answer.status_code, answer.get_json()["header"]) == (200, ["E-mail", "Prénom", "Shoe size"])
        assert answer.get_json()["key_column"] == "E-mail"
        assert set(sheets.calls()) == {"token", "batchGet"}

    def test_what_has_to_be_done_is_told(self, api: FlaskClient, sheets: Google) -> None:
        made = added(api)
        sheets.switch(shared=False)
        told = problem(api.post(f"/v1/sinks/{made['id']}/test"), 422, "sink_broken")
        assert f"Share the sheet with {CLIENT_EMAIL} as an editor." in told["message"]

    def test_what_passes_is_told_with_its_pause(self, api: FlaskClient, sheets: Google) -> None:
        made = added(api)
        sheets.fail(429, retry_after="7")
        answer = api.post(f"/v1/sinks/{made['id']}/test")
        problem(answer, 502, "sink_unreachable")
        assert answer.headers["Retry-After"] == "7"

    def test_a_token_address_inside_the_network_is_not_contacted(self, api: FlaskClient, sheets: Google) -> None:
        made = added(api, credential={**REFRESH_TOKEN, "token_uri": f"{sheets.url}/token"})
        told = problem(api.post(f"/v1/sinks/{made['id']}/test"), 422, "sink_broken")
        assert "must not be contacted" in told["message"]
        assert sheets.calls() == {}

    @pytest.mark.parametrize("status", [200, 400])
    @pytest.mark.parametrize(
        "said", [b"ok", b"[]", b"7", b"\xff", b'{"access_token": 7}', b'{"access_token": "t", "expires_in": "soon"}']
    )
    def test_whatever_a_token_address_says_is_told_clearly(
        self, api: FlaskClient, monkeypatch: pytest.MonkeyPatch, said: bytes, status: int
    ) -> None:
        made = added(api, credential={**REFRESH_TOKEN, "token_uri": "https://tokens.example.com/"})
        monkeypatch.setattr(Egress, "post", lambda *_, **__: Answer(status, {}, said))
        told = problem(api.post(f"/v1/sinks/{made['id']}/test"), 422, "sink_broken")
        assert "credential" in told["message"]

    def test_a_credential_that_no_key_opens_is_asked_for_again(self, api: FlaskClient, stack: Stack) -> None:
        made = added(api)
        with stack.services.ledger.write() as connection:
            connection.execute(update(sinks).values(credential_sealed=b"sealed by another"))
        for answer in (
            api.post(f"/v1/sinks/{made['id']}/test"),
            api.patch(f"/v1/sinks/{made['id']}", json={"options": {"mode": "upsert"}}),
        ):
            assert "Give the credential again" in problem(answer, 422, "sink_broken")["message"]
        api.patch(f"/v1/sinks/{made['id']}", json={"credential": REFRESH_TOKEN})
        assert api.post(f"/v1/sinks/{made['id']}/test").status_code == 200


class TestDeleting:
    """DELETE /v1/sinks/ID."""

    def test_it_is_gone(self, api: FlaskClient) -> None:
        made = added(api)
        answers = [api.delete(f"/v1/sinks/{made['id']}", headers={"Idempotency-Key": "k"}) for _ in range(2)]
        assert [(each.status_code, each.get_json()) for each in answers] == [(200, {"deleted": True})] * 2
        problem(api.delete(f"/v1/sinks/{made['id']}"), 404, "sink_missing")
        assert api.get("/v1/sinks").get_json() == []


class TestWho:
    """Scopes and tenants."""

    def test_a_reader_sees_and_an_admin_changes(self, api: FlaskClient, stack: Stack) -> None:
        made = added(api)
        reader, writer = stack.client(stack.key("read")), stack.client(stack.key("write"))
        assert reader.get("/v1/sinks").get_json() == [made]
        for client in (reader, writer):
            for answer in (
                client.post("/v1/sinks", json=body()),
                client.patch(f"/v1/sinks/{made['id']}", json={"label": "x"}),
                client.delete(f"/v1/sinks/{made['id']}"),
                client.post(f"/v1/sinks/{made['id']}/test"),
            ):
                problem(answer, 403, "scope_missing")

    @pytest.mark.parametrize("whose", ["another", "nobody"])
    def test_anothers_sink_is_not_there(self, api: FlaskClient, stack: Stack, whose: str) -> None:
        made = added(api)
        client, sink = (stack.other_client(), made["id"]) if whose == "another" else (api, NOWHERE)
        for answer in (
            client.get(f"/v1/sinks/{sink}"),
            client.patch(f"/v1/sinks/{sink}", json={"label": "x"}),
            client.delete(f"/v1/sinks/{sink}"),
            client.post(f"/v1/sinks/{sink}/test"),
        ):
            problem(answer, 404, "sink_missing")
        assert api.get("/v1/sinks").get_json() == [made]
        if whose == "another":
            assert client.get("/v1/sinks").get_json() == []


class TestWriting:
    """What delivering does with a sink."""

    def test_what_is_stored_can_be_opened_and_written_to(self, api: FlaskClient, stack: Stack, sheets: Google) -> None:
        made, services = added(api, options={"columns": ["Email", "data.plan"], "mode": "upsert"}), stack.services
        with services.ledger.read() as connection:
            sink = stored.get(connection, WEBSITE, made["id"])
        assert sink is not None
        credential = services.vault.open(sink.credential_sealed)
        place = opened(sink.kind, sink.options, credential, Egress(), services.settings)
        place.write([told(), told(event="conversation_data_changed", conversation={"plan": "pro"})])
        assert sheets.rows() == [["Email", "data.plan"], ["ada@example.com", "pro"]]

    def test_it_can_be_opened_under_a_new_secret_key(self, api: FlaskClient, stack: Stack) -> None:
        made, other = added(api, credential=REFRESH_TOKEN), added(api)
        vault = stack.services.vault

        def renewed(sealed: bytes) -> bytes | None:
            secret = vault.open(sealed)
            return vault.seal(secret) if "client_secret" in secret else None

        with stack.services.ledger.write() as connection:
            before = [each.credential_sealed for each in stored.every(connection, WEBSITE)]
            assert stored.reseal(connection, renewed) == 1
            after = [each.credential_sealed for each in stored.every(connection, WEBSITE)]
        assert [each["id"] for each in api.get("/v1/sinks").get_json()] == [made["id"], other["id"]]
        assert (before[0] != after[0], before[1] == after[1]) == (True, True)
        assert json.loads(vault.open(after[0])) == REFRESH_TOKEN
