"""What the sentences of errors are filled in with in the OpenAPI's examples: for each code that has a gap in its own.

`code/variant` is the same code where it is told in another way; whoever can fail so names the variant.
"""

from collections.abc import Mapping
from typing import Any

from connector.api.shapes import ID, WEBSITE
from connector.body import size
from connector.errors import Detail
from connector.events.meaning import EVENTS
from connector.file_imports.accepting import MOST_ROWS
from connector.files.limits import LIMITS, MOST_CHARACTERS, MOST_COLUMNS
from connector.intake.payloads import BATCH_LIMIT, CONTACT_LIMIT
from connector.intake.reading import MOST_RECORDS
from connector.manifest import manifests_root, shipped
from connector.platforms import registry
from connector.saying import Count
from connector.sinks.sheet_table import NO_SHEET
from connector.subscribing import MOST as MOST_SUBSCRIPTIONS
from connector.uploads.store import LARGEST

# When the quota of the sample connection is as it was again.
_UNTIL = shipped().authentication.sample["quota"]["resets_at"]


def schema_names() -> list[str]:
    """What `/manifests/schema/NAME` hands out, without their endings."""
    return sorted(each.name.partition(".")[0] for each in manifests_root().joinpath("schema").iterdir())


def _invalid(field: str, message: str) -> Mapping[str, Any]:
    return {"errors": (Detail(message, "parameter_invalid", field),)}


# Failure → the facts of its sentence; of a note, those of `notes.note`.
FACTS: Mapping[str, Mapping[str, Any]] = {
    "parameter_invalid/Idempotency-Key": _invalid(
        "Idempotency-Key", "Send at most 255 printable characters as Idempotency-Key."
    ),
    "parameter_invalid/name": _invalid("name", "Must be 1 to 128 characters, without a slash."),
    "parameter_invalid/options": _invalid("options.separator", "Must be a comma, a semicolon, a tab or a bar."),
    "key_slowed": {"seconds": 42},
    "scope_missing/write": {"scope": "write"},
    "scope_missing/admin": {"scope": "admin"},
    "platform_unknown": {"names": ", ".join(registry())},
    "schema_unknown": {"names": ", ".join(schema_names())},
    "event_unknown": {"names": ", ".join(EVENTS)},
    "confirmation_missing": {"connection": WEBSITE},
    "pull_unsupported": {"source": "google_sheets"},
    "pull_unset": {"missing": "what to pull: pull.database_id or pull.data_source_id"},
    "script_unsupported": {"source": "notion"},
    "sender_unsupported": {"source": "Notion"},
    "source_credential_refused": {"source": "Notion"},
    "source_missing": {"source": "Notion"},
    "source_refused": {"source": "Notion", "status": 400},
    "source_repeats": {"source": "WooCommerce"},
    "source_forbidden": {"source": "WooCommerce", "reason": "it is in a private network"},
    "source_busy": {"source": "Notion"},
    "source_unreachable": {"source": "Notion"},
    "subscription_exists": {"subscription": ID},
    "subscription_disabled": {"subscription": ID, "reason": "it answered 500"},
    "sink_disabled": {"sink": ID, "reason": "The credential may not edit this sheet. Share the sheet as an editor."},
    "target_refused": {"reason": "its host is in a private or reserved network"},
    "too_many_subscriptions": {"limit": Count(MOST_SUBSCRIPTIONS)},
    "body_too_large": {"limit": size(CONTACT_LIMIT)},
    "body_too_large/batch": {"limit": size(BATCH_LIMIT)},
    "body_too_large/hook": {"limit": "2 MB"},
    "too_many_records": {"limit": Count(MOST_RECORDS)},
    "content_type_unknown": {"kind": "text/plain"},
    "body_not_xml": {"where": "The mistake is in line 1, column 9."},
    "several_records": {"count": 2},
    "mapping_field_unknown": {"field": "shoe_size"},
    "mapping_path_missing": {"field": "email"},
    "crisp_refused": {"reason": "invalid_data"},
    "credential_refused": {"reason": "crisp_credential_refused", "said": "invalid_session"},
    "sink_broken": {"reason": NO_SHEET},
    "sink_unreachable": {"reason": "Google cannot be reached just now."},
    "connection_halted": {"reason": "crisp_credential_refused"},
    "quota_used_up": {"until": _UNTIL},
    "crisp_rate_limited": {"until": _UNTIL},
    "file_too_large": {"limit": size(LARGEST)},
    "file_bomb": {"limit": size(LIMITS.unpacked)},
    "file_kind_unknown": {"found": "a PDF document"},
    "file_broken": {"found": "an XLSX workbook"},
    "zip_several": {"count": 2, "names": "contacts.csv, leads.csv"},
    "file_too_many_columns": {"line": 1, "limit": MOST_COLUMNS},
    "file_too_many_rows": {"limit": Count(MOST_ROWS)},
    "cell_too_long": {"line": 7, "limit": MOST_CHARACTERS},
    "header_unclosed": {"line": 1},
    "sheet_missing": {"names": "Contacts, Leads"},
    "email_column_missing": {
        "candidates": "Its columns are Name, Phone. Name in the mapping the one that holds email addresses."
    },
    "mapping_column_missing": {"column": "E-mail", "field": "email", "columns": "Name, Mail"},
    "file_no_valid_row": {"count": 2, "reasons": "2 × email_invalid"},
    "import_state/paused": {"state": "completed", "wanted": "paused"},
    "import_state/resumed": {"state": "completed", "wanted": "resumed"},
    "import_state/cancelled": {"state": "completed", "wanted": "cancelled"},
    "files_unavailable": {"reason": "No space left on device"},
    "url_refused": {"reason": "its host is in a private or reserved network"},
    "url_failed": {"reason": "its host is not known"},
    "url_not_file": {"found": "a web page"},
    "email_invalid": {"field": "email", "path": "Email"},
    "data_key_collision": {"field": "data.plan"},
}
