"""Vendors: what each says of itself, and that nothing that is sent to an address upsets one."""

from typing import Any

import pytest

from connector import vendors
from connector.manifest import shipped
from connector.vendors.base import iso

from .contract import SOURCES, sample, samples

EVERY = [sample(source, name) for source, name in samples()]
ODD: list[Any] = [None, 7, "", [], [[]], [None], {}, {"": None}, {"data": []}, {"meta": {}}, [{"subscriptionType": 7}]]
ODD += [{"channel_id": 1, "ids": "x"}, {"ChangeEventHeader": {"recordIds": 7}}, {"entity": {}, "type": "page.created"}]


THIN = [
    ("hubspot", "webhook_property_changes"),
    ("zoho", "notification_edit"),
    ("salesforce", "change_event_update"),
    ("salesforce", "change_event_bare_update"),
    ("notion", "webhook_event_page_created"),
    ("dynamics", "webhook_size_exceeded"),
]


def test_every_source_but_the_plain_one_can_be_asked() -> None:
    assert sorted([*vendors.registry(), "generic"]) == sorted(SOURCES)


@pytest.mark.parametrize("key", sorted(vendors.registry()))
class TestEvery:
    """Each of them."""

    def test_its_page_says_how_it_is_asked(self, key: str) -> None:
        vendor, api = vendors.registry()[key], shipped().sources[key].about["api"]
        for name in {part for parts in vendor.CREDENTIALS for part in parts} - {"token", "key", "client_email"}:
            assert name in api["credential"] or name == "private_key", name
        assert ("changed" in api) == getattr(vendor, "SINCE", False)
        assert ("completes" in api) == hasattr(vendor, "thin")
        assert hasattr(vendor, "thin") == hasattr(vendor, "read")

    def test_what_it_needs_not_read_it_leaves_alone(self, key: str) -> None:
        thin = getattr(vendors.registry()[key], "thin", lambda _: None)
        for payload in (*ODD, *EVERY):
            found = thin(payload)
            assert found is None or all(isinstance(each, str) for each in found.ids)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("hubspot", "webhook_deletion_merge"),
        ("pipedrive", "webhook_v2_delete_merged"),
        ("zoho", "notification_delete"),
        ("salesforce", "change_event_create"),
        ("salesforce", "change_event_delete"),
        ("notion", "webhook_event_page_deleted"),
        ("dynamics", "webhook_update_lead_without_image"),
        ("dynamics", "webhook_delete_contact"),
        ("shopify", "customers_delete"),
    ],
)
def test_what_says_all_there_is_is_not(source: str, name: str) -> None:
    assert vendors.registry()[source].thin(sample(source, name)) is None  # type: ignore[attr-defined]


@pytest.mark.parametrize(("source", "name"), THIN)
def test_what_has_changed_alone_is_thin(source: str, name: str) -> None:
    found = vendors.registry()[source].thin(sample(source, name))  # type: ignore[attr-defined]
    assert found.ids


def test_times_are_in_utc() -> None:
    assert iso(1_780_000_000_999) == "2026-05-28T20:26:40Z"


ONE, TWO = "0035e00000PLQabAAH", "0035e00000PLQacAAH"


@pytest.mark.parametrize(
    ("named", "left"),
    [("Ada", [TWO]), ("CTO", [TWO]), ("CEO", [ONE, ONE]), ("UPDATE", None)],
)
def test_of_events_those_of_one_record_are_left_out_together(named: str, left: list[str] | None) -> None:
    """Only one of them names its person."""

    def event(its_id: str, **changed: str) -> dict[str, Any]:
        header = {"entityName": "Contact", "recordIds": [its_id], "changeType": "UPDATE"}
        return {"ChangeEventHeader": header, **changed}

    vendor: Any = vendors.registry()["salesforce"]
    events = [event(ONE, FirstName="Ada"), event(ONE, Title="CTO"), event(TWO, Title="CEO")]
    found = vendor.without(events, lambda said: named in str(said))
    assert (found and [each["ChangeEventHeader"]["recordIds"][0] for each in found]) == left
