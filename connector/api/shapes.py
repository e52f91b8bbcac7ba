"""What is answered everywhere: outcomes, imports, notes, problems. Each field says what it is, by an example too."""

from typing import Any, ClassVar

from marshmallow import Schema, fields, validate

from connector.crisp.calls import MODES, STATUSES, TOTALS
from connector.errors import CODES
from connector.imports import STATES
from connector.manifest import shipped
from connector.notes import note
from connector.platforms import EXAMPLE

# The same things are called the same in every example.
OUTCOME = shipped().actions["upsert_contact"].sample
ACCEPTED = shipped().actions["upsert_contacts"].sample
ID, EMAIL, PEOPLE_ID = OUTCOME["outcome_id"], OUTCOME["email"], OUTCOME["people_id"]
WEBSITE = shipped().authentication.sample["website_id"]
# Secrets that can be told from real ones at a glance.
NEW_KEY, SECRET = "ck_EXAMPLE", "EXAMPLE"
_HELP = {row["key"]: row["help"] for output in ("outcome", "accepted") for row in shipped().outputs[output]}
_SENTENCE = CODES["contact_exists"][2]
_NOTE = note("field_unmapped", "coupon")
_IMPORT = f"{EXAMPLE}/v1/imports/{ID}"
_LINKS = {"self": _IMPORT, "records": f"{_IMPORT}/records", "crisp_csv": f"{_IMPORT}/crisp.csv"}


def about(description: str, *example: Any, **more: Any) -> dict[str, Any]:
    """Metadata of a field: what it is, an example where its kind gives none, and what else the OpenAPI is told."""
    return {"description": description, **({"example": example[0]} if example else {}), **more}


def moment(description: str, *example: str | None, nullable: bool = False) -> fields.String:
    """A time, as it is answered."""
    return fields.String(allow_none=nullable, metadata=about(description, *example, format="date-time"))


class Answer(Schema):
    """What is answered. All of it is always there but for what says that it is not (`sometimes`)."""

    def on_bind_field(self, field_name: str, field_obj: Any) -> None:  # noqa: ARG002 - as marshmallow calls it
        """Every field is promised."""
        field_obj.required = not field_obj.metadata.get("sometimes", False)


def sometimes(description: str, **more: Any) -> dict[str, Any]:
    """Metadata of a field that is not always there."""
    return {"description": description, "sometimes": True, **more}


class NoteOut(Answer):
    """What happened to one value."""

    level = fields.String(
        validate=validate.OneOf(("info", "warning", "error")), metadata=about("error: it stopped the record.", "info")
    )
    field = fields.String(
        allow_none=True, metadata=about("The contact field, or the source's own name for it.", "coupon")
    )
    code = fields.String(metadata=about("What happened, as a stable word.", "field_unmapped"))
    message = fields.String(
        metadata=about(
            "The same in a sentence, with what to do about it.",
            "coupon goes nowhere. Map it to a contact field, name it data.KEY, or send unmapped=data.",
        )
    )
    path = fields.String(metadata=sometimes("The source's own name for the field."))


class OutcomeOut(Answer):
    """What became of a record."""

    EXAMPLE: ClassVar = OUTCOME

    status = fields.String(validate=validate.OneOf(STATUSES), metadata=about(_HELP["status"]))
    email = fields.String(allow_none=True, metadata=about(_HELP["email"]))
    people_id = fields.String(allow_none=True, metadata=about(_HELP["people_id"]))
    source = fields.String(metadata=about(_HELP["source"]))
    contact = fields.Raw(metadata=about(_HELP["contact"], type=["object", "null"]))
    changed = fields.List(fields.String(), metadata=about(_HELP["changed"]))
    calls = fields.Integer(metadata=about(_HELP["calls"]))
    notes = fields.List(fields.Nested(NoteOut), metadata=about("What happened to single values."))
    outcome_id = fields.String(metadata=about(_HELP["outcome_id"]))
    reason = fields.String(metadata=sometimes("Why a record waits, as a stable word."))
    message = fields.String(metadata=sometimes("Why it waits, was rejected or given up, in a sentence."))
    retry_at = fields.String(allow_none=True, metadata=sometimes(_HELP["retry_at"], format="date-time"))
    superseded_by = fields.String(allow_none=True, metadata=sometimes("The record that took its place."))
    code = fields.String(allow_none=True, metadata=sometimes("Why it was rejected or given up, as a stable word."))


class WholeOutcomeOut(OutcomeOut):
    """What became of a record, and how: attempts and calls."""

    import_id = fields.String(allow_none=True, metadata=about("The import that it came with."))
    row = fields.Integer(metadata=about("Its row in what was sent, from 1."))
    mode = fields.String(validate=validate.OneOf(MODES), metadata=about("How it was to be written."))
    attempts = fields.Integer(metadata=about("How often it was tried to deliver it."))
    created_at = moment("When it was accepted.")
    finished_at = moment("When it ended; null while it waits.", nullable=True)
    trail = fields.List(fields.Dict(), metadata=about("The calls to Crisp: when, which route, what came back."))

    EXAMPLE: ClassVar = {
        **OUTCOME,
        "import_id": None,
        "row": 1,
        "mode": MODES[0],
        "attempts": 1,
        "created_at": "2026-01-15T09:30:00Z",
        "finished_at": "2026-01-15T09:30:01Z",
        "trail": [
            {"at": "2026-01-15T09:30:00Z", "call": "POST people/profile", "answer": 201},
            {"at": "2026-01-15T09:30:01Z", "call": "PATCH people/data/{people_id}", "answer": 200},
        ],
    }


class ImportedOut(Answer):
    """What became of a record of an import."""

    row = fields.Integer(metadata=about("Its row in what was sent, from 1.", 1))
    status = fields.String(validate=validate.OneOf(STATUSES), metadata=about(_HELP["status"], "created"))
    email = fields.String(allow_none=True, metadata=about(_HELP["email"], EMAIL))
    people_id = fields.String(allow_none=True, metadata=about(_HELP["people_id"], PEOPLE_ID))
    notes = fields.List(fields.Nested(NoteOut), metadata=about("What happened to single values.", []))
    calls = fields.Integer(metadata=about(_HELP["calls"], 2))
    outcome_id = fields.String(metadata=about(_HELP["outcome_id"], ID))
    code = fields.String(allow_none=True, metadata=sometimes("Why it was rejected or given up, as a stable word."))
    message = fields.String(metadata=sometimes("The same, in a sentence."))


_COUNTED = {
    key: fields.Integer(metadata=about("Calls to Crisp." if key == "calls" else "Records, as they stand.", count))
    for key, count in ACCEPTED["totals"].items()
}
Totals = Answer.from_dict({key: _COUNTED[key] for key in TOTALS}, name="Totals")
Totals.__doc__ = "How many records stand how."


def progress(state: str = "running", **more: Any) -> dict[str, Any]:
    """An import as it is shown in this state."""
    runs = {"rate_per_second": None, "eta_seconds": 0.4 if state == "running" else None}
    about_it = {"source": "generic", "mode": MODES[0], "file_name": None, "notes": list[Any]()}
    shown = {"id": ID, "state": state, "totals": ACCEPTED["totals"], **runs, "links": _LINKS, **about_it}
    return {**shown, "accepted_at": "2026-01-15T09:30:00Z", **more}


class ImportOut(Answer):
    """Progress of records that were accepted together."""

    EXAMPLE: ClassVar = progress()

    id = fields.String(metadata=about(_HELP["import_id"]))
    state = fields.String(validate=validate.OneOf(STATES), metadata=about(_HELP["state"]))
    totals = fields.Nested(Totals, metadata=about(_HELP["totals"]))
    rate_per_second = fields.Float(allow_none=True, metadata=about("Records delivered per second so far."))
    eta_seconds = fields.Float(allow_none=True, metadata=about("Seconds until the rest is delivered."))
    links = fields.Dict(keys=fields.String(), values=fields.String(), metadata=about("What can be fetched of it."))
    source = fields.String(allow_none=True, metadata=about(_HELP["source"]))
    mode = fields.String(validate=validate.OneOf(MODES), metadata=about("How its records are written."))
    file_name = fields.String(allow_none=True, metadata=about("Of a file: its name."))
    notes = fields.List(fields.Nested(NoteOut), metadata=about("About it as a whole."))
    accepted_at = moment("When all of it was accepted; null while a pull goes on.", nullable=True)


class AcceptedOut(ImportOut):
    """Progress of records that were accepted together."""

    EXAMPLE: ClassVar = {"import_id": ID, **progress()}

    import_id = fields.String(metadata=about(_HELP["import_id"]))


class NothingOut(Answer):
    """The payload was a handshake, or had no records."""

    records = fields.Integer(metadata=about("None.", 0))
    notes = fields.List(fields.Nested(NoteOut), metadata=sometimes("About the payload as a whole."))


class DeletedOut(Answer):
    """It is gone."""

    deleted = fields.Boolean(metadata=about("It is gone."))


class ErrorOut(Answer):
    """One thing that is wrong."""

    field = fields.String(allow_none=True, metadata=about("The field that is wrong.", "email"))
    row = fields.Integer(allow_none=True, metadata=about("Of records: the row that is wrong, from 1.", 1))
    code = fields.String(metadata=about("What is wrong, as a stable word.", "contact_exists"))
    message = fields.String(metadata=about("The same in a sentence, with the remedy.", _SENTENCE))


class ProblemOut(Answer):
    """An error (RFC 9457), with a stable code, one sentence, and what is wrong field by field."""

    type = fields.String(
        metadata=about("Where the documentation explains it.", "/docs#contact_exists", format="uri-reference")
    )
    title = fields.String(metadata=about("What is wrong, in short.", CODES["contact_exists"][1]))
    status = fields.Integer(metadata=about("The HTTP status.", CODES["contact_exists"][0]))
    detail = fields.String(metadata=about("The same as message.", _SENTENCE))
    code = fields.String(metadata=about("What is wrong, as a stable word.", "contact_exists"))
    message = fields.String(metadata=about("What is wrong in a sentence, with the remedy.", _SENTENCE))
    request_id = fields.String(metadata=about("Names the request in the log of the service.", ID))
    errors = fields.List(fields.Nested(ErrorOut), metadata=about("What is wrong, field by field."))
    outcome_id = fields.String(metadata=sometimes("Of a record that was kept: rejected or given up."))
    notes = fields.List(fields.Nested(NoteOut), metadata=sometimes("Of such a record: what happened to its values."))
    calls = fields.Integer(metadata=sometimes("Of such a record: how many calls to Crisp it took."))
