"""Notes: what happened to one value on its way, in words a user can act on. Never the value itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from connector.saying import Said, hear, say

Level = Literal["info", "warning", "error"]

# code → level, sentence. `{field}` is the contact field, `{path}` the source's own name for it.
CODES: dict[str, tuple[Level, str]] = {
    "email_missing": (
        "error",
        "There is no email address in this record. Send one in a field named email, or map a field to it.",
    ),
    "email_invalid": (
        "error",
        "What stands in {path} is not a valid email address. Correct it and send the record again.",
    ),
    "content_missing": (
        "error",
        "This notification says that something changed, but does not carry the record. "
        "Let the sender include the fields, or use the webhook that does.",
    ),
    "record_invalid": (
        "error",
        "This is not a record that can be read: it must be a JSON object with fields, and whole in its line where "
        "there is one per line. Check what the sender puts here.",
    ),
    "row_malformed": (
        "error",
        "This row has more filled cells than the file has columns, so they may stand under the wrong names. "
        "Put cells that hold the separator in quotation marks.",
    ),
    "quote_unclosed": (
        "error",
        "A quotation mark opens in this row and never closes, so where the row ends is not known. Close it.",
    ),
    "quote_suspect": (
        "error",
        "A quotation mark opens in this row and closes some lines below, with whole rows between. Close it, or take it "
        "out, and put the rows that it holds into lines of their own.",
    ),
    "import_cancelled": ("error", "The import was cancelled before this row was told to Crisp."),
    "data_key_collision": (
        "error",
        "Two custom data fields become the same key {field} with different values. Rename one of them.",
    ),
    "phone_dropped": (
        "warning",
        "{path} is not a phone number that can be dialled. Send it with its country code (+33 …), "
        "or send the contact's country too.",
    ),
    "country_dropped": (
        "warning",
        "{path} is not a country. Send a two-letter code (FR) or the country's name.",
    ),
    "date_dropped": (
        "warning",
        "{path} is not a date that reads in one way only. Send it as 2024-05-31T09:30:00Z.",
    ),
    "url_dropped": (
        "warning",
        "{path} is not a lasting web address. Send one that begins with https:// and stays valid.",
    ),
    "value_dropped": (
        "warning",
        "{path} has a value that {field} cannot take (such as an expression that was not filled in): it was left out.",
    ),
    "value_truncated": ("warning", "{path} is longer than {field} may be and was cut."),
    "cell_error": ("warning", "The cell {path} holds a spreadsheet error. Mend the formula in the sheet."),
    "nul_removed": ("warning", "{path} held NUL characters, which were taken out."),
    "encoding_mixed": (
        "warning",
        "This row is not {path} like the rest of the file; it was read as Windows-1252. Check its accents.",
    ),
    "header_missing": (
        "warning",
        "This row has no column names. Save a mapping from contact fields to column letters, "
        "or send the names with the row.",
    ),
    "mapping_path_missing": ("warning", "The saved mapping reads {path}, which this record does not have."),
    "several_emails": ("info", "There is more than one email address; the first was used."),
    "field_unused": ("info", "{path} was not used: another field had already given the same contact field."),
    "field_unmapped": (
        "info",
        "{path} goes nowhere. Map it to a contact field, name it data.KEY, or send unmapped=data.",
    ),
    "changes_lost": (
        "warning",
        "The source says that it left changes out. Read all of its contacts once more, and send them here.",
    ),
    "privacy_requested": (
        "warning",
        "The shop passes on that somebody asks for their data, or for its erasure. An erasure that came to an inbound "
        "address is carried out. Else nothing was done about it here: read it with GET /v1/contacts/EMAIL, or erase it "
        "with DELETE. The law gives a month.",
    ),
    "list_incomplete": ("info", "The sender cut the list {path}; the rest is not here."),
    "data_key_renamed": (
        "info",
        "{path} was stored as {field}: Crisp's custom data keys have only letters, digits, _ and -.",
    ),
    "delete_reported": (
        "info",
        "The source says that this record was deleted. Nothing was deleted in Crisp; "
        "erase the contact there if that is what you want.",
    ),
    "erased": (
        "info",
        "This record asked for an erasure. The contact was erased, in Crisp as far as it was there, and here.",
    ),
    "field_not_written": (
        "info",
        "Crisp has no place for {field}. Map it to data.{field} to keep it as custom data.",
    ),
}


# Names longer than this together (characters) are not remembered: a sender may call a field what it likes.
_REMEMBERED = 200
_THIS, _THIS_FIRST = say("this field"), say("This field")


@dataclass(frozen=True, slots=True)
class Note:
    """What happened to one value.

    `field` is the contact field for value problems, the source's own name for cell_error, field_unused,
    field_unmapped and list_incomplete, and None where the whole record is meant.
    """

    level: Level
    field: str | None
    code: str
    message: str
    path: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """`{level, field, code, message}` and `path`, the source's own name, where there is one."""
        shown = {"level": self.level, "field": self.field, "code": self.code, "message": self.message}
        return shown if self.path is None else {**shown, "path": self.path}


def note(code: str, field: str | None = None, *, path: str | None = None) -> Note:
    """The note of this code about a contact field, or about a source's own field when only `field` is given."""
    short = len(field or "") + len(path or "") <= _REMEMBERED
    found = _note(code, field, path) if short else _note.__wrapped__(code, field, path)
    if isinstance(found.message, Said):
        hear(found.message)
    return found


@lru_cache(maxsize=4096)
def _note(code: str, field: str | None, path: str | None) -> Note:
    level, sentence = CODES[code]
    told = say(sentence, field=field or _THIS, path=path or field or _THIS_FIRST)
    return Note(level, field, code, told, path)


def again(kept: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Notes as the ledger keeps them, each said anew: its sentence is that of its code."""
    return [_again(each) for each in kept]


def _again(kept: Mapping[str, Any]) -> dict[str, Any]:
    if kept["code"] not in CODES:
        return dict(kept)
    return {**kept, "message": note(kept["code"], kept["field"], path=kept.get("path")).message}
