"""The connection itself: who am I, its keys, its saved mappings."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, select
from structlog.testing import capture_logs

from connector.ledger.tables import keys
from connector.services import open_services
from tests.app.stack import API_KEY, DATABASES, WEBSITE, Stack, problem

pytestmark = pytest.mark.parametrize("database", DATABASES, indirect=True)


ROWS: dict[str, Any] = {"email": "Courriel pro", "phone": ["Mobile", "Phone"], "data.plan": "Tier"}
SHOWN: dict[str, Any] = {"email": ["Courriel pro"], "phone": ["Mobile", "Phone"], "data.plan": ["Tier"]}


@pytest.fixture
def own_keys(stack: Stack) -> Iterator[None]:
    """What becomes of the environment's key is put right again for the tests that follow."""
    yield
    with stack.services.ledger.write() as connection:
        connection.execute(delete(keys))
    open_services(stack.services.settings).close()


class TestMe:
    """GET /v1/me."""

    def test_names_connection_scopes_and_quota(self, api: FlaskClient, stack: Stack) -> None:
        told = api.get("/v1/me").get_json()
        assert (told["id"], told["website_id"], told["label"], told["tier"]) == (WEBSITE, WEBSITE, WEBSITE, "website")
        assert told["scopes"] == ["read", "write", "admin"]
        assert (told["quota"]["limit"], told["quota"]["used"], told["halted"]) == (10_000, 0, None)
        assert told["quota"]["resets_at"].endswith("T00:00:00Z")
        assert stack.crisp.calls == 0

    def test_counts_what_was_used_today(self, api: FlaskClient, stack: Stack) -> None:
        api.post("/v1/contacts", json={"email": "ada@example.com"})
        assert api.get("/v1/me").get_json()["quota"]["used"] == stack.crisp.calls == 1

    def test_a_read_key_may_ask(self, stack: Stack) -> None:
        assert stack.client(stack.key("read")).get("/v1/me").get_json()["scopes"] == ["read"]


class TestKeys:
    """GET, POST, DELETE /v1/keys."""

    def test_it_is_known_when_a_key_was_last_used(self, api: FlaskClient, stack: Stack) -> None:
        made = api.post("/v1/keys", json={"label": "Zapier"}).get_json()
        assert made["used_at"] is None
        stack.client(made["key"]).get("/v1/me")
        shown = {each["id"]: each for each in api.get("/v1/keys").get_json()}
        assert shown[made["id"]]["used_at"] >= made["created_at"]

    def test_the_secret_is_shown_once(self, api: FlaskClient) -> None:
        answer = api.post("/v1/keys", json={"label": "Zapier", "scopes": ["write", "read"]})
        made = answer.get_json()
        assert answer.status_code == 201
        assert made["key"].startswith("ck_")
        assert (made["label"], made["scopes"], made["revoked_at"]) == ("Zapier", ["read", "write"], None)
        listed = api.get("/v1/keys").get_json()
        assert [each["label"] for each in listed] == ["CONNECTOR_API_KEY", "Zapier"]
        assert all("key" not in each for each in listed)
        assert listed[1] == {name: value for name, value in made.items() if name != "key"}

    def test_the_secret_is_stored_as_a_hash(self, api: FlaskClient, stack: Stack) -> None:
        secret = api.post("/v1/keys", json={}).get_json()["key"]
        with stack.services.ledger.read() as connection:
            rows = [dict(row._mapping) for row in connection.execute(select(keys))]
        assert {row["hash"] for row in rows} == {
            hashlib.sha256(each.encode()).hexdigest() for each in (API_KEY, secret)
        }
        assert secret not in str(rows)
        assert API_KEY not in str(rows)

    def test_the_default_may_write(self, stack: Stack) -> None:
        made = stack.client().post("/v1/keys", json={}).get_json()
        assert (made["scopes"], made["label"]) == (["write"], "")
        assert stack.client(made["key"]).post("/v1/contacts", json={"email": "a@example.com"}).status_code == 200

    @pytest.mark.parametrize(
        ("scope", "may"), [("read", [200, 403, 403]), ("write", [200, 200, 403]), ("admin", [200, 200, 200])]
    )
    def test_a_scope_has_those_below_it(self, stack: Stack, scope: str, may: list[int]) -> None:
        client = stack.client(stack.key(scope))
        asked = [
            client.get("/v1/outcomes"),
            client.post("/v1/contacts", json={"email": "a@example.com"}),
            client.get("/v1/keys"),
        ]
        assert [answer.status_code for answer in asked] == may

    def test_revoked_at_once_and_only_once(self, api: FlaskClient, stack: Stack) -> None:
        made = api.post("/v1/keys", json={"scopes": ["admin"]}).get_json()
        assert api.delete(f"/v1/keys/{made['id']}").get_json() == {"revoked": True}
        problem(stack.client(made["key"]).get("/v1/me"), 401, "key_invalid")
        problem(api.delete(f"/v1/keys/{made['id']}"), 404, "key_unknown")
        assert api.get("/v1/keys").get_json()[1]["revoked_at"].endswith("Z")

    def test_another_connections_key_is_out_of_reach(self, api: FlaskClient, stack: Stack) -> None:
        other = stack.other_client()
        mine = api.get("/v1/keys").get_json()[0]["id"]
        problem(other.delete(f"/v1/keys/{mine}"), 404, "key_unknown")
        assert [each["label"] for each in other.get("/v1/keys").get_json()] == ["another"]
        assert other.get("/v1/me").get_json()["id"] == "another"

    def test_the_environments_key_stays_revoked_at_the_next_start(self, stack: Stack, own_keys: None) -> None:
        first = stack.client().get("/v1/keys").get_json()[0]
        assert stack.client().delete(f"/v1/keys/{first['id']}").status_code == 200
        with capture_logs() as written:
            open_services(stack.services.settings).close()
        problem(stack.client().get("/v1/me"), 401, "key_invalid")
        assert [(each["event"], each["key"]) for each in written] == [("api_key_revoked", first["id"])]
        assert API_KEY not in str(written)
        other = "ck_the-next-key-of-the-environment"
        open_services(replace(stack.services.settings, api_key=other)).close()
        assert stack.client(other).get("/v1/me").status_code == 200


class TestMappings:
    """GET, POST /v1/mappings; GET, PUT, DELETE /v1/mappings/{name}."""

    def test_saved_and_read(self, api: FlaskClient) -> None:
        answer = api.put("/v1/mappings/crm", json=ROWS)
        told = answer.get_json()
        assert (answer.status_code, told["name"], told["mapping"]) == (200, "crm", SHOWN)
        assert api.get("/v1/mappings/crm").get_json() == told
        assert api.get("/v1/mappings").get_json() == [told]

    def test_saved_by_post(self, api: FlaskClient) -> None:
        answer = api.post("/v1/mappings", json={"name": "été", "mapping": ROWS})
        assert (answer.status_code, answer.get_json()["mapping"]) == (201, SHOWN)
        assert api.get("/v1/mappings/été").get_json() == answer.get_json()

    def test_replaced(self, api: FlaskClient) -> None:
        api.put("/v1/mappings/crm", json=ROWS)
        api.put("/v1/mappings/crm", json={"email": "Mail"})
        assert api.get("/v1/mappings/crm").get_json()["mapping"] == {"email": ["Mail"]}
        assert len(api.get("/v1/mappings").get_json()) == 1

    def test_deleted(self, api: FlaskClient) -> None:
        api.put("/v1/mappings/crm", json=ROWS)
        assert api.delete("/v1/mappings/crm").get_json() == {"deleted": True}
        problem(api.get("/v1/mappings/crm"), 404, "mapping_missing")
        problem(api.delete("/v1/mappings/crm"), 404, "mapping_missing")
        assert api.get("/v1/mappings").get_json() == []

    def test_in_the_order_of_their_names(self, api: FlaskClient) -> None:
        for name in ("b", "c", "a"):
            api.put(f"/v1/mappings/{name}", json=ROWS)
        assert [each["name"] for each in api.get("/v1/mappings").get_json()] == ["a", "b", "c"]

    def test_another_connections_are_not_shown(self, api: FlaskClient, stack: Stack) -> None:
        api.put("/v1/mappings/crm", json=ROWS)
        other = stack.other_client()
        assert other.get("/v1/mappings").get_json() == []
        problem(other.get("/v1/mappings/crm"), 404, "mapping_missing")
