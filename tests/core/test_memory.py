"""How a process treats its memory."""

import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator

import pytest

from connector.memory import calm_the_collector, loading


class _Ring:
    """What only the collector can free."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    gc.enable()


def test_the_collector_rests_while_a_program_is_loaded() -> None:
    with loading():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_works_again_when_something_cannot_be_loaded() -> None:
    with pytest.raises(ImportError), loading():
        raise ImportError
    assert gc.isenabled()


def test_it_rests_on_where_it_rested() -> None:
    gc.disable()
    with loading():
        pass
    assert not gc.isenabled()


def test_so_a_command_is_loaded() -> None:
    program = "import gc; from connector.cli import main; main.get_command(None, 'status'); "
    command = [sys.executable, "-c", program + "print(gc.get_freeze_count())"]
    told = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(told.stdout) > 10_000


def test_what_became_garbage_meanwhile_is_freed_before_a_process_runs_for_long() -> None:
    with loading():
        ring = weakref.ref(_Ring())
    gc.collect()
    assert ring() is not None, "it was not kept as what is loaded is"
    calm_the_collector()
    assert ring() is None
    assert gc.get_freeze_count() > 0
