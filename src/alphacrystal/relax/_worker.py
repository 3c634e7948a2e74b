"""One relaxation worker: a process that reads structures from standard input and writes results to output.

Command line: potential name, "gradient" or "bayesian", seed. Messages are pickled tuples.
In: (RelaxSettings, indices, structures), one group to be relaxed side by side.
Out: ("ready", symbols, batch size), ("result", index, Relaxation), ("alive",), ("error", exception).

The kernel ends the process with SIGPROF where one evaluation takes more than the processor time of its limit:
that works in a loop of compiled code, too.
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
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from alphacrystal.errors import AlphaCrystalError
from alphacrystal.relax._bayesian import BayesianRelaxer
from alphacrystal.relax._checked import Guard
from alphacrystal.relax._engine import RelaxationEngine
from alphacrystal.relax._groups import batch_size
from alphacrystal.relax._relaxation import Relaxation
from alphacrystal.relax._settings import RelaxSettings
from alphacrystal.relax.registry import load_energy_model, load_potential

if TYPE_CHECKING:
    from pymatgen.core import Structure

#: Relaxes a group; gives positions in it with results, as they finish.
Work = Callable[[Sequence["Structure"], RelaxSettings, Guard], Iterable[tuple[int, Relaxation]]]

#: Seconds between signs of life while nothing finishes.
_BEAT = 5.0

#: Longest time in s that the kernel's timer counts.
_LONGEST = 1e8


def _read_into(inbox: queue.SimpleQueue[tuple[Any, ...]], stream: IO[bytes]) -> None:
    """Pass messages on; when the parent goes away, so does this process."""
    try:
        while True:
            inbox.put(pickle.load(stream))  # noqa: S301 - written by our own parent
    except (EOFError, OSError):
        os._exit(0)
    except Exception:  # noqa: BLE001 - whatever a message does to its reader
        os._exit(1)  # the parent sees a dead worker and starts another; a silent thread would hang it


def _load(name: str, method: str, seed: int) -> tuple[frozenset[str], int, Work]:
    """Elements and batch size of a potential, and how a group is relaxed with it."""
    if method == "bayesian":
        model = load_energy_model(name)

        def search(
            structures: Sequence[Structure], settings: RelaxSettings, guard: Guard
        ) -> Iterator[tuple[int, Relaxation]]:
            relaxer = BayesianRelaxer(model, seed, guard)
            for position, structure in enumerate(structures):
                yield position, relaxer.relax([structure], settings)[0]

        return model.supported_elements, 1, search
    potential = load_potential(name)

    def descend(
        structures: Sequence[Structure], settings: RelaxSettings, guard: Guard
    ) -> Iterator[tuple[int, Relaxation]]:
        engine = RelaxationEngine(potential, settings, guard)
        for position, structure in enumerate(structures):
            engine.add(position, structure)
        while engine.active:
            yield from engine.step()

    return potential.supported_elements, batch_size(potential), descend


def _serve(arguments: Sequence[str], inbox: queue.SimpleQueue[tuple[Any, ...]], out: IO[bytes]) -> None:
    last_sign = time.monotonic()

    def send(*message: object) -> None:
        nonlocal last_sign
        pickle.dump(message, out)
        out.flush()
        last_sign = time.monotonic()

    @contextmanager
    def limited() -> Iterator[None]:
        if time.monotonic() - last_sign > _BEAT:
            send("alive")
        limit = settings.evaluation_limit_s
        if limit is not None:
            signal.setitimer(signal.ITIMER_PROF, min(limit, _LONGEST))
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0.0)

    try:
        name, method, seed = arguments
        elements, size, work = _load(name, method, int(seed))
        send("ready", elements, size)
        while True:
            settings, indices, structures = inbox.get()
            for position, result in work(structures, settings, limited):
                send("result", indices[position], result)
    except AlphaCrystalError as error:
        send("error", error)


def main() -> None:
    """Run until the parent closes the pipe or kills this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    # The standard output is for results; what a library prints must not end up in it.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    inbox: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
    # Unpickling in the thread must not meet a module that this thread is still importing.
    importlib.import_module("pymatgen.core.structure")
    threading.Thread(target=_read_into, args=(inbox, sys.stdin.buffer), daemon=True).start()
    try:
        _serve(sys.argv[1:], inbox, out)
    except BrokenPipeError:
        os._exit(0)
    except Exception as error:
        failure = AlphaCrystalError(f"A relaxation worker failed: {type(error).__name__}: {error}.")
        pickle.dump(("error", failure), out)
        out.flush()
        raise


if __name__ == "__main__":
    main()
