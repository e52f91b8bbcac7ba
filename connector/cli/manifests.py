"""`manifests`: builds the packages of no-code platforms, and compares them with what was built before."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from connector import packages
from connector.app import openapi
from connector.cli.common import as_json, explained, messages, print_json, results
from connector.manifest import load, manifests_root
from connector.platforms import EXAMPLE
from connector.platforms.base import Told

_FOLDER = click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder with a folder for each platform; that of the checkout, unless you say another.",
)
_ADDRESS = click.option("--address", default=EXAMPLE, show_default=True, help="Where your service answers.")


@click.group()
def manifests() -> None:
    """The packages of no-code platforms: Zapier, n8n, Make, Power Automate and others.

    They are made of the manifests, in which every field, action and trigger stands once.

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
    for key, package in built.items():
        packages.write(folder / key, package)
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
    differs = {key: packages.compare(folder / key, package) for key, package in built.items()}
    ours = _is_ours(folder) and (folder.parent / "errors.json").read_bytes() != packages.errors()
    rows = [{"platform": key, **counts[key]._asdict(), "differences": each.count} for key, each in differs.items()]
    _show(rows, json_)
    for line in (*_lines(differs), *(["errors.json differs"] if ours else [])):
        messages.print(line)
    if ours or any(each.count for each in differs.values()):
        raise click.exceptions.Exit(1)


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
