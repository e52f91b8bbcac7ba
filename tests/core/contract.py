"""What the contract suite knows of each source: its samples, a way to write one record, and a signed request."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connector.convert import Given
from connector.manifest import manifests_root, shipped
from connector.mapping import Rules, Translated, date_orders, translate
from connector.sources import Inbound, Payload, registry

SAMPLES = Path(str(manifests_root())) / "samples"


@dataclass(frozen=True)
class Case:
    """`variants`: variant → the samples that show it; `payload`: a record of these named values, as the source sends
    it; `names`: what it calls an email, a first name and something unknown; `signed`: secrets and true requests."""

    variants: Mapping[str, str]
    payload: Callable[[dict[str, Any]], Any]
    names: tuple[str, str, str]
    signed: tuple[tuple[str, Inbound], ...]


def _notion_page(values: dict[str, Any]) -> dict[str, Any]:
    properties = {name: _notion_property(name, value) for name, value in values.items()}
    return {"object": "page", "id": "1c9d4e72-3b58-4f0a-9e61-7a2c8d05b3f4", "properties": properties}


def _notion_property(name: str, value: Any) -> dict[str, Any]:
    if name == "Email":
        return {"id": "e", "type": "email", "email": value}
    return {"id": "t", "type": "rich_text", "rich_text": [{"type": "text", "plain_text": value}] if value else []}


def _hmac(header: str, signature: str, body: str) -> Inbound:
    return Inbound({header: f"sha256={signature}"}, {}, body.encode())


_NOTION_KEY = "secret_tMrlL1qK5vuQAh1b6cZGhFChZTSYJlce98V0pYn7yBl"

CASES: dict[str, Case] = {
    "notion": Case(
        {
            "page": "page page_empty page_in_trash page_odd_values",
            "list": "query_list query_list_empty data_source_query_list",
            "automation": "automation_webhook",
            "event": "webhook_event_page_created webhook_event_page_deleted webhook_event_page_properties_updated",
            "verification": "webhook_verification",
            "n8n_simplified": "n8n_simplified n8n_simplified_accents",
            "make_item": "make_database_item",
        },
        _notion_page,
        ("Email", "First name", "Shoe size"),
        (
            (
                "secret_Zq7pXw2LkR9vTn4cBy6mHd1sJf8gUa3eKo5iWr0xQz2",
                _hmac(
                    "x-notion-signature",
                    "d5f6b9054ba05138aabc6a8d651001524d5f8a0d13b06c0bba13b08a85db2e97",
                    '{"type":"page.created","entity":{"id":"1c9d4e72-3b58-4f0a-9e61-7a2c8d05b3f4","type":"page"}}',
                ),
            ),
            (
                _NOTION_KEY,
                _hmac(
                    "x-notion-signature",
                    "461e8cbcba8a75c3edd866f0e71280f5a85cbf21eff040ebd10fe266df38a735",
                    f'{{"verification_token":"{_NOTION_KEY}"}}',
                ),
            ),
            # Signed minified, received pretty-printed.
            (
                _NOTION_KEY,
                _hmac(
                    "x-notion-signature",
                    "461e8cbcba8a75c3edd866f0e71280f5a85cbf21eff040ebd10fe266df38a735",
                    f'{{\n  "verification_token": "{_NOTION_KEY}"\n}}',
                ),
            ),
        ),
    ),
    "google_sheets": Case(
        {
            "values": "values_get values_get_columns values_get_unformatted",
            "batch": "values_batch_get",
            "form_submit": "apps_script_form_submit",
            "script_row": "apps_script_row",
            "n8n_row": "n8n_rows n8n_rows_all_sheets",
            "numbered_row": "make_row pipedream_new_row",
            "zapier_row": "zapier_row",
            "power_automate_rows": "power_automate_rows",
            "bare_rows": "",
        },
        lambda values: {"row_number": 2, **values},
        ("E-mail address", "First name", "Shoe size"),
        (
            (
                "sheets-inbound-4hT9vKq2",
                _hmac(
                    "x-connector-signature",
                    "10f898792781a16710c4b4361646c3324568645d827beb471dd51c7a93a1a505",
                    '{"sheetName":"CRM","headers":["Email","Name"],"values":["inès@example.com","Inès"]}',
                ),
            ),
        ),
    ),
    "dynamics": Case(
        {
            "entity": "web_api_contact web_api_contact_plain web_api_lead",
            "list": "web_api_list",
            "webhook": "webhook_create_contact webhook_update_contact webhook_update_lead_without_image "
            "webhook_delete_contact webhook_size_exceeded",
            "power_automate": "power_automate_trigger",
        },
        lambda values: {"contactid": "1C9D4E72-3b58-4f0a-9e61-7a2c8d05b3f4", **values},
        ("emailaddress1", "firstname", "new_shoesize"),
        (
            ("n7Qd-2xVb_81LmZ", Inbound({}, {"code": ["n7Qd-2xVb_81LmZ"]}, b"{}")),
            ("n7Qd-2xVb_81LmZ", Inbound({"x-connector-key": "n7Qd-2xVb_81LmZ"}, {}, b"{}")),
        ),
    ),
    "generic": Case(
        {
            "record": "camel_case_wrapped crisp_nested flat_fields label_fields schema_org_person vcard_like",
            "records": "records_batch",
            "answers": "form_answers",
        },
        lambda values: {**values, "notes": "Hi"},
        ("email", "first_name", "shoe_size"),
        (
            (
                "generic-inbound-secret",
                _hmac(
                    "x-connector-signature",
                    "4418bd04e7518dbf527c7471e9cfcc254da0abcbb1b6673c7e05078a798ba95a",
                    '{"email":"ada@example.com"}',
                ),
            ),
        ),
    ),
}


def samples() -> list[tuple[str, str]]:
    """Source and name of every shipped sample of a source."""
    found = sorted(SAMPLES.glob("*/*.contact.json"))
    return [(path.parent.name, path.name.removesuffix(".contact.json")) for path in found]


def sample(source: str, name: str, suffix: str = "") -> Any:
    """A sample's payload, or its expected result (`.contact`)."""
    return json.loads((SAMPLES / source / f"{name}{suffix}.json").read_text(encoding="utf-8"))


def translated(payload: Payload) -> list[Translated]:
    """Every record of a payload as a contact."""
    manifest = shipped()
    source = manifest.sources[payload.source]
    together = len(payload.records) > 1
    orders = date_orders(payload.records, source, manifest, ()) if together else {}
    rules = Rules(Given(now=datetime(2024, 7, 1, tzinfo=UTC)), date_orders=orders)
    return [translate(record, source, manifest, rules) for record in payload.records]


SOURCES = sorted(registry())
