"""Files with columns for `import` and `convert`: bringing one in, and the options beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields as fields_of
from pathlib import Path
from typing import Any

import click

from connector.body import read_json
from connector.cli.common import Failed
from connector.cli.files import checked
from connector.errors import Problem
from connector.file_imports.accepting import Came, Wanted
from connector.file_imports.fetching import fetched
from connector.files.options import ReadOptions
from connector.intake.options import country_code, read_mapping, zone_name
from connector.ledger import requests
from connector.manifest import Manifest
from connector.mapping import UserMapping
from connector.services import Services
from connector.uploads.store import copy

_SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
_ADDRESS = ("https://", "http://")


def _header(_context: click.Context, _parameter: click.Parameter, value: str | None) -> bool | int | None:
    if value is None or value == "none":
        return None if value is None else False
    if not value.isdecimal() or not int(value):
        raise click.BadParameter("Must be none, or the number of the line with the column names.")
    return int(value)


def table_options(command: Any) -> Any:
    """The options of reading a file with columns, as the HTTP routes have them."""
    for option in (
        click.option(
            "--timezone", metavar="ZONE", callback=checked(zone_name), help="Zone of times without one.  [default: UTC]"
        ),
        click.option(
            "--country", metavar="CC", callback=checked(country_code), help="Country of national phone numbers."
        ),
        click.option("--sheet", metavar="NAME", help="The sheet of a workbook."),
        click.option(
            "--header", metavar="LINE|none", callback=_header, help="The line with the column names, if not found."
        ),
        click.option("--encoding", metavar="NAME", help="Such as cp1252, if not found."),
        click.option("--separator", type=click.Choice(list(_SEPARATORS)), help="Between cells, if not found."),
        click.option("--mapping", metavar="NAME|FILE", help="A saved mapping, or a JSON file: field → column."),
    ):
        command = option(command)
    return command


def wanted_of(services: Services, connection_id: str, given: dict[str, Any]) -> Wanted:
    """What the options say. Raises `Failed`, `mapping_invalid`, `mapping_field_unknown`."""
    said = dict(given)
    separator, name = said.pop("separator"), said.pop("mapping")
    read = {each.name: said.pop(each.name) for each in fields_of(ReadOptions) if each.name in said}
    options = ReadOptions(separator=_SEPARATORS.get(separator or ""), **read)
    if name is None:
        return Wanted(options, **said)
    if (mapping := _mapping_file(name, services.manifest)) is not None:
        return Wanted(options, mapping=mapping, **said)
    with services.ledger.read() as connection:
        if requests.get_mapping(connection, connection_id, name) is None:
            raise Failed(f"There is neither a file {name} nor a saved mapping of that name.")
    return Wanted(options, saved=name, **said)


def _mapping_file(name: str, manifest: Manifest) -> UserMapping | None:
    """The mapping in a file of this name; None when there is no such file."""
    try:
        if not Path(name).is_file():
            return None
        return read_mapping(read_json(Path(name).read_bytes()), manifest)
    except OSError as problem:
        raise Failed(f"{name} cannot be read: {problem.strerror}.") from None
    except Problem as problem:
        if problem.code.startswith("mapping_"):
            raise
        raise Failed(f'{name} is no mapping. It must be JSON, like {{"email": "Mail", "phone": ["Mobile"]}}.') from None


@contextmanager
def came_in(services: Services, file: str) -> Iterator[Came]:
    """A file of this machine, or of an address, on its way into the store."""
    with services.store.incoming() as coming:
        if is_address(file):
            yield Came.whole(coming, fetched(services, file, coming))
            return
        try:
            copy(Path(file), coming)
        except OSError as problem:
            raise Failed(f"{file} cannot be read: {problem.strerror}.") from None
        yield Came.whole(coming, Path(file).name)


def is_address(file: str) -> bool:
    """Whether this is to be fetched."""
    return file.lower().startswith(_ADDRESS)


def save_mapping_as(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """The name of a mapping that is to be saved."""
    if value is not None and ("/" in value or not 0 < len(value) <= 128):
        raise click.BadParameter("Must be 1 to 128 characters, without a slash.")
    return value
