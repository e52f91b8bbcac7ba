"""Imports of files: what would become of one, accepting it, stopping and going on, and what comes back as files."""

from collections.abc import Iterator
from typing import Any

from flask import Response
from structlog.contextvars import bind_contextvars

from connector.api.access import caller, connection_id, needs, services
from connector.api.again import answered_once, keyed
from connector.api.answers import answer, base_url
from connector.api.blueprint import Blueprint
from connector.api.failures import BODY, SAVED_MAPPING
from connector.api.file_examples import CRISP_READY, FAILED
from connector.api.import_schemas import BODY as FILE_BODY
from connector.api.import_schemas import FilePreviewOut, ReplayedImportOut
from connector.api.incoming import once
from connector.api.shapes import ACCEPTED, ID, AcceptedOut, progress
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

blueprint = Blueprint(
    "imports",
    __name__,
    url_prefix="/v1/imports",
    description="Files of contacts: look at them, import them, stop and go on, and get back what failed.",
)
_CSV = "text/csv; charset={}"
_CANCELLED = progress("cancelled", import_id=ID, totals={**ACCEPTED["totals"], "rejected": 2, "waiting": 0})
_FAILS = (
    *BODY,
    *("file_missing", "file_cut", "file_too_large", "file_bomb", "file_empty", "file_no_rows", "file_kind_unknown"),
    *("file_password", "file_broken", "zip_several", "zip_unsafe", "file_too_many_columns", "file_too_many_rows"),
    *("cell_too_long", "sheet_missing", "email_column_missing", "mapping_column_missing", "mapping_missing"),
    *("header_unclosed", *SAVED_MAPPING, "parameter_invalid/options", "files_unavailable"),
    *("url_refused", "url_failed", "url_not_file"),
)


@blueprint.route("", methods=["POST"])
@needs("write")
@blueprint.response(202, AcceptedOut, description="The file is accepted; the import tells what becomes of its rows.")
@blueprint.fails(*_FAILS, "file_no_valid_row")
@blueprint.doc(requestBody=FILE_BODY)
@keyed
def import_a_file() -> Response:
    """Import a file.

    A CSV, XLSX, XLS or ODS, or the address of one, such as the link to a Google Sheet. Columns are known by their
    names. With options.limit, so many rows go out at first and the others wait.
    """
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
@blueprint.doc(requestBody=FILE_BODY)
def preview_a_file() -> Response:
    """Preview a file.

    What it is, which column feeds which contact field, and what would become of its rows. Nothing is written.
    """
    with upload() as sent:
        came, wanted = sent.came(), sent.wanted
        with opened(services(), connection_id(), came.coming.path, wanted) as file:
            return answer(previewed(services(), caller().connection, came, file, wanted))


@blueprint.route("/<import_id>/failures.csv", methods=["GET"])
@needs("read")
@blueprint.response(200, {"type": "string"}, content_type="text/csv", description="The file.", example=FAILED)
@blueprint.fails("import_missing", "import_without_file", "file_forgotten", "files_unavailable")
def get_import_failures(import_id: str) -> Response:
    """Download the rows that failed.

    As they stood in the file, each with the reason, to be corrected and imported again.
    """
    row = _row(import_id)
    chunks = failures(services(), row)
    encoding = (row.reading or {}).get("encoding") or "utf-8"
    return _file(chunks, f"{_stem(row)}-failures.csv", encoding)


@blueprint.route("/<import_id>/crisp.csv", methods=["GET"])
@needs("read")
@blueprint.response(200, {"type": "string"}, content_type="text/csv", description="The file.", example=CRISP_READY)
@blueprint.fails("import_missing", "file_forgotten")
def get_import_crisp_csv(import_id: str) -> Response:
    """Download a file for Crisp's own import.

    The contacts of an import as Crisp's Contacts page imports them, which costs no API call.
    """
    row = _row(import_id)
    contacts = crisp_ready.of_import(services().ledger, row.id)
    rows = crisp_ready.rows(contacts, crisp_ready.columns_of(services().manifest.fields))
    return _file(written(rows), f"{_stem(row)}-crisp.csv", "utf-8")


@blueprint.route("/<import_id>/pause", methods=["POST"])
@needs("write")
@blueprint.response(200, AcceptedOut, example=progress("paused", import_id=ID))
@blueprint.fails("import_missing", "import_state/paused")
@answered_once
def pause_import(import_id: str) -> Response:
    """Pause an import.

    Nothing more of it goes out; what is on its way arrives.
    """
    pause(services(), connection_id(), import_id)
    return _shown(import_id)


@blueprint.route("/<import_id>/resume", methods=["POST"])
@needs("write")
@blueprint.response(200, AcceptedOut)
@blueprint.fails("import_missing", "import_state/resumed")
@answered_once
def resume_import(import_id: str) -> Response:
    """Resume an import.

    It goes on after it was paused, or beyond the limit that it began with.
    """
    resume(services(), connection_id(), import_id)
    return _shown(import_id)


@blueprint.route("/<import_id>/cancel", methods=["POST"])
@needs("write")
@blueprint.response(200, AcceptedOut, example=_CANCELLED)
@blueprint.fails("import_missing", "import_state/cancelled")
@answered_once
def cancel_import(import_id: str) -> Response:
    """Cancel an import.

    What was not told to Crisp yet is rejected as `import_cancelled`, and can be replayed.
    """
    cancel(services(), connection_id(), import_id)
    return _shown(import_id)


@blueprint.route("/<import_id>/replay", methods=["POST"])
@needs("write")
@blueprint.response(202, ReplayedImportOut)
@blueprint.fails("import_missing")
@answered_once
def replay_import(import_id: str) -> Response:
    """Send the failed records of an import again.

    Rejected and dead records wait again. Those without a usable contact must be corrected and sent anew.
    """
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
