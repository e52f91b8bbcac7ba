"""Every sample file, imported into a Crisp that knows nobody, gives the people that it tells of, to the row."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.files.sheets import SAMPLE_FILES, SAMPLES, expected
from tests.process.people import has_place, held
from tests.process.running import Crisp, Service
from tests.process.websites import fresh, websites

CLEARED = "crisp_data_columns.csv"
_FORMAT = "{:<33} {:>4} {:>8} {:>8} {:>10} {:>8} {:>5} {:>5}  {}"
_HEAD = ("file", "rows", "accepted", "rejected", "superseded", "contacts", "calls", "again", "codes")


@pytest.fixture(scope="module")
def services(sandbox: Crisp, folder: Path) -> Iterator[list[Service]]:
    """One running service, with an API key for a website of each file and one more."""
    with websites(len(SAMPLE_FILES) + 1, sandbox, folder) as found:
        yield found


@pytest.fixture(scope="module")
def lines() -> Iterator[list[tuple[Any, ...]]]:
    """What became of each file; printed when all are through."""
    found: list[tuple[Any, ...]] = []
    yield found
    print("\n" + "\n".join(_FORMAT.format(*line) for line in (_HEAD, *found)))


def asked(name: str) -> dict[str, str]:
    """What has to be said beside this file."""
    options = dict(expected(name).get("options", {}))
    mapping = options.pop("mapping", None)
    said = {"options": json.dumps(options), **({"mapping": json.dumps(mapping)} if mapping else {})}
    return said if mapping else {}


def sent(service: Service, path: str, name: str, said: dict[str, str]) -> dict[str, Any]:
    """The answer of a route that takes a file."""
    answer = service.post(path, files={"file": (name, (SAMPLES / name).read_bytes())}, data=said)
    assert answer.status_code in (200, 202), answer.text
    found: dict[str, Any] = answer.json()
    return found


def imported(service: Service, name: str) -> dict[str, Any]:
    """The import of a file, when it is over."""
    return service.finished(sent(service, "/v1/imports", name, asked(name))["import_id"])


def rows_of(service: Service, import_id: str, outcome: str) -> dict[int, dict[str, Any]]:
    """Row → record, of those that came to this."""
    listed = service.get(f"/v1/imports/{import_id}/records", params={"outcome": outcome, "limit": 100})
    return {each["row"]: each for each in listed.json()}


def allowed(wanted: Any) -> list[Any]:
    """The values that are right."""
    return list(wanted["any_of"]) if isinstance(wanted, dict) and "any_of" in wanted else [wanted]


def holds(card: dict[str, Any], wanted: dict[str, Any]) -> None:
    """That a card holds these fields of a contact. Names are parts of its one name."""
    for key, value in wanted.items():
        found = held(card, key)
        if key == "data":
            assert all(found.get(name) in allowed(each) for name, each in value.items()), found
        elif key in ("first_name", "last_name", "full_name"):
            assert value in found
        else:
            assert found in allowed(value), key


@pytest.mark.parametrize("name", SAMPLE_FILES)
def test_a_file_becomes_the_people_it_tells_of(
    services: list[Service], sandbox: Crisp, lines: list[tuple[Any, ...]], name: str
) -> None:
    number, wanted = SAMPLE_FILES.index(name), expected(name)
    service = services[number]
    fresh(sandbox, number)
    shown = imported(service, name)
    totals, cards = shown["totals"], sandbox.people()
    rejected, superseded = (rows_of(service, shown["id"], outcome) for outcome in ("rejected", "superseded"))
    assert {row: each["code"] for row, each in rejected.items()} == {
        each["row"]: each["code"] for each in wanted["rejected"]
    }
    assert sorted(superseded) == wanted["superseded"]
    assert (totals["records"], totals["created"]) == (wanted["rows"], wanted["contacts"])
    assert totals["records"] == totals["created"] + len(superseded) + len(rejected)
    assert len(cards) == wanted["contacts"]
    assert set(sandbox.stats()["creations"].values()) == {1}
    assert totals["calls"] == sandbox.calls

    created = rows_of(service, shown["id"], "created")
    first = cards[created[wanted["first_contact_row"]]["email"]]
    holds(first, {key: value for key, value in wanted["first_contact"].items() if has_place(key)})
    assert held(first, "nickname") == wanted["display_name"]
    for row, values in wanted.get("must_hold", {}).items():
        holds(cards[created[int(row)]["email"]], values)

    before = sandbox.calls
    again = imported(service, name)["totals"]
    assert (again["calls"], sandbox.calls) == (0, before)
    assert (again["unchanged"], again["rejected"]) == (wanted["contacts"], len(rejected))
    assert sandbox.people() == cards
    codes = ", ".join(
        f"{count} × {code}" for code, count in Counter(each["code"] for each in rejected.values()).items()
    )
    accepted = wanted["rows"] - len(rejected)
    counts = (wanted["rows"], accepted, len(rejected), len(superseded), len(cards), before, again["calls"])
    lines.append((name, *counts, codes))


@pytest.mark.parametrize("name", SAMPLE_FILES)
def test_the_preview_of_a_file_proposes_its_columns_and_foresees_its_totals(
    services: list[Service], sandbox: Crisp, name: str
) -> None:
    """On a website that knows nobody; without help, but for what has no header."""
    wanted = expected(name)
    service = services[len(SAMPLE_FILES)]
    proposed = sent(service, "/v1/imports/preview", name, {})
    fields = {(each["header"] or each["name"]).strip(): each["field"] for each in proposed["columns"]}
    assert fields.keys() == wanted["mapping"].keys()
    assert {column: field for column, field in fields.items() if field not in allowed(wanted["mapping"][column])} == {}
    seen = sent(service, "/v1/imports/preview", name, asked(name))
    told = {key: count for key, count in seen["totals"].items() if count and key != "calls"}
    given = {
        "created": wanted["contacts"],
        "superseded": len(wanted["superseded"]),
        "rejected": len(wanted["rejected"]),
    }
    assert told == {"records": wanted["rows"], **{key: count for key, count in given.items() if count}}
    assert [each["row"] for each in seen["duplicates"]] == wanted["superseded"]
    contact = next(each["contact"] for each in seen["contacts"] if each["row"] == wanted["first_contact_row"])
    assert contact["nickname"] == wanted["display_name"]
    assert contact.get("created_at") in allowed(wanted["first_contact"].get("created_at", contact.get("created_at")))


def test_an_empty_cell_of_custom_data_clears_the_key(services: list[Service], sandbox: Crisp) -> None:
    """People who have the keys already lose those whose cells are empty, and no other."""
    service, cleared = services[len(SAMPLE_FILES)], expected(CLEARED)["cleared_data"]
    fresh(sandbox, len(SAMPLE_FILES))
    seen = sent(service, "/v1/imports/preview", CLEARED, {})
    emails = {each["row"]: each["contact"]["email"] for each in seen["contacts"]}
    old = {"plan": "old", "ltv": "old", "kept": "old"}
    told = service.batch([{"email": emails[int(row)], "data": old} for row in cleared])
    assert service.finished(told["import_id"])["totals"]["created"] == len(cleared)
    assert imported(service, CLEARED)["totals"]["updated"] == len(cleared)
    for row, keys in cleared.items():
        data = sandbox.people()[emails[int(row)]]["data"]
        assert not data.keys() & set(keys)
        assert data.keys() >= ({"plan", "ltv", "kept"} - set(keys))
        assert data["kept"] == "old"
