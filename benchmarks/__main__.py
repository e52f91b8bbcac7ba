"""Runs every benchmark, or those that are named, and prints a table: what, figure, goal."""

import sys
from collections.abc import Callable, Iterator

from benchmarks import accepting, delivering, live, translation
from benchmarks.report import Figure

_ALL: dict[str, Callable[[], Iterator[Figure]]] = {
    "translation": translation.measure,
    "accepting": accepting.measure,
    "delivering": delivering.measure,
    "live": live.measure,
}


def main(names: list[str]) -> int:
    """1 when a figure misses its goal."""
    missed = 0
    for name in names or _ALL:
        for figure in _ALL[name]():
            print(figure, flush=True)
            missed += not figure.met
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
