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
from connector.errors import Problem
from connector.file_imports.choosing import Chosen, chosen, columns_hash
from connector.files.matching import Match, email_candidates, match
from connector.files.options import ReadOptions
from connector.files.reading import read_table
from connector.files.table import Table
from connector.intake import Once, Options, Reading
from connector.intake.batch import FileFacts, GivenUp, not_kept
from connector.intake.options import shown_mapping
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
    timezone: str | None = None
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
        with services.ledger.read() as connection:
            manifest, given, named = services.manifest, wanted.mapping, wanted.saved
            how = chosen(connection, connection_id, table, manifest, given=given, named=named)
        matched = match(table, services.manifest, list(islice(table.rows(), _LOOKED_AT)), given=how.mapping)
        if not any(each == "email" for each, _ in matched.mapping):
            raise Problem("email_column_missing", candidates=email_candidates(matched))
        yield Opened(table, matched, how.saved, _reading(services, table, matched.mapping, wanted, how))


def _reading(services: Services, table: Table, mapping: UserMapping, wanted: Wanted, how: Chosen) -> Reading:
    country, zone = wanted.country or how.country, wanted.timezone or how.timezone or "UTC"
    options = Options(mode=wanted.mode, country=country, timezone=zone, mapping=mapping)
    now = datetime.fromtimestamp(services.courier.clock() / 1000, UTC)
    read = payloads(table, mapping)
    try:
        orders = how.date_orders
        reading = Reading(read, options, services.manifest, now, most=MOST_ROWS, whole=True, date_orders=orders)
    except Problem as problem:
        many = problem.code == "too_many_records"
        raise Problem("file_too_many_rows", **problem.facts) if many else problem from None
    if not reading.count:
        raise Problem("file_no_rows")
    reading.notes.extend(how.notes)
    return reading


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
        # What was found to be no header is found again by the same look: a title above the rows stays a title.
        "header": table.header_line or wanted.read.header,
        "sheet": table.sheet,
    }
    about = {"mode": wanted.mode, "country": wanted.country, "timezone": wanted.timezone, "limit": wanted.limit}
    mapping = {name: list(paths) for name, paths in shown_mapping(file.match.mapping).items()}
    asked = json.dumps([came.digest, read, mapping, about, wanted.forget], sort_keys=True)
    reading = {**read, **_beside(table, file, wanted), "mapping": mapping, "export": file.match.export}
    fingerprint = hashlib.sha256(asked.encode()).hexdigest()
    digest = None if wanted.forget else came.digest
    return FileFacts(digest, came.name, reading, fingerprint, wanted.limit, came.coming.size, keep)


def _beside(table: Table, file: Opened, wanted: Wanted) -> dict[str, Any]:
    """What is remembered beside the mapping: by which columns the rows that failed are known again when they come
    back, how the others were read, and what was asked for."""
    given = {**file.reading.given, "date_orders": file.reading.date_orders}
    return {"columns": columns_hash(table), "saved": file.saved, "forget": wanted.forget, **given}


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
