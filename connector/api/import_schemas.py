"""What is said and answered of files that are imported."""

from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import fields

from connector.api.file_examples import FILE, FOUND
from connector.api.schemas import FileOptions
from connector.api.shapes import ID, AcceptedOut, Answer, NoteOut, Totals, about, moment, progress

_MAPPING = {"description": "Contact field, or ignored, → column or list of columns; or the name of a saved mapping."}
BODY: Mapping[str, Any] = {
    "description": "A CSV file or a spreadsheet as the form field `file`, or a JSON object with its address as `url`.",
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["url"],
                "properties": {
                    "url": {"type": "string", "format": "uri", "description": "Where the file is: https://…"},
                    "mapping": {**_MAPPING, "type": ["string", "object"]},
                    "options": FileOptions,
                },
            },
            "example": {"url": "https://www.example.com/contacts.csv", "options": {"country": "FR"}},
        },
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "format": "binary", "description": "A CSV, XLSX, XLS or ODS file."},
                    "mapping": {**_MAPPING, "type": "string"},
                    "options": {"type": "string", "description": "A JSON object, as in the JSON body."},
                },
            },
            "example": {"file": FILE, "options": '{"country": "FR"}'},
        },
    },
}


class FilePreviewOut(Answer):
    """What a file is, which column feeds which field, and what would become of its rows."""

    file = fields.Dict(metadata=about("Its name, size, dialect and number of rows.", FOUND["file"]))
    export = fields.Raw(metadata=about("The system that exports such files.", None, type=["object", "null"]))
    saved_mapping = fields.String(allow_none=True, metadata=about("The saved mapping that it is read with.", None))
    columns = fields.List(fields.Dict(), metadata=about("Each column, and what it feeds.", FOUND["columns"]))
    mapping = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata=about("Contact field → columns that feed it; ignored → columns that are left out.", FOUND["mapping"]),
    )
    contacts = fields.List(
        fields.Dict(), metadata=about("The first contacts, and the calls they would take.", FOUND["contacts"])
    )
    problems = fields.List(fields.Dict(), metadata=about("What is wrong with rows, by kind.", []))
    duplicates = fields.List(fields.Dict(), metadata=about("Rows of a person who has a later one.", []))
    totals = fields.Nested(Totals, metadata=about("How many rows would end how.", FOUND["totals"]))
    days = fields.Integer(metadata=about("Days that it would take, with the quota.", 1))
    eta_seconds = fields.Float(metadata=about("Seconds that it would take.", 0.1))
    finishes_at = moment("When it would be done, if it began now.")
    dashboard = fields.Raw(
        metadata=about("Why Crisp's own import would be better, if so.", None, type=["object", "null"])
    )
    notes = fields.List(fields.Nested(NoteOut), metadata=about("About the file as a whole.", []))


class ReplayedImportOut(AcceptedOut):
    """The import, and how many of its records are sent again."""

    EXAMPLE: ClassVar = progress(import_id=ID, replayed=2, not_replayable=0)

    replayed = fields.Integer(metadata=about("Records that wait again."))
    not_replayable = fields.Integer(metadata=about("Records without a usable contact: correct and send them anew."))
