"""Ctrl-C in the middle of a step is heard at its end."""

import signal
import threading

import pytest

from connector.cli.interrupts import interrupts_held


def steps(done: list[str], presses: int) -> None:
    """Two steps, in the first of which Ctrl-C is pressed."""
    with interrupts_held() as interrupts:
        for step in ("first", "second"):
            for _ in range(presses):
                signal.raise_signal(signal.SIGINT)
            done.append(step)
            interrupts.check()


def test_it_is_heard_between_two_steps(capfd: pytest.CaptureFixture[str]) -> None:
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        steps(done, presses=1)
    assert done == ["first"]
    assert capfd.readouterr().err == "Stopping after this step. Ctrl-C once more stops at once.\n"


def test_it_is_heard_before_a_rest() -> None:
    rested: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        rests(rested, pressed=True)
    assert not rested


def test_it_ends_a_rest() -> None:
    timer = threading.Timer(0.2, signal.pthread_kill, (threading.get_ident(), signal.SIGINT))
    timer.start()
    rested: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        rests(rested, pressed=False)
    assert not rested


def rests(rested: list[int], *, pressed: bool) -> None:
    with interrupts_held() as interrupts:
        if pressed:
            signal.raise_signal(signal.SIGINT)
        interrupts.wait(30)
        rested.append(30)


def test_twice_is_at_once() -> None:
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        steps(done, presses=2)
    assert not done


def test_afterwards_it_is_as_before() -> None:
    before = signal.getsignal(signal.SIGINT)
    with interrupts_held() as interrupts:
        interrupts.check()
    assert signal.getsignal(signal.SIGINT) is before
