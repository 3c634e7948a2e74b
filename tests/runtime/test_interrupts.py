"""Interrupts that wait."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from alphacrystal.runtime.interrupts import interrupts_held


@pytest.fixture(autouse=True)
def _python_handles_interrupts() -> None:
    """A background job of a script inherits an ignored SIGINT."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def interrupted_block(done: list[str], number: str = "1") -> None:
    with interrupts_held():
        os.kill(os.getpid(), signal.SIGINT)
        int(number)
        done.append("block")


def test_an_interrupt_waits_for_the_end_of_the_block() -> None:
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        interrupted_block(done)
    assert done == ["block"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_of_the_block_comes_through_and_the_handler_is_restored() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        interrupted_block([], "no number")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_other_threads_may_use_it() -> None:
    done = []

    def work() -> None:
        with interrupts_held():
            done.append("block")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == ["block"]
