"""What the contract suite knows of each source: its samples, a way to write one record, and a signed request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connector.convert import Given
from connector.manifest import manifests_root, shipped
from connector.mapping import Rules, Translated, date_orders, translate
from connector.samples import Sample, of_source
from connector.sources import Inbound, Payload, read, registry

_NO_OPTIONS: Mapping[str, str] = {}
SAMPLES = Path(str(manifests_root())) / "samples"


@dataclass(frozen=True)
class Case:
    """`variants`: variant → the samples that show it; `payload`: a record of these named values, as the source sends
    it; `names`: what it calls an email, a first name and something that its user made up, "" where it does not tell
    that; `signed`: secrets and true requests; `signs_body`: whether these say that the body is true as well."""

    variants: Mapping[str, str]
    payload: Callable[[dict[str, Any]], Any]
    names: tuple[str, str, str]
    signed: tuple[tuple[str, Inbound], ...]
    signs_body: bool = False


def _notion_page(values: dict[str, Any]) -> dict[str, Any]:
    properties = {name: _notion_property(name, value) for name, value in values.items()}
    return {"object": "page", "id": "1c9d4e72-3b58-4f0a-9e61-7a2c8d05b3f4", "properties": properties}


def _notion_property(name: str, value: Any) -> dict[str, Any]:
    if name == "Email":
        return {"id": "e", "type": "email", "email": value}
    return {"id": "t", "type": "rich_text", "rich_text": [{"type": "text", "plain_text": value}] if value else []}


def _shopify_customer(values: dict[str, Any]) -> dict[str, Any]:
    """Metafields come as a list of their own."""
    plain = {name: value for name, value in values.items() if not name.startswith("metafields.")}
    parts = [(name.split("."), value) for name, value in values.items() if name not in plain]
    listed = [{"namespace": space, "key": key, "value": value} for (_, space, key), value in parts]
    return {"admin_graphql_api_id": "gid://shopify/Customer/7001", "id": 7001, **plain, "metafields": listed}


def _woocommerce_customer(values: dict[str, Any]) -> dict[str, Any]:
    """Fields of plug-ins come as a list of their own."""
    plain = {name: value for name, value in values.items() if not name.startswith("meta_data.")}
    listed = [
        {"id": 1, "key": name.split(".")[1], "value": value} for name, value in values.items() if name not in plain
    ]
    return {"id": 26, "billing": {}, "is_paying_customer": False, **plain, "meta_data": listed}


def _hmac(header: str, signature: str, body: str) -> Inbound:
    return Inbound({header: f"sha256={signature}"}, {}, body.encode())


_HUBSPOT_EVENT = '[{"eventId":1,"subscriptionType":"contact.creation","objectId":51,"occurredAt":1772442000000}]'


def _hubspot(headers: dict[str, str], query: str = "x=1") -> tuple[str, Inbound]:
    """HubSpot's secret and a request that it signed, at the time that it signed."""
    at, url = 1772442000000, f"https://connector.example/in/hubspot/abc123?{query}"
    if "x-hubspot-signature-v3" in headers:
        headers["x-hubspot-request-timestamp"] = str(at)
    return "hs-client-secret-0001", Inbound(headers, {}, _HUBSPOT_EVENT.encode(), "POST", url, at)


def _pipedrive_person(values: dict[str, Any]) -> dict[str, Any]:
    emails = [{"value": values[name], "primary": True} for name in values if name == "emails"]
    return {"success": True, "data": {"id": 52, "owner_id": 8000001, **values, "emails": emails}}


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
        signs_body=True,
    ),
    "google_sheets": Case(
        {
            "values": "values_get values_get_columns values_get_unformatted",
            "batch": "values_batch_get",
            "form_submit": "apps_script_form_submit",
            "script_row": "apps_script_row apps_script_rows",
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
        signs_body=True,
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
    "hubspot": Case(
        {
            "crm_v3_object": "contact_v3",
            "crm_v3_list": "search_results_v3",
            "subscription_events": "webhook_property_changes webhook_deletion_merge",
            "workflow_v1": "workflow_v1",
            "flat": "flat_custom_body",
        },
        lambda values: {"id": "51", "createdAt": "2026-01-14T08:02:11Z", "archived": False, "properties": values},
        ("email", "firstname", "favorite_color"),
        (
            _hubspot(
                {
                    "x-hubspot-signature": "e18435a0286214fcdfec36a4105273b0500291987bf87f0e57d9b7f98f61c0e1",
                    "x-hubspot-signature-version": "v1",
                }
            ),
            _hubspot(
                {
                    "x-hubspot-signature": "1cbd99579463a63714e629d2849d9cf22ded33e707c81a7e2ccff43c242a7db0",
                    "x-hubspot-signature-version": "v2",
                }
            ),
            _hubspot({"x-hubspot-signature-v3": "Eq5zEPxpFTUCJqLrGbjpZC4+17zzu8g8UMCZWJKvZA4="}),
            _hubspot(
                {"x-hubspot-signature-v3": "/TOVtazJjIJPU1hONfhWMiQ5OFtIyHM7f+99vBzmz14="},
                "q=a%2Fb%3Ac",
            ),
        ),
        signs_body=True,
    ),
    "pipedrive": Case(
        {
            "person_v1": "person_v1",
            "person_v2": "person_v2",
            "person_list_v1": "",
            "person_list_v2": "persons_list_v2",
            "webhook_v1": "webhook_v1_updated",
            "webhook_v2": "webhook_v2_change webhook_v2_delete_merged",
        },
        _pipedrive_person,
        ("emails", "first_name", "5a9c1e0d4b7f2a63c8d1e0f5b6a79384c2d1e0fa"),
        (("s3crét", Inbound({"authorization": "Basic cGlwZWRyaXZlOnMzY3LDqXQ="}, {}, b"{}")),),
    ),
    "zoho": Case(
        {
            "records": "contacts_records lead_record",
            "notification": "notification_edit notification_delete",
            "webhook_form": "webhook_form",
            "webhook_json": "webhook_raw_json",
        },
        lambda values: {"data": [{"id": "4876876000000376001", "$approved": True, **values}]},
        ("Email", "First_Name", "Account_Tier"),
        (("token-chosen-at-set-up", Inbound({}, {"key": ["token-chosen-at-set-up"]}, b"{}")),),
    ),
    "salesforce": Case(
        {
            "outbound_message": "outbound_message",
            "change_event": "change_event_bare_update change_event_create change_event_delete change_event_update",
            "sobject": "contact_sobject",
            "query": "soql_query",
            "platform_event": "platform_event",
            "flow_json": "flow_http_callout",
        },
        lambda values: {"Id": "0035e00000AbCdJAAV", **values},
        ("Email", "FirstName", "Shoe_Size__c"),
        (("salesforce-secret", Inbound({}, {"key": ["salesforce-secret"]}, b"<Envelope/>")),),
    ),
    "shopify": Case(
        {
            "customer_webhook": "customers_create_2024 customers_update_2025 customers_delete",
            "order_webhook": "orders_create orders_create_guest_no_email",
            "consent_webhook": "customers_email_marketing_consent_update",
            "thin": "",
            "merge": "",
            "compliance": "customers_redact",
            "graphql": "graphql_customer",
            "other": "",
        },
        _shopify_customer,
        ("email", "first_name", "metafields.custom.shoe_size"),
        (
            (
                "shpss_demo_secret",
                Inbound(
                    {"x-shopify-hmac-sha256": "Y7sbiZ5bLqmKCrN9B2uff3B/m5Doo4ERdFv5OwWYGnY="},
                    {},
                    b'{"id":7001,"email":"maya.brandt@example.com"}',
                ),
            ),
        ),
        signs_body=True,
    ),
    "woocommerce": Case(
        {
            "customer": "customer_created customer_updated customers_list_v2",
            "order": "order_created_guest",
            "deleted": "customer_deleted",
            "legacy": "",
            "ping": "ping",
            "action": "action_custom",
            "other": "",
        },
        _woocommerce_customer,
        ("email", "first_name", "meta_data.shoe_size"),
        tuple(
            (
                secret,
                Inbound(
                    {"x-wc-webhook-signature": "23i/L0xeohCzvHdcwXgBJz/BX0udnOCIJeViDoR2AvI="},
                    {},
                    b'{"id":26,"email":"lena.vogt@example.com"}',
                ),
            )
            for secret in ("wc_secret&1", "wc_secret&amp;1")
        ),
        signs_body=True,
    ),
    "prestashop": Case(
        {
            "webservice_xml": "customer",
            "webservice_xml_index": "customers_list",
            "webservice_json": "customer_json customers_list_json",
            "address": "address",
            "module_webhook": "webhook_module_customer",
        },
        lambda values: {"customer": {"id": 7, "id_default_group": "3", "secure_key": "b44a6d9e", **values}},
        ("email", "firstname", ""),
        (("prestashop-secret", Inbound({}, {"key": ["prestashop-secret"]}, b"{}")),),
    ),
    "generic": Case(
        {
            "record": "camel_case_wrapped crisp_nested flat_fields label_fields schema_org_person vcard_like",
            "records": "records_batch line_items",
            "columns": "line_item_columns",
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
        signs_body=True,
    ),
}


_SAMPLES = {(each.source, each.name): each for source in sorted(registry()) for each in of_source(source)}


def samples() -> list[tuple[str, str]]:
    """Source and name of every shipped sample of a source."""
    return sorted(_SAMPLES)


def sent(source: str, name: str) -> Sample:
    """A sample with all that it is sent with, and what must come of it."""
    return _SAMPLES[source, name]


def sample(source: str, name: str) -> Any:
    """A sample's payload: a new one each time."""
    return sent(source, name).value


def read_sample(source: str, name: str, *, named: bool = False) -> Payload:
    """A sample as it is read with its headers; `named`: by who says where it comes from."""
    found = sent(source, name)
    return read(found.value, source if named else None, found.headers)


def translated(payload: Payload, options: Mapping[str, str] = _NO_OPTIONS) -> list[Translated]:
    """Every record of a payload as a contact."""
    manifest = shipped()
    source = manifest.sources[payload.source]
    together = len(payload.records) > 1
    orders = date_orders(payload.records, source, manifest, ()) if together else {}
    given = Given(options.get("country"), options.get("timezone", "UTC"), now=datetime(2024, 7, 1, tzinfo=UTC))
    return [translate(record, source, manifest, Rules(given, date_orders=orders)) for record in payload.records]


SOURCES = sorted(registry())
