"""One relaxation worker: a process that reads structures from standard input and writes results to output.

Messages are pickled tuples. In: ("settings", epoch, RelaxSettings), ("work", epoch, indices, structures).
Out: ("ready", symbols), ("result", epoch, index, Relaxation), ("alive",), ("error", exception).
"""

from __future__ import annotations

import importlib
import os
import pickle
import queue
import signal
import sys
import threading
import time
from typing import IO, Any

from alphacrystal.errors import AlphaCrystalError
from alphacrystal.relax._engine import RelaxationEngine
from alphacrystal.relax._registry import load_potential

#: Seconds between signs of life while nothing finishes.
_BEAT = 5.0


def _read_into(inbox: queue.SimpleQueue[tuple[Any, ...]], stream: IO[bytes]) -> None:
    """Pass messages on; when the parent goes away, so does this process."""
    try:
        while True:
            inbox.put(pickle.load(stream))  # noqa: S301 - written by our own parent
    except (EOFError, OSError):
        os._exit(0)
    except Exception:  # noqa: BLE001 - whatever a message does to its reader
        os._exit(1)  # the parent sees a dead worker and starts another; a silent thread would hang it


def _serve(potential_name: str, inbox: queue.SimpleQueue[tuple[Any, ...]], out: IO[bytes]) -> None:
    def send(*message: object) -> None:
        pickle.dump(message, out)
        out.flush()

    try:
        potential = load_potential(potential_name)
    except AlphaCrystalError as error:
        send("error", error)
        return
    send("ready", potential.supported_elements)
    epoch = 0
    engine: RelaxationEngine | None = None
    last_sign = time.monotonic()
    while True:
        while engine is None or not engine.active or not inbox.empty():
            message = inbox.get()
            if message[0] == "settings":
                epoch, engine = message[1], RelaxationEngine(potential, message[2])
            elif engine is not None and message[1] == epoch:
                for index, structure in zip(message[2], message[3], strict=True):
                    engine.add(index, structure)
        for index, result in engine.step():
            send("result", epoch, index, result)
            last_sign = time.monotonic()
        if time.monotonic() - last_sign > _BEAT:
            send("alive")
            last_sign = time.monotonic()


def main() -> None:
    """Run until the parent closes the pipe or kills this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Results own the pipe; whatever a library prints must not end up in it.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    inbox: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
    # Unpickling in the thread must not meet a module that this thread is still importing.
    importlib.import_module("pymatgen.core.structure")
    threading.Thread(target=_read_into, args=(inbox, sys.stdin.buffer), daemon=True).start()
    try:
        _serve(sys.argv[1], inbox, out)
    except BrokenPipeError:
        os._exit(0)
    except Exception as error:
        failure = AlphaCrystalError(f"A relaxation worker failed: {type(error).__name__}: {error}.")
        pickle.dump(("error", failure), out)
        out.flush()
        raise


if __name__ == "__main__":
    main()
