"""Every sample of every source, as its sender sends it, becomes the right people in Crisp; again, it costs nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.process import people as expected
from tests.process.running import ROOT, Crisp, Service
from tests.process.websites import fresh, websites

SENT = expected.samples()


@pytest.fixture(scope="module")
def services(sandbox: Crisp, folder: Path) -> Iterator[list[Service]]:
    """One running service, with an API key for a website of each sample."""
    with websites(len(SENT) + 1, sandbox, folder) as found:
        yield found


def totals_of(records: list[dict[str, Any]]) -> dict[str, int]:
    """How a sample's records come out."""
    return {
        "records": len(records),
        "created": len(expected.people(records)),
        "unchanged": sum(record["deleted"] for record in records),
        "rejected": sum(expected.failed(record) for record in records),
    }


@pytest.mark.parametrize("number", range(len(SENT)), ids=[f"{each.source}/{each.name}" for each in SENT])
def test_a_sample_becomes_the_people_it_tells_of(services: list[Service], sandbox: Crisp, number: int) -> None:
    fresh(sandbox, number)
    service, sample = services[number], SENT[number]
    records = sample.records
    accepted = service.batch(sample)
    if not records:
        assert accepted["records"] == 0
        assert sandbox.calls == 0
        return
    shown = service.finished(accepted["import_id"])
    assert {key: count for key, count in shown["totals"].items() if count and key != "calls"} == {
        key: count for key, count in totals_of(records).items() if count
    }
    found = {email: expected.without_own(card) for email, card in sandbox.people().items()}
    assert found == expected.people(records)
    assert shown["totals"]["calls"] == sandbox.calls
    noted = [note["field"] for note in shown["notes"] if note["code"] == "field_not_written"]
    assert sorted(noted) == sorted(expected.placeless(records))

    before = sandbox.calls
    again = service.finished(service.batch(sample)["import_id"])
    assert again["totals"]["calls"] == sandbox.calls - before == 0
    assert again["totals"]["unchanged"] == len(records) - totals_of(records)["rejected"]
    assert {email: expected.without_own(card) for email, card in sandbox.people().items()} == found


# The same person three times; the second is the oldest.
SEVERAL: list[dict[str, Any]] = [
    {
        "email": "ada@example.com",
        "first_name": "Ada",
        "city": "Nantes",
        "job_title": "Engineer",
        "segments": ["first"],
        "data": {"plan": "pro"},
        "updated_at": "2024-05-02T00:00:00Z",
    },
    {
        "email": "Ada@Example.com",
        "city": "Paris",
        "country": "FR",
        "segments": ["second"],
        "data": {"plan": "free", "seats": 2},
        "updated_at": "2024-05-01T00:00:00Z",
    },
    {
        "email": "ada@example.com",
        "full_name": "Ada Lovelace",
        "city": "Lyon",
        "data": {"seats": None},
        "updated_at": "2024-05-03T00:00:00Z",
    },
]


def test_several_records_of_one_person_become_one_and_the_newest_wins_field_by_field(
    services: list[Service], sandbox: Crisp
) -> None:
    fresh(sandbox, len(SENT))
    service = services[len(SENT)]
    totals = service.finished(service.batch(SEVERAL)["import_id"])["totals"]
    assert (totals["created"], totals["superseded"], totals["records"]) == (1, 2, 3)
    card = sandbox.people()["ada@example.com"]
    assert card["person"] == {
        "nickname": "Ada Lovelace",
        "geolocation": {"city": "Lyon", "country": "FR"},
        "employment": {"title": "Engineer"},
    }
    assert (card["segments"], card["data"]) == (["first", "second"], {"plan": "pro"})
    assert service.finished(service.batch(SEVERAL)["import_id"])["totals"]["calls"] == 0
    assert sandbox.calls == totals["calls"] == 2


def test_every_source_has_samples() -> None:
    sources = {path.stem for path in (ROOT / "manifests" / "sources").glob("*.json")}
    assert {sample.source for sample in SENT} == sources
