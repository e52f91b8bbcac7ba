"""Runs every benchmark, or those that are named, and prints a table: what, on which database, figure, goal."""

import sys
from collections.abc import Callable, Iterator

import click

from benchmarks import (
    accepting,
    arriving,
    batch,
    beside,
    databases,
    delivering,
    files,
    importing,
    live,
    packages,
    pages,
    pulling,
    receiving,
    spreading,
    telling,
    translation,
)
from benchmarks.databases import POSTGRESQL, SQLITE
from benchmarks.report import Figure

_ALL: dict[str, Callable[..., Iterator[Figure]]] = {
    "translation": translation.measure,
    "accepting": accepting.measure,
    "delivering": delivering.measure,
    "spreading": spreading.measure,
    "live": live.measure,
    "batch": batch.measure,
    "beside": beside.measure,
    "files": files.measure,
    "importing": importing.measure,
    "telling": telling.measure,
    "receiving": receiving.measure,
    "arriving": arriving.measure,
    "pulling": pulling.measure,
    "packages": packages.measure,
    "pages": pages.measure,
}
# On which databases a benchmark runs that is about one; what takes long is on the other when that is asked for.
_ON = {
    "accepting": (SQLITE, POSTGRESQL),
    "delivering": (SQLITE,),
    "spreading": (SQLITE,),
    "live": (SQLITE, POSTGRESQL),
    "batch": (SQLITE,),
    "beside": (SQLITE,),
    "importing": (SQLITE,),
    "telling": (SQLITE, POSTGRESQL),
    "receiving": (SQLITE, POSTGRESQL),
    "arriving": (SQLITE, POSTGRESQL),
    "pages": (SQLITE,),
}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(_ALL)))
@click.option("--on", type=click.Choice(databases.ALL, case_sensitive=False), help="This database alone.")
def main(names: tuple[str, ...], on: str | None) -> None:
    """Ends with 1 when a figure misses its goal."""
    missed = 0
    for name in names or _ALL:
        for figure in _figures(name, on):
            print(figure, flush=True)
            missed += not figure.met
    sys.exit(1 if missed else 0)


def _figures(name: str, on: str | None) -> Iterator[Figure]:
    if name not in _ON:
        return _ALL[name]()
    return _ALL[name](databases.present((on,) if on else _ON[name]))


if __name__ == "__main__":
    main()
