"""Files of records for `send` and `preview`: the options beside them, and reading them."""

import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any

import click

from connector.body import FORMS, read_body, read_json, size
from connector.cli.common import Failed
from connector.crisp.calls import MODES
from connector.errors import Problem
from connector.intake import Options, Reading
from connector.intake.options import country_code, zone_name
from connector.intake.payloads import BATCH_LIMIT, Payloads, of_lines, of_value
from connector.ledger import requests
from connector.manifest import shipped
from connector.services import Services

_LINES, _FORM = (".ndjson", ".jsonl"), ".form"


def checked(check: Callable[[str], str]) -> Callable[..., str | None]:
    """A callback of an option that a check gives its one form."""

    def callback(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
        try:
            return None if value is None else check(value)
        except ValueError as problem:
            raise click.BadParameter(str(problem)) from None

    return callback


def reading_options(command: Any) -> Any:
    """The options of reading a payload, as the HTTP routes have them in their query."""
    sources, country, zone = sorted(shipped().sources), checked(country_code), checked(zone_name)
    for option in (
        click.option("--mapping", metavar="NAME|FILE", help="A saved mapping, or a JSON file: field → path."),
        click.option("--unmapped", type=click.Choice(("note", "data")), default="note", show_default=True),
        click.option("--timezone", metavar="ZONE", default="UTC", callback=zone, help="Zone of times without one."),
        click.option("--country", metavar="CC", callback=country, help="Country of national phone numbers."),
        click.option("--mode", type=click.Choice(MODES), default="upsert", show_default=True),
        click.option("--source", type=click.Choice(sources), help="Do not recognise it: it is this."),
    ):
        command = option(command)
    return command


def read_file(services: Services, connection_id: str, file: str, given: dict[str, Any]) -> tuple[Reading, Options]:
    """The records of a file, `-` for stdin: JSON, XML or a form (`.form`) as the HTTP routes take it, or one JSON
    object per line."""
    payloads = _payloads(file)
    mapping, saved = _mapping(services, connection_id, given["mapping"])
    mapping = payloads.mapping if mapping is None else mapping
    options = Options.given(given, services.manifest, mapping=mapping, saved_mapping=saved)
    return services.intake.reading(payloads.read(options.source), options), options


def _payloads(file: str) -> Payloads:
    stream: IO[bytes]
    if file == "-":
        stream = SpooledTemporaryFile(max_size=1_000_000)  # noqa: SIM115 goes with the process
        stream.write(sys.stdin.buffer.read(BATCH_LIMIT + 1))
    else:
        try:
            stream = Path(file).open("rb")  # noqa: SIM115 read again for every pass
        except OSError as problem:
            raise Failed(f"{file} cannot be read: {problem.strerror}.") from None
    if stream.seek(0, 2) > BATCH_LIMIT:
        raise Problem("body_too_large", limit=size(BATCH_LIMIT))
    stream.seek(0)
    if file.endswith(_LINES) or _has_lines(stream):
        return of_lines(stream)
    return of_value(_whole(stream, FORMS[0] if file.endswith(_FORM) else ""))


def _has_lines(stream: IO[bytes]) -> bool:
    """Whether the first line is a JSON object by itself and another follows."""
    first, second = stream.readline(), stream.readline()
    stream.seek(0)
    try:
        return bool(second.strip()) and isinstance(read_json(first), dict)
    except Problem:
        return False


def _whole(stream: IO[bytes], content_type: str) -> Any:
    stream.seek(0)
    body = stream.read()
    try:
        return read_body(body, content_type)
    except Problem as problem:
        why = "it is empty." if not body.strip() else problem.message
        raise Failed(f"These are no records in JSON or XML: {why}") from None


def _mapping(services: Services, connection_id: str, name: str | None) -> tuple[Any, bool]:
    """A mapping from a file, else one that was saved under this name."""
    if name is None:
        return None, False
    if Path(name).is_file():
        return read_json(Path(name).read_bytes()), False
    with services.ledger.read() as connection:
        saved = requests.get_mapping(connection, connection_id, name)
    if saved is None:
        raise Failed(f"There is neither a file {name} nor a saved mapping of that name.")
    return saved, True
