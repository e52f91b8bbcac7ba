"""Files: from the bytes of a file to an import, or to what would become of it."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from connector.crisp.calls import Mode
from connector.errors import Detail, Problem
from connector.files.matching import Match, email_candidates, fits, match, missing_columns
from connector.files.options import ReadOptions
from connector.files.reading import read_table
from connector.files.table import Table
from connector.intake import Once, Options, Reading
from connector.intake.batch import FileFacts, GivenUp, not_kept
from connector.intake.options import read_mapping, shown_mapping
from connector.intake.tables import payloads
from connector.ledger import requests
from connector.mapping import UserMapping
from connector.services import Services
from connector.uploads import forgetting
from connector.uploads.store import Incoming

# Rows of a file that are taken, and those whose values are looked at to match columns.
MOST_ROWS = 1_000_000
_LOOKED_AT = 200
_NAME_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody says of a file beside the file. `mapping`: given with it; `saved`: the name of a saved one;
    `limit`: so many contacts go out at first; `forget`: the file is not kept."""

    read: ReadOptions = field(default_factory=ReadOptions)
    mode: Mode = "upsert"
    country: str | None = None
    timezone: str = "UTC"
    mapping: UserMapping = ()
    saved: str | None = None
    limit: int | None = None
    forget: bool = False


@dataclass(frozen=True)
class Opened:
    """A file that is read: its table, its columns, the saved mapping that was used, and its records."""

    table: Table
    match: Match
    saved: str | None
    reading: Reading


@dataclass(frozen=True, slots=True)
class Came:
    """A file that has come in whole: where it is, its hash, its size in bytes, and what it was called."""

    coming: Incoming
    digest: str
    name: str = field(default="")

    @classmethod
    def of(cls, coming: Incoming, digest: str, name: str | None) -> "Came":
        """A finished one. The name loses its folders, and what cannot be shown."""
        base = (name or "").replace("\\", "/").rsplit("/", 1)[-1]
        shown = "".join(char for char in base if char.isprintable())[:_NAME_LENGTH]
        return cls(coming, digest, shown or "file")

    @classmethod
    def whole(cls, coming: Incoming, name: str | None) -> "Came":
        """Finishes it."""
        return cls.of(coming, coming.finish(), name)


@contextmanager
def opened(services: Services, connection_id: str, path: Path, wanted: Wanted) -> Iterator[Opened]:
    """Reads a file and matches its columns. Raises `Problem`: what `read_table` raises, mapping_missing,
    mapping_column_missing, email_column_missing, file_no_rows, file_too_many_rows."""
    with read_table(path, wanted.read) as table:
        given, saved = _given(services, connection_id, table, wanted)
        matched = match(table, services.manifest, list(islice(table.rows(), _LOOKED_AT)), given=given)
        if not any(each == "email" for each, _ in matched.mapping):
            raise Problem("email_column_missing", candidates=email_candidates(matched))
        yield Opened(table, matched, saved, _reading(services, table, matched.mapping, wanted))


def _reading(services: Services, table: Table, mapping: UserMapping, wanted: Wanted) -> Reading:
    options = Options(mode=wanted.mode, country=wanted.country, timezone=wanted.timezone, mapping=mapping)
    now = datetime.fromtimestamp(services.courier.clock() / 1000, UTC)
    read = payloads(table, mapping)
    try:
        reading = Reading(read, options, services.manifest, now, most=MOST_ROWS, whole=True)
    except Problem as problem:
        many = problem.code == "too_many_records"
        raise Problem("file_too_many_rows", **problem.facts) if many else problem from None
    if not reading.count:
        raise Problem("file_no_rows")
    return reading


def _given(services: Services, connection_id: str, table: Table, wanted: Wanted) -> tuple[UserMapping, str | None]:
    """The mapping that was given or named, or the saved one that fits best, and its name."""
    if wanted.mapping:
        _check_columns(wanted.mapping, table)
        return wanted.mapping, None
    with services.ledger.read() as connection:
        if wanted.saved is not None:
            rows = requests.get_mapping(connection, connection_id, wanted.saved)
            if rows is None:
                raise Problem("mapping_missing")
            mapping = read_mapping(rows, services.manifest)
            _check_columns(mapping, table)
            return mapping, wanted.saved
        saved = requests.list_mappings(connection, connection_id)
    found = [(read_mapping(row.rows, services.manifest), row.name) for row in saved]
    fitting = [(mapping, name) for mapping, name in found if fits(mapping, table)]
    return max(fitting, key=lambda each: len(each[0]), default=((), None))


def _check_columns(mapping: UserMapping, table: Table) -> None:
    missing = missing_columns(mapping, table)
    if not missing:
        return
    columns = ", ".join(table.columns[:20])
    problems = [
        Problem("mapping_column_missing", column=column, field=field_, columns=columns) for field_, column in missing
    ]
    problems[0].errors = tuple(Detail(each.message, each.code, each.facts["field"]) for each in problems)
    raise problems[0]


def import_file(
    services: Services,
    connection_id: str,
    came: Came,
    wanted: Wanted,
    *,
    once: Once | None = None,
    told: Callable[[int, int], None] | None = None,
) -> str:
    """Keeps a file and accepts its rows; the id of the import. What is refused is not kept.

    `told` hears how many rows have come in, of how many. While the same file is imported in the same way, it is one
    import. Raises what `opened` raises, `file_no_valid_row`, `files_unavailable`, `idempotency_mismatch`.
    """

    def heard(count: int) -> None:
        if told:
            told(count, file.reading.count)

    with opened(services, connection_id, came.coming.path, wanted) as file:
        keep = not_kept if wanted.forget else partial(services.store.keep, connection_id, came.coming, came.digest)
        facts = _facts(came, file, wanted, keep)
        try:
            import_id = _accepted(services, connection_id, file.reading, wanted.mode, once=once, file=facts, told=heard)
            if once:
                _remember(services, connection_id, once, import_id)
        finally:
            if not wanted.forget:  # when it was refused, or its request has made an import of another file before
                forgetting.drop_unused(services.ledger, services.store, connection_id, came.digest)
    return import_id


def _accepted(services: Services, *args: Any, **more: Any) -> str:
    """The id of the import; begun again when another request took its place while this one was thought dead."""
    while True:
        with suppress(GivenUp):
            return str(services.intake.many(*args, **more))


def _remember(services: Services, connection_id: str, once: Once, import_id: str) -> None:
    """An import that another request had begun is this key's as well."""
    with services.ledger.write(durable=True) as connection:
        if once.taken(connection, connection_id, services.courier.clock()) is None:
            requests.made(connection, connection_id, once.key, import_id=import_id)


def _facts(came: Came, file: Opened, wanted: Wanted, keep: Callable[[], None]) -> FileFacts:
    table = file.table
    read = {
        "separator": table.separator.value if table.separator else None,
        "encoding": table.encoding.value if table.encoding else None,
        "header": table.header_line or False,
        "sheet": table.sheet,
    }
    about = {"mode": wanted.mode, "country": wanted.country, "timezone": wanted.timezone, "limit": wanted.limit}
    mapping = {name: list(paths) for name, paths in shown_mapping(file.match.mapping).items()}
    asked = json.dumps([came.digest, read, mapping, about, wanted.forget], sort_keys=True)
    reading = {**read, "mapping": mapping, "export": file.match.export, "saved": file.saved}
    fingerprint = hashlib.sha256(asked.encode()).hexdigest()
    return FileFacts(None if wanted.forget else came.digest, came.name, reading, fingerprint, wanted.limit, keep)


@contextmanager
def kept(services: Services, row: Any) -> Iterator[Table]:
    """The table of the file that an import came in. Raises `import_without_file`, `file_forgotten`."""
    if row.file is None:
        raise Problem("file_forgotten" if row.reading else "import_without_file")
    options = ReadOptions(**{name: row.reading[name] for name in asdict(ReadOptions())})
    with services.store.local(row.connection_id, row.file) as path:
        try:
            table = read_table(path, options)
        except FileNotFoundError:  # dropped just now
            raise Problem("file_forgotten") from None
        with table:
            yield table


def mapping_of(row: Any) -> Mapping[str, list[str]]:
    """Contact field → columns, as the import of a file used them."""
    return dict((row.reading or {}).get("mapping") or {})
