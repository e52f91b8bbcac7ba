"""Dynamics 365 (Dataverse): contacts and leads from the Web API, registered webhooks and Power Automate.

Shapes: Microsoft Learn, "Use webhooks to create external handlers", "Retrieve a table row using the Web API".
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from connector.notes import Note, note
from connector.record import Record, Value, broken
from connector.sources.base import EventId, Inbound, Rule, in_query, same

KEY = "dynamics"

_TABLES = {"contact": "contactid", "lead": "leadid"}
_GUID = re.compile(r"\{?[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\}?")
_CONTEXT = re.compile(r"\$metadata#(contact|lead)s\b")
_FORMATTED = "@OData.Community.Display.V1.FormattedValue"
_LOGICAL_NAME = "@Microsoft.Dynamics.CRM.lookuplogicalname"
# Parties that are not a company even when they stand where the company stands.
_PEOPLE = {"contact", "contacts"}
_OPERATIONS = {"Create", "Update", "Delete", "CreateMultiple", "UpdateMultiple", "Upsert", "UpsertMultiple"}
EVENT_IDS = (EventId((("RequestId",),)), EventId((("OperationId",),)))


def _is_webhook(payload: Any) -> bool:
    named = isinstance(payload, dict) and isinstance(payload.get("MessageName"), str)
    return named and ("PrimaryEntityName" in payload or "PrimaryEntityId" in payload)


def _is_list(payload: Any) -> bool:
    listed = payload.get("value") if isinstance(payload, dict) else None
    if not isinstance(listed, list):
        return False
    return _context_table(payload) is not None or (bool(listed) and _is_row(listed[0]))


def _is_row(payload: Any) -> bool:
    if not isinstance(payload, dict):
        return False
    return _context_table(payload) is not None or any(_is_guid(payload.get(key)) for key in _TABLES.values())


def _is_trigger_row(payload: Any) -> bool:
    return _is_row(payload) and "SdkMessage" in payload


def _context_table(payload: Mapping[str, Any]) -> str | None:
    match = _CONTEXT.search(str(payload.get("@odata.context") or ""))
    return match[1] if match else None


def _is_guid(value: Any) -> bool:
    return isinstance(value, str) and bool(_GUID.fullmatch(value))


_ROW_KEYS = frozenset({"@odata.context", *_TABLES.values()})
RULES = (
    Rule(10, "webhook", _is_webhook, frozenset({"MessageName"})),
    Rule(90, "list", _is_list, frozenset({"value"})),
    Rule(91, "power_automate", _is_trigger_row, frozenset({"SdkMessage"})),
    Rule(92, "entity", _is_row, _ROW_KEYS),
)


def claim(payload: Any) -> str | None:
    """A row without its id and context, as tools that pick columns send it, counts as a contact's."""
    row = isinstance(payload, dict) and any(key in payload for key in ("emailaddress1", "fullname", "lastname"))
    return "entity" if row else "list" if payload == [] else None


def records(payload: Any, variant: str) -> Iterator[Record]:
    """One record per contact or lead."""
    if variant == "webhook":
        yield from _executed(payload)
    elif variant == "list":
        listed = payload["value"] if isinstance(payload, dict) else payload
        table = _context_table(payload) if isinstance(payload, dict) else None
        yield from (_row(row, table, {}) for row in listed if isinstance(row, dict))
    else:
        yield _row(payload, _context_table(payload), payload)


def payload_notes(payload: Any, variant: str) -> list[Note]:
    """A collection of which there are more pages."""
    more = variant == "list" and isinstance(payload, dict) and "@odata.nextLink" in payload
    return [note("list_incomplete", "value")] if more else []


def _executed(context: dict[str, Any]) -> Iterator[Record]:
    """A RemoteExecutionContext: Target holds the changed columns; they win over the post image."""
    table = str(context.get("PrimaryEntityName") or "")
    keys = ("MessageName", "PrimaryEntityId", "OperationCreatedOn")
    envelope = {key: _lower(context.get(key)) if key.endswith("Id") else context.get(key) for key in keys}
    if table not in _TABLES:
        yield broken("record_invalid")
        return
    image = _images(context, "PostEntityImages") or _images(context, "PreEntityImages")
    targets = list(_targets(context))
    if context["MessageName"] not in _OPERATIONS or (not targets and not image):
        yield Record(envelope=envelope, notes=(note("content_missing"),))
        return
    for target in targets or [{}]:
        columns = {**image, **target}
        yield _row(columns, table, {**envelope, **_own_id(columns, table, several=len(targets) > 1)})


def _own_id(columns: Mapping[str, Any], table: str, *, several: bool) -> dict[str, Value]:
    return {"PrimaryEntityId": _lower(columns.get(_TABLES[table]))} if several else {}


def stripped(payload: Any) -> tuple[str, str] | None:
    """Table and id of the row of a webhook that says nothing else of it: of what would be larger than 256 KB Dataverse
    leaves out the columns and the images (Microsoft Learn, "Use webhooks")."""
    if not _is_webhook(payload) or payload["MessageName"] not in _OPERATIONS - {"Delete"}:
        return None
    table, its_id = payload.get("PrimaryEntityName"), payload.get("PrimaryEntityId")
    said = any(payload.get(name) for name in ("InputParameters", "PostEntityImages", "PreEntityImages"))
    if said or table not in _TABLES or not _is_guid(its_id):
        return None
    return table, its_id.strip("{}").lower()


def _targets(context: dict[str, Any]) -> Iterator[dict[str, Any]]:
    parameters = _pairs(context.get("InputParameters"))
    many = parameters.get("Targets")
    entities = many.get("Entities") if isinstance(many, dict) else None
    for entity in entities if isinstance(entities, list) else [parameters.get("Target")]:
        if isinstance(entity, dict):
            yield _columns(entity)


def _images(context: dict[str, Any], kind: str) -> dict[str, Any]:
    images = _pairs(context.get(kind))
    return next((_columns(image) for image in images.values() if isinstance(image, dict)), {})


def _pairs(listed: Any) -> dict[str, Any]:
    """Microsoft's lists of `{key, value}` as an object."""
    members = listed if isinstance(listed, list) else []
    return {str(pair["key"]): pair.get("value") for pair in members if isinstance(pair, dict) and "key" in pair}


def _columns(entity: dict[str, Any]) -> dict[str, Any]:
    """An Entity as the Web API writes it: references as `_key_value`, formatted values as annotations."""
    columns: dict[str, Any] = {}
    for key, value in _pairs(entity.get("Attributes")).items():
        columns.update(_column(key, value))
    for key, shown in _pairs(entity.get("FormattedValues")).items():
        columns.setdefault(key + _FORMATTED, shown)
    return columns


def _column(key: str, value: Any) -> dict[str, Any]:
    if isinstance(value, dict) and "LogicalName" in value:
        lookup = f"_{key}_value"
        return {
            lookup: value.get("Id"),
            lookup + _FORMATTED: value.get("Name"),
            lookup + _LOGICAL_NAME: value["LogicalName"],
        }
    if isinstance(value, dict) and "Value" in value:
        return _column(key, value["Value"])
    if isinstance(value, list):
        options = [option.get("Value") if isinstance(option, dict) else option for option in value]
        return {key: ",".join(str(option) for option in options)}
    return {key: value}


def _row(columns: Mapping[str, Any], table: str | None, envelope: Mapping[str, Value]) -> Record:
    """A Web API row as a record; the table from its context, else from its key column."""
    table = table or next((name for name, key in _TABLES.items() if key in columns), "contact")
    values = dict(_flat(columns))
    for key in _TABLES.values():
        if key in values:
            values[key] = _lower(values[key])
    return Record(values, {key: value for key, value in envelope.items() if not isinstance(value, dict | list)}, table)


def _flat(columns: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    """Plain columns; expanded lookups with dots; a choice's text and a company's name as `.formatted`."""
    for key, value in columns.items():
        if "@" in key:
            continue
        if isinstance(value, dict):
            yield from ((f"{key}.{part}", inner) for part, inner in value.items() if not isinstance(inner, dict | list))
        elif key[:1] == "_" and key.endswith("_value"):
            yield from _lookup(key[1:-6], key, columns)
        elif not isinstance(value, list):
            yield key, value
            if isinstance(value, int) and not isinstance(value, bool):
                yield f"{key}.formatted", columns.get(key + _FORMATTED, columns.get(f"_{key}_label"))


def _lookup(column: str, key: str, columns: Mapping[str, Any]) -> Iterator[tuple[str, Value]]:
    """A lookup's name where it is sent and is a company's; a bare GUID is not a name."""
    if any(isinstance(columns.get(f"{column}_{table}"), dict) for table in ("account", "contact")):
        return
    name, kind = columns.get(key + _FORMATTED), columns.get(key + _LOGICAL_NAME)
    named = isinstance(name, str) and name and str(kind) not in _PEOPLE
    yield (f"{key}.formatted", name) if named and column.startswith("parent") else (key, columns[key])


def _lower(value: Any) -> Value:
    return value.lower() if isinstance(value, str) else None


def verify(inbound: Inbound, secret: str) -> bool:
    """The value given at registration (Microsoft Learn, webhook authentication): in the query as `code` (WebhookKey),
    or as the header `X-Connector-Key` (HttpHeader). Exactly one `code`, or none."""
    if "code" in inbound.query:
        return in_query(inbound, "code", secret)
    return same(inbound.headers.get("x-connector-key"), secret)
