"""Files as the OpenAPI shows them: one to import, what is said of it, what failed, and one for Crisp's own import."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connector.api.actions import fields
from connector.api.shapes import ACCEPTED, OUTCOME, WEBSITE
from connector.contact import Contact
from connector.file_imports.crisp_ready import columns_of, rows
from connector.files.matching import FAILURE_COLUMNS
from connector.files.writing import written
from connector.manifest import shipped
from connector.notes import note

_ROW = fields(("email", "first_name", "company_name"))
_TOLD = {name: value for name, value in _ROW.items() if name != "first_name"}
_WRONG = note("email_invalid", "email", path="email")


def _csv(lines: Iterable[Sequence[str]]) -> str:
    return b"".join(written(lines)).decode()


FILE = _csv([list(_ROW), list(_ROW.values())])
FAILED = _csv(
    [
        [*_ROW, *FAILURE_COLUMNS],
        ["ada.example.com", *list(_ROW.values())[1:], _WRONG.code, str(_WRONG.field), _WRONG.message],
    ]
)
CRISP_READY = _csv(rows(lambda: iter([Contact.from_flat(OUTCOME["contact"])]), columns_of(shipped().fields)))
# What a preview says of FILE.
FOUND: Mapping[str, Any] = {
    "file": {
        "name": "contacts.csv",
        "size": len(FILE),
        "kind": "csv",
        "encoding": {"value": "utf-8", "reason": "every byte is ASCII"},
        "separator": {"value": ",", "reason": "all of the first 2 records have 3 columns with it"},
        "quoting": "doubled",
        "header_line": 1,
        "preamble_lines": 0,
        "footer_line": None,
        "sheet": None,
        "sheets": list[str](),
        "rows": 1,
    },
    "columns": [
        {
            "name": name,
            "header": name,
            "samples": [sample],
            "kind": "email" if name == "email" else "text",
            "field": name,
            "confidence": "certain",
            "reason": "Its name says so",
            "suggestion": None,
            "suggested_key": None,
        }
        for name, sample in _ROW.items()
    ],
    "mapping": {name: [name] for name in _ROW},
    "contacts": [
        {
            "row": 1,
            "status": "created",
            "notes": list[Any](),
            "contact": {**_TOLD, "nickname": _ROW["first_name"], "segments": list[str](), "data": dict[str, Any]()},
            "plan": [
                {
                    "method": "POST",
                    "path": f"/website/{WEBSITE}/people/profile",
                    "body": {
                        "email": _ROW["email"],
                        "person": {"nickname": _ROW["first_name"]},
                        "company": {"name": _ROW["company_name"]},
                    },
                }
            ],
        }
    ],
    "totals": {**dict.fromkeys(ACCEPTED["totals"], 0), "records": 1, "created": 1, "calls": 1},
}
