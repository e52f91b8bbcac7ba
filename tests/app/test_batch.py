"""Many records in: their shapes, mappings, totals, pages and replay."""

import json
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.app.stack import DATABASES, Crisp, Stack, ended, finished, problem, until

pytestmark = pytest.mark.parametrize("database", DATABASES, indirect=True)

BATCH = "/v1/contacts/batch"
LINES = "application/x-ndjson"
ADA, BOB, CY = "ada@example.com", "bob@example.com", "cy@example.com"
IDENTITY = ("created", "updated", "unchanged", "superseded", "rejected", "dead", "waiting")


def totals(records: int, calls: int | None = None, **by_status: int) -> dict[str, int]:
    """Totals as an import shows them, checked to add up."""
    assert records == sum(by_status.values())
    found = {"records": records, **dict.fromkeys(IDENTITY, 0), **by_status}
    return found if calls is None else {**found, "calls": calls}


def without_calls(shown: dict[str, int]) -> dict[str, int]:
    return {key: value for key, value in shown.items() if key != "calls"}


def pages(api: FlaskClient, path: str) -> list[list[dict[str, Any]]]:
    """Every page, by the Link headers, each with `rel="next"` to its end."""
    found: list[list[dict[str, Any]]] = []
    address: str | None = path
    while address:
        answer = api.get(address)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        found.append(answer.get_json())
        link = answer.headers.get("Link")
        match = re.fullmatch(r'<http://localhost(/[^>]+)>; rel="next"', link) if link else None
        assert (match is None) == (link is None), link
        address = match[1] if match else None
        assert len(found) < 100, "the pages do not end"
    return found


BODIES: list[tuple[str, dict[str, Any]]] = [
    ("array", {"json": [{"email": ADA}, {"email": BOB}]}),
    ("records", {"json": {"records": [{"email": ADA}, {"email": BOB}]}}),
    ("lines", {"data": f'{{"email": "{ADA}"}}\n\n{{"email": "{BOB}"}}', "content_type": LINES}),
    ("sheet", {"json": {"range": "A!A1:A3", "majorDimension": "ROWS", "values": [["Email"], [ADA], [BOB]]}}),
    (
        "Dataverse",
        {
            "json": {
                "@odata.context": "https://shop.crm4.dynamics.com/api/data/v9.2/$metadata#contacts(emailaddress1)",
                "value": [{"emailaddress1": ADA}, {"emailaddress1": BOB}],
            }
        },
    ),
    ("records as a text", {"json": {"mapping": {"email": "m"}, "payload": json.dumps([{"m": ADA}, {"m": BOB}])}}),
]


@pytest.mark.parametrize("sent", [body[1] for body in BODIES], ids=[body[0] for body in BODIES])
def test_many_records_become_contacts(api: FlaskClient, crisp: Crisp, sent: dict[str, Any]) -> None:
    answer = api.post(BATCH, **sent)
    assert answer.status_code == 202, answer.get_data(as_text=True)
    told = answer.get_json()
    assert told["id"] == told["import_id"]
    assert told["totals"]["records"] == 2
    assert "Location" not in answer.headers
    import_ = finished(api, told["import_id"])
    assert import_["state"] == "completed"
    assert import_["totals"] == totals(2, calls=2, created=2)
    assert set(crisp.people()) == {ADA, BOB}
    assert crisp.calls == 2


def test_one_record_is_an_import_too(api: FlaskClient) -> None:
    told = api.post(BATCH, json={"email": ADA}).get_json()
    assert finished(api, told["import_id"])["totals"] == totals(1, calls=1, created=1)


def test_a_bad_line_is_rejected_by_its_row_and_the_others_go_on(api: FlaskClient, crisp: Crisp) -> None:
    sent = f'{{"email": "{ADA}"}}\n{{"email": \n"text"\n{{"email": "{BOB}"}}\n\xff'.encode("latin-1")
    told = api.post(BATCH, data=sent, content_type=LINES).get_json()
    import_ = finished(api, told["import_id"])
    assert import_["state"] == "completed_with_errors"
    assert without_calls(import_["totals"]) == totals(5, created=2, rejected=3)
    rejected = api.get(f"/v1/imports/{import_['id']}/records?outcome=rejected").get_json()
    assert [(record["row"], record["code"]) for record in rejected] == [(row, "record_invalid") for row in (2, 3, 5)]
    assert all("must be a JSON object" in record["message"] for record in rejected)
    assert set(crisp.people()) == {ADA, BOB}


class TestMapping:
    """A mapping beside the payload, around it, or saved."""

    @pytest.mark.parametrize("name", ["records", "payload"])
    def test_around_many(self, api: FlaskClient, crisp: Crisp, name: str) -> None:
        sent = {"mapping": {"email": "Mail", "data.plan": ["Tier", "Plan"]}, name: [{"Mail": ADA, "Plan": "pro"}]}
        finished(api, api.post(BATCH, json=sent).get_json()["import_id"])
        assert crisp.people()[ADA]["data"] == {"plan": "pro"}

    @pytest.mark.parametrize("name", ["record", "payload"])
    def test_around_one(self, api: FlaskClient, name: str) -> None:
        answer = api.post("/v1/contacts", json={"mapping": {"email": "Mail"}, name: {"Mail": ADA}})
        assert answer.get_json()["email"] == ADA

    def test_beside_the_fields(self, api: FlaskClient) -> None:
        answer = api.post("/v1/contacts", json={"mapping": {"email": "Mail"}, "Mail": ADA, "first_name": "Ada"})
        assert answer.get_json()["contact"]["email"] == ADA
        assert answer.get_json()["contact"]["first_name"] == "Ada"

    def test_a_field_that_is_called_mapping_is_a_field(self, api: FlaskClient) -> None:
        answer = api.post("/v1/contacts?unmapped=data", json={"email": ADA, "mapping": "north"})
        assert answer.get_json()["contact"]["data"] == {"mapping": "north"}

    def test_of_a_notion_column(self, api: FlaskClient, crisp: Crisp) -> None:
        properties = {
            "Courriel pro": {"id": "a", "type": "email", "email": ADA},
            "Nom": {"id": "title", "type": "title", "title": [{"plain_text": "Ada Lovelace"}]},
        }
        page = {"object": "page", "id": "1c9d4e72-3b58-4f0a-9e61-7a2c8d05b3f4", "properties": properties}
        told = api.post("/v1/contacts", json={"mapping": {"email": "Courriel pro"}, "payload": page}).get_json()
        assert (told["source"], told["email"]) == ("notion", ADA)
        assert crisp.people()[ADA]["person"]["nickname"] == "Ada Lovelace"

    def test_saved(self, api: FlaskClient, crisp: Crisp) -> None:
        api.put("/v1/mappings/crm", json={"email": "Mail", "city": "Ort"})
        headers = {"X-Connector-Mapping": "crm"}
        told = api.post(BATCH, json=[{"Mail": ADA, "Ort": "Bern"}, {"Mail": BOB}], headers=headers).get_json()
        finished(api, told["import_id"])
        assert set(crisp.people()) == {ADA, BOB}
        records = api.get(f"/v1/imports/{told['import_id']}/records").get_json()
        assert [note["code"] for note in records[1]["notes"]] == ["mapping_path_missing"]

    def test_saved_for_lines(self, api: FlaskClient, crisp: Crisp) -> None:
        api.put("/v1/mappings/crm", json={"email": "Mail"})
        sent = {"data": f'{{"Mail": "{ADA}"}}', "content_type": LINES, "headers": {"X-Connector-Mapping": "crm"}}
        finished(api, api.post(BATCH, **sent).get_json()["import_id"])
        assert set(crisp.people()) == {ADA}

    def test_sent_one_beats_the_saved_one(self, api: FlaskClient) -> None:
        api.put("/v1/mappings/crm", json={"email": "Other"})
        sent = {"mapping": {"email": "Mail"}, "record": {"Mail": ADA}}
        answer = api.post("/v1/contacts", json=sent, headers={"X-Connector-Mapping": "crm"})
        assert answer.get_json()["email"] == ADA


class TestTotals:
    """records in = created + updated + unchanged + superseded + rejected + dead + waiting."""

    def test_of_every_kind(self, api: FlaskClient, crisp: Crisp) -> None:
        api.post("/v1/contacts", json={"email": ADA, "city": "Rome"})
        crisp.add(BOB)
        before = crisp.calls
        sent = [
            {"email": ADA, "city": "Rome"},
            {"email": BOB, "city": "Bern"},
            {"email": CY},
            {"email": CY, "city": "Oslo"},
            {"first_name": "Nobody"},
        ]
        told = api.post(BATCH, json=sent).get_json()
        import_ = finished(api, told["import_id"])
        calls = import_["totals"]["calls"]
        assert import_["totals"] == totals(5, calls=calls, unchanged=1, updated=1, created=1, superseded=1, rejected=1)
        assert calls == crisp.calls - before
        assert crisp.people()[CY]["person"]["geolocation"]["city"] == "Oslo"

    def test_of_duplicates(self, api: FlaskClient, crisp: Crisp) -> None:
        sent = [{"email": ADA, "city": city, "segments": [city]} for city in ("Rome", "Bern", "Oslo")]
        told = api.post(BATCH, json=sent).get_json()
        import_ = finished(api, told["import_id"])
        assert without_calls(import_["totals"]) == totals(3, created=1, superseded=2)
        records = api.get(f"/v1/imports/{told['import_id']}/records").get_json()
        assert [record["status"] for record in records] == ["superseded", "superseded", "created"]
        last = api.get(f"/v1/outcomes/{records[2]['outcome_id']}").get_json()
        first = api.get(f"/v1/outcomes/{records[0]['outcome_id']}").get_json()
        assert first["superseded_by"] == last["outcome_id"]
        card = crisp.people()[ADA]
        assert card["person"]["geolocation"]["city"] == "Oslo"
        assert card["segments"] == ["Rome", "Bern", "Oslo"]

    def test_of_duplicates_that_say_nothing_new(self, api: FlaskClient, crisp: Crisp) -> None:
        api.post("/v1/contacts", json={"email": ADA, "city": "Rome"})
        told = api.post(BATCH, json=[{"email": ADA, "city": "Rome"}] * 3).get_json()
        assert finished(api, told["import_id"])["totals"] == totals(3, calls=0, unchanged=1, superseded=2)

    def test_while_it_waits(self, api: FlaskClient, stack: Stack) -> None:
        stack.save(halted="crisp_credential_refused")
        told = api.post(BATCH, json=[{"email": ADA}, {"email": BOB}]).get_json()
        assert (told["state"], told["totals"]) == ("running", totals(2, calls=0, waiting=2))
        assert told["eta_seconds"] > 0
        assert stack.crisp.calls == 0

    def test_links_lead_to_the_records(self, api: FlaskClient) -> None:
        told = api.post(BATCH, json=[{"email": ADA}, {}]).get_json()
        finished(api, told["import_id"])
        here = {name: link.removeprefix("http://localhost") for name, link in told["links"].items()}
        assert api.get(here["self"]).get_json()["id"] == told["id"]
        assert len(api.get(here["records"]).get_json()) == 2
        rejected = api.get(here["records"], query_string={"outcome": "rejected"}).get_json()
        assert [record["row"] for record in rejected] == [2]


class TestPages:
    """Lists are bare arrays; the next page stands in the Link header, and no row is shown twice or left out."""

    def test_of_records(self, api: FlaskClient) -> None:
        sent = [{"email": f"a{number}@example.com"} if number % 3 else {"x": 1} for number in range(23)]
        told = api.post(BATCH, json=sent).get_json()
        finished(api, told["import_id"])
        path = f"/v1/imports/{told['import_id']}/records"
        found = pages(api, f"{path}?limit=5")
        assert [len(page) for page in found] == [5, 5, 5, 5, 3]
        assert [record["row"] for page in found for record in page] == list(range(1, 24))
        rejected = pages(api, f"{path}?limit=3&outcome=rejected")
        assert [len(page) for page in rejected] == [3, 3, 2]
        assert [record["row"] for page in rejected for record in page] == list(range(1, 24, 3))
        assert {"row", "status", "email", "people_id", "notes", "calls", "outcome_id"} <= set(found[0][0])

    def test_of_imports(self, api: FlaskClient) -> None:
        ids = [api.post(BATCH, json=[{"email": ADA, "score": n}]).get_json()["import_id"] for n in range(5)]
        found = pages(api, "/v1/imports?limit=2")
        assert [len(page) for page in found] == [2, 2, 1]
        assert [each["id"] for page in found for each in page] == ids[::-1], "newest first"

    def test_of_outcomes(self, api: FlaskClient) -> None:
        told = api.post(BATCH, json=[{"email": f"a{number}@example.com"} for number in range(7)]).get_json()
        finished(api, told["import_id"])
        api.post("/v1/contacts", json={"x": 1})
        found = [each for page in pages(api, "/v1/outcomes?limit=3") for each in page]
        assert len({each["outcome_id"] for each in found}) == len(found) == 8
        assert found[0]["status"] == "rejected", "newest first"
        created = [each for page in pages(api, "/v1/outcomes?limit=2&status=created&source=generic") for each in page]
        assert len(created) == 7

    def test_a_full_last_page_has_no_next(self, api: FlaskClient) -> None:
        told = api.post(BATCH, json=[{"email": ADA}, {"email": BOB}]).get_json()
        finished(api, told["import_id"])
        assert len(pages(api, "/v1/outcomes?limit=2")) == 1

    def test_of_nothing(self, api: FlaskClient) -> None:
        assert pages(api, "/v1/imports") == [[]]
        assert pages(api, "/v1/outcomes") == [[]]

    def test_another_connections_are_not_shown(self, api: FlaskClient, stack: Stack) -> None:
        told = api.post(BATCH, json=[{"email": ADA}]).get_json()
        finished(api, told["import_id"])
        other = stack.other_client()
        assert pages(other, "/v1/imports") == [[]]
        assert pages(other, "/v1/outcomes") == [[]]
        problem(other.get(f"/v1/imports/{told['import_id']}"), 404, "import_missing")
        problem(other.get(f"/v1/imports/{told['import_id']}/records"), 404, "import_missing")
        outcome_id = api.get("/v1/outcomes").get_json()[0]["outcome_id"]
        problem(other.get(f"/v1/outcomes/{outcome_id}"), 404, "outcome_missing")
        problem(other.post("/v1/outcomes/replay", json={"ids": [outcome_id]}), 404, "outcome_missing")


class TestReplay:
    """Rejected and dead records again, by id, code or time."""

    @pytest.fixture
    def refused(self, api: FlaskClient, crisp: Crisp) -> dict[str, Any]:
        """A record that was rejected and would be taken now."""
        crisp.add(ADA)
        told = problem(api.post("/v1/contacts?mode=create", json={"email": ADA}), 409, "contact_exists")
        crisp.reset()
        return told

    def _replayed(self, api: FlaskClient, refused: dict[str, Any], wanted: dict[str, Any]) -> None:
        answer = api.post("/v1/outcomes/replay", json=wanted)
        assert (answer.status_code, answer.get_json()) == (202, {"replayed": 1, "not_replayable": 0})
        assert ended(api, refused["outcome_id"])["status"] == "created"

    def test_by_id(self, api: FlaskClient, refused: dict[str, Any]) -> None:
        self._replayed(api, refused, {"ids": [refused["outcome_id"]]})

    def test_by_code(self, api: FlaskClient, refused: dict[str, Any]) -> None:
        self._replayed(api, refused, {"code": "contact_exists"})

    def test_by_time(self, api: FlaskClient, refused: dict[str, Any]) -> None:
        self._replayed(api, refused, {"since": "2024-01-01T00:00:00Z", "until": "2100-01-01T00:00:00+02:00"})

    @pytest.mark.parametrize(
        "wanted",
        [
            {"ids": []},
            {"code": "email_taken"},
            {"since": "2100-01-01T00:00:00Z"},
            {"until": "2024-01-01T00:00:00Z"},
            {"code": "contact_exists", "until": "2024-01-01T00:00:00Z"},
            {"until": "0001-01-01T00:00:00+23:59"},
        ],
        ids=str,
    )
    def test_of_what_does_not_match(self, api: FlaskClient, refused: dict[str, Any], wanted: dict[str, Any]) -> None:
        assert api.post("/v1/outcomes/replay", json=wanted).get_json() == {"replayed": 0, "not_replayable": 0}
        assert api.get(f"/v1/outcomes/{refused['outcome_id']}").get_json()["status"] == "rejected"

    def test_of_what_is_not_there(self, api: FlaskClient, refused: dict[str, Any]) -> None:
        """Nothing is replayed, not even what is there."""
        replay, mine = "/v1/outcomes/replay", refused["outcome_id"]
        told = problem(api.post(replay, json={"ids": ["0" * 32, mine, ADA]}), 404, "outcome_missing")
        assert [each["field"] for each in told["errors"]] == ["ids.0", "ids.2"]
        assert ADA not in str(told), "what was sent as an id is not shown"
        problem(api.post(replay, json={"import_id": "0" * 32}), 404, "import_missing")
        problem(api.post(replay, json={"ids": [mine], "import_id": mine}), 404, "import_missing")
        assert api.get(f"/v1/outcomes/{mine}").get_json()["status"] == "rejected"
        self._replayed(api, refused, {"ids": [mine]})

    def test_of_an_import(self, api: FlaskClient, crisp: Crisp) -> None:
        crisp.add(ADA)
        told = api.post(f"{BATCH}?mode=create", json=[{"email": ADA}, {"email": BOB}, {"x": 1}]).get_json()
        before = finished(api, told["import_id"])
        assert without_calls(before["totals"]) == totals(3, created=1, rejected=2)
        crisp.reset()
        answer = api.post("/v1/outcomes/replay", json={"import_id": told["import_id"]})
        told_of = {"replayed": 1, "not_replayable": 1}
        assert answer.get_json() == told_of, "a record that nobody could be read from is not sent again"
        after = until(lambda: finished(api, told["import_id"]))
        assert without_calls(after["totals"]) == totals(3, created=2, rejected=1)

    def test_of_what_was_delivered(self, api: FlaskClient) -> None:
        told = api.post("/v1/contacts", json={"email": ADA}).get_json()
        assert api.post("/v1/outcomes/replay", json={"ids": [told["outcome_id"]]}).get_json() == {
            "replayed": 0,
            "not_replayable": 0,
        }
