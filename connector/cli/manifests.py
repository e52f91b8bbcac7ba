"""`manifests`: builds the packages of no-code platforms, and compares them with what was built before."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from rich.table import Table

from connector import packages
from connector.app import openapi
from connector.cli.common import Failed, as_json, explained, messages, print_json, results
from connector.manifest import load, manifests_root
from connector.platforms import EXAMPLE
from connector.platforms.base import Files, Told

_FOLDER = click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder with a folder for each platform; that of the checkout, unless you say another.",
)


def _an_address(_context: click.Context, _parameter: click.Parameter, given: str) -> str:
    """Packages are made of it as it is: it must be an address, and nothing else (of letters beyond ASCII, punycode)."""
    try:
        parts = urlsplit(given)
        fits = parts.hostname is not None and parts.port != 0 and _ALONE.fullmatch(given) is not None
    except ValueError:  # a port that is no number, for instance
        fits = False
    if not fits:
        raise click.BadParameter(f"Give an address such as {EXAMPLE}: http or https, a host, and a path if need be.")
    return given


_ALONE = re.compile(r"https?://[A-Za-z0-9.:\[\]_~/%-]+")
_ADDRESS = click.option(
    "--address", default=EXAMPLE, show_default=True, callback=_an_address, help="Where your service answers."
)


@click.group()
def manifests() -> None:
    """The packages of no-code platforms: Zapier, n8n, Make, Power Automate and others.

    They are made of the manifests, in which every field, action and trigger stands once. In a folder of your own, what
    you and the platforms' tools added stays.

    \b
    Example:
      crisp-connector manifests build --to packages
    """


@manifests.command()
@_FOLDER
@_ADDRESS
@as_json
@explained
def build(folder: Path | None, address: str, json_: bool) -> None:
    """Build every package, with your address filled in.

    \b
    Example:
      crisp-connector manifests build --to packages --address https://connector.example.com
    """
    about, folder = _told(address), _folder(folder)
    if _is_ours(folder):
        (folder.parent / "errors.json").write_bytes(packages.errors())
    built = packages.packages(about)
    with _explained():
        for key, package in built.items():
            _write(folder, key, package)
    rows = [{"platform": key, "files": len(package), "folder": str(folder / key)} for key, package in built.items()]
    _show(rows, json_)


@manifests.command()
@_FOLDER
@_ADDRESS
@as_json
@explained
def check(folder: Path | None, address: str, json_: bool) -> None:
    """Compare the packages with what was built before; exit code 1 when anything differs.

    \b
    Example:
      crisp-connector manifests check --to packages
    """
    about, folder = _told(address), _folder(folder)
    built = packages.packages(about)
    counts = packages.counts(built)
    with _explained():
        differs = {key: _compared(folder, key, package) for key, package in built.items()}
    ours = _is_ours(folder) and (folder.parent / "errors.json").read_bytes() != packages.errors()
    rows = [{"platform": key, **counts[key]._asdict(), "differences": each.count} for key, each in differs.items()]
    _show(rows, json_)
    for line in (*_lines(differs), *(["errors.json differs"] if ours else [])):
        messages.print(line)
    if ours or any(each.count for each in differs.values()):
        raise click.exceptions.Exit(1)


@contextmanager
def _explained() -> Iterator[None]:
    """Says which file cannot be read or written."""
    try:
        yield
    except packages.Unreadable as problem:
        raise Failed(str(problem)) from None
    except OSError as problem:
        raise Failed(f"{problem.filename}: {problem.strerror}.") from None


def _write(folder: Path, key: str, package: Files) -> None:
    packages.write(folder / key, _kept(folder, key, package))
    if _is_ours(folder):
        packages.clean(folder / key, package)


def _kept(folder: Path, key: str, package: Files) -> Files:
    return package if _is_ours(folder) else packages.kept(folder / key, key, package)


def _compared(folder: Path, key: str, package: Files) -> packages.Compared:
    """In a folder of one's own may be more than the package."""
    found = packages.compare(folder / key, _kept(folder, key, package))
    return found if _is_ours(folder) else replace(found, spare=())


def _lines(differs: Mapping[str, packages.Compared]) -> list[str]:
    """What differs, a line for each file."""
    return [
        f"{key}/{path} {what}"
        for key, each in differs.items()
        for what, paths in (("is missing", each.missing), ("is none of it", each.spare), ("differs", each.changed))
        for path in paths
    ]


def _show(rows: list[dict[str, Any]], json_: bool) -> None:
    if json_:
        print_json(rows)
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(f"{value:,}" if isinstance(value, int) else str(value) for value in row.values()))
    results.print(table)


def _told(address: str) -> Told:
    return packages.told(load(), openapi(), address)


def _folder(given: Path | None) -> Path:
    return given or Path(str(manifests_root())) / "platforms"


def _is_ours(folder: Path) -> bool:
    """Whether it is that of the checkout, where what is made of the code stands beside it."""
    return folder.resolve() == (Path(str(manifests_root())) / "platforms").resolve()
