"""Imports of files: what would become of one, accepting it, stopping and going on, and what comes back as files."""

from collections.abc import Iterator
from typing import Any

from flask import Response
from marshmallow import Schema, fields
from structlog.contextvars import bind_contextvars

from connector.api.access import caller, connection_id, needs, services
from connector.api.again import answered_once
from connector.api.answers import answer, base_url
from connector.api.blueprint import Blueprint
from connector.api.incoming import once
from connector.api.schemas import ImportOut, NoteOut, Totals
from connector.api.uploads import upload
from connector.errors import Problem
from connector.file_imports import crisp_ready
from connector.file_imports.accepting import import_file, opened
from connector.file_imports.failures import failures
from connector.file_imports.preview import previewed
from connector.files.writing import written
from connector.imports import import_as_json
from connector.intake import Once
from connector.ledger import importing, requests
from connector.moving import cancel, pause, resume
from connector.replaying import replay

blueprint = Blueprint("imports", __name__, url_prefix="/v1/imports", description="Files in, and what became of them.")
_CSV = "text/csv; charset={}"
_OPTIONS = {"type": "object", "description": "How the file is read, and what becomes of it."}
_MAPPING = {"description": "Contact field → column or list of columns; or the name of a saved mapping."}
_BODY = {
    "description": "A CSV file or a spreadsheet as the form field `file`, or a JSON object with its address as `url`.",
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    "mapping": {**_MAPPING, "type": "string"},
                    "options": {"type": "string", "description": "A JSON object, as in the JSON body."},
                },
            }
        },
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["url"],
                "properties": {
                    "url": {"type": "string", "format": "uri"},
                    "mapping": {**_MAPPING, "type": ["string", "object"]},
                    "options": _OPTIONS,
                },
            }
        },
    },
}
_FAILS = (
    *("file_missing", "file_cut", "file_too_large", "file_bomb", "file_empty", "file_no_rows", "file_kind_unknown"),
    *("file_password", "file_broken", "zip_several", "zip_unsafe", "file_too_many_columns", "file_too_many_rows"),
    *("cell_too_long", "sheet_missing", "email_column_missing", "mapping_column_missing", "mapping_missing"),
    *("header_unclosed", "mapping_invalid", "mapping_field_unknown", "request_invalid", "body_too_large"),
    *("parameter_invalid", "files_unavailable", "url_refused", "url_failed", "url_not_file"),
)


class FilePreviewOut(Schema):
    """What a file is, which column feeds which field, and what would become of its rows."""

    file = fields.Dict()
    export = fields.Raw(metadata={"type": ["object", "null"]})
    saved_mapping = fields.String(allow_none=True)
    columns = fields.List(fields.Dict())
    mapping = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))
    contacts = fields.List(fields.Dict())
    problems = fields.List(fields.Dict())
    duplicates = fields.List(fields.Dict())
    totals = fields.Nested(Totals)
    days = fields.Integer()
    eta_seconds = fields.Float()
    finishes_at = fields.String(metadata={"format": "date-time"})
    dashboard = fields.Raw(metadata={"type": ["object", "null"]})
    notes = fields.List(fields.Nested(NoteOut))


class ReplayedOut(ImportOut):
    """The import, and how many of its records are sent again."""

    replayed = fields.Integer()
    not_replayable = fields.Integer()


@blueprint.route("", methods=["POST"])
@needs("write")
@blueprint.response(202, ImportOut)
@blueprint.fails(*_FAILS, "file_no_valid_row", "idempotency_mismatch")
@blueprint.doc(requestBody=_BODY, parameters=[])
def import_a_file() -> Response:
    """Import a file: a CSV, XLSX, XLS or ODS, or the address of one."""
    with upload() as sent:
        key = once(sent.digest)
        import_id = _made_before(key) if key else None
        if import_id is None:
            import_id = import_file(services(), connection_id(), sent.came(), sent.wanted, once=key)
    bind_contextvars(import_id=import_id)
    return _shown(import_id, 202)


def _made_before(key: Once) -> str | None:
    """The import of the same request: what is at an address need not be fetched again, and may be gone by now."""
    with services().ledger.read() as connection:
        first = key.same(requests.get_once(connection, connection_id(), key.key, services().courier.clock()))
    return first.import_id if first is not None else None


@blueprint.route("/preview", methods=["POST"])
@needs("read")
@blueprint.response(200, FilePreviewOut)
@blueprint.fails(*_FAILS)
@blueprint.doc(requestBody=_BODY, parameters=[])
def preview_a_file() -> Response:
    """Show what would become of a file; write nothing."""
    with upload() as sent:
        came, wanted = sent.came(), sent.wanted
        with opened(services(), connection_id(), came.coming.path, wanted) as file:
            return answer(previewed(services(), caller().connection, came, file, wanted))


@blueprint.route("/<import_id>/failures.csv", methods=["GET"])
@needs("read")
@blueprint.response(200, {"type": "string"}, content_type="text/csv")
@blueprint.fails("import_missing", "import_without_file", "file_forgotten")
def failures_of(import_id: str) -> Response:
    """The rows that failed, with the reasons, to be corrected and imported again."""
    row = _row(import_id)
    chunks = failures(services(), row)
    encoding = (row.reading or {}).get("encoding") or "utf-8"
    return _file(chunks, f"{_stem(row)}-failures.csv", encoding)


@blueprint.route("/<import_id>/crisp.csv", methods=["GET"])
@needs("read")
@blueprint.response(200, {"type": "string"}, content_type="text/csv")
@blueprint.fails("import_missing", "file_forgotten")
def crisp_csv(import_id: str) -> Response:
    """The contacts of an import as Crisp's own Contacts page imports them, which costs no API call."""
    row = _row(import_id)
    contacts = crisp_ready.of_import(services().ledger, row.id)
    rows = crisp_ready.rows(contacts, crisp_ready.columns_of(services().manifest.fields))
    return _file(written(rows), f"{_stem(row)}-crisp.csv", "utf-8")


@blueprint.route("/<import_id>/pause", methods=["POST"])
@needs("write")
@blueprint.response(200, ImportOut)
@blueprint.fails("import_missing", "import_state")
@answered_once
def pause_import(import_id: str) -> Response:
    """Let nothing more of an import go out; what is on its way arrives."""
    pause(services(), connection_id(), import_id)
    return _shown(import_id)


@blueprint.route("/<import_id>/resume", methods=["POST"])
@needs("write")
@blueprint.response(200, ImportOut)
@blueprint.fails("import_missing", "import_state")
@answered_once
def resume_import(import_id: str) -> Response:
    """Go on with an import that was paused or began with a limit."""
    resume(services(), connection_id(), import_id)
    return _shown(import_id)


@blueprint.route("/<import_id>/cancel", methods=["POST"])
@needs("write")
@blueprint.response(200, ImportOut)
@blueprint.fails("import_missing", "import_state")
@answered_once
def cancel_import(import_id: str) -> Response:
    """End an import: what was not told to Crisp yet is rejected as `import_cancelled`, and can be replayed."""
    cancel(services(), connection_id(), import_id)
    return _shown(import_id)


@blueprint.route("/<import_id>/replay", methods=["POST"])
@needs("write")
@blueprint.response(202, ReplayedOut)
@blueprint.fails("import_missing")
@answered_once
def replay_import(import_id: str) -> Response:
    """Send the rejected and dead records of an import again; those without a usable contact must be corrected first."""
    done = replay(services(), connection_id(), {"import_id": import_id})
    return _shown(import_id, 202, replayed=done.count, not_replayable=done.not_replayable)


def _row(import_id: str) -> Any:
    with services().ledger.read() as connection:
        row = importing.get_import(connection, connection_id(), import_id)
    if row is None or row.accepted_at is None:
        raise Problem("import_missing")
    return row


def _shown(import_id: str, status: int = 200, **more: Any) -> Response:
    with services().ledger.read() as connection:
        row = importing.get_import(connection, connection_id(), import_id)
        if row is None:
            raise Problem("import_missing")
        now, reserve = services().courier.clock(), services().settings.reserve
        shown = import_as_json(connection, row, base_url(), now, reserve=reserve)
    return answer({"import_id": import_id, **shown, **more}, status)


def _stem(row: Any) -> str:
    """The file's name without its ending, in characters that every header takes."""
    name = (row.file_name or "import").rsplit(".", 1)[0]
    return (
        "".join(char if char.isascii() and (char.isalnum() or char in "-_") else "_" for char in name)[:80] or "import"
    )


def _file(chunks: Iterator[bytes], name: str, encoding: str) -> Response:
    response = Response(chunks, content_type=_CSV.format(encoding))
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
