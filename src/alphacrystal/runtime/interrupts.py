"""Deferral of SIGINT and SIGTERM to the end of a block."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class InterruptHold:
    """A block that neither SIGINT nor SIGTERM interrupts; a signal takes effect at the end of the block.

    In other threads than the main one this has no effect, since signals never reach those.
    """

    def __init__(self) -> None:
        self._arrived: list[int] = []
        self._handlers: dict[int, Any] = {}
        self._active = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> Self:
        self._hold()
        return self

    def __exit__(self, error_type: type[BaseException] | None, *error: object) -> None:
        self._restore()
        if error_type is None:
            self._deliver()

    @contextmanager
    def lifted(self) -> Iterator[None]:
        """Let signals interrupt a part of the block.

        Raises:
            KeyboardInterrupt: A signal arrived before or arrives in that part.
        """
        try:
            self._restore()
            self._deliver()
            yield
        finally:
            self._hold()

    def _hold(self) -> None:
        if self._active:
            for number in _SIGNALS:
                handler = signal.signal(number, self._record)
                if handler != self._record:  # still installed if a signal interrupted `_restore`
                    self._handlers[number] = signal.SIG_DFL if handler is None else handler

    def _restore(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _record(self, number: int, frame: FrameType | None) -> None:
        self._arrived.append(number)

    def _deliver(self) -> None:
        """Raise the recorded signals for the handlers that are installed now."""
        arrived = list(dict.fromkeys(self._arrived))
        self._arrived.clear()
        for number in arrived:
            signal.raise_signal(number)


def interrupts_held() -> InterruptHold:
    """Let neither SIGINT nor SIGTERM stop the block.

    ``lifted`` of the value lets them interrupt a part of the block.

    Raises:
        KeyboardInterrupt: After the block, where a signal arrived in it. SIGTERM without a handler ends the
            process; the command line has one.
    """
    return InterruptHold()
