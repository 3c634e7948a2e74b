"""Relaxation on several processes, one thread each; results stream back as they finish.

Workers are plain subprocesses that speak pickled messages over their standard streams (see `_worker`). Unlike
multiprocessing's spawn method this never imports the caller's main module again, so it works from scripts
without a main guard and from notebooks.
"""

from __future__ import annotations

import contextlib
import math
import os
import pickle
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self, cast

from alphacrystal.crystal import StructureLike, as_structures
from alphacrystal.errors import AlphaCrystalError, PotentialError
from alphacrystal.relax._potential import Potential, check_known, element_symbols
from alphacrystal.relax._registry import check_potential, load_potential
from alphacrystal.relax._relax import OnResult, relax
from alphacrystal.relax._relaxation import Relaxation, RelaxationStatus
from alphacrystal.relax._settings import RelaxSettings

if TYPE_CHECKING:
    from pymatgen.core import Structure

#: Largest group of structures a worker relaxes side by side. Groups are fixed before the work begins and a
#: worker takes the next only when it is done with one: the network's single precision feels which structures
#: share a batch; if batches depended on who finishes first, equal runs would differ in the sixth digit.
_GROUP = 8

#: Workers that die before they have loaded the potential, one after the other, before the pool gives up.
_FAILED_STARTS = 3

#: A worker that shows no sign of life for this long (s), or for ten time limits, is stuck and is killed.
_SILENCE = 300.0


class _Worker:
    """One subprocess and what it is working on."""

    def __init__(self, potential_name: str, outbox: queue.SimpleQueue[tuple[_Worker, Any]]) -> None:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
        # The child finds the same packages as this process, however they got onto its path.
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        self.held: set[int] = set()
        self.elements: frozenset[str] | None = None
        self.last_sign = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "alphacrystal.relax._worker", potential_name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Errors come back as messages; native libraries chatter on stderr.
            stderr=subprocess.DEVNULL,
            env=environment,
            # Its own session: Ctrl-C in the terminal reaches the parent only, which then stops the workers.
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=(outbox,), daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _read(self, outbox: queue.SimpleQueue[tuple[_Worker, Any]]) -> None:
        stream = cast(IO[bytes], self._process.stdout)
        try:
            while True:
                outbox.put((self, pickle.load(stream)))  # noqa: S301 - written by our own worker
        except (EOFError, OSError, ValueError, pickle.UnpicklingError):
            outbox.put((self, None))

    def send(self, *message: object) -> None:
        """Write a message; that a worker is dead is noticed by its reader."""
        stream = cast(IO[bytes], self._process.stdin)
        with contextlib.suppress(OSError, ValueError):
            pickle.dump(message, stream)
            stream.flush()

    def kill(self) -> None:
        """Kill the process; its reader reports the end."""
        self._process.kill()

    def stop(self) -> None:
        """Kill the process and reap it."""
        self.kill()
        self._process.wait()
        self._reader.join(timeout=5)
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                cast(IO[bytes], stream).close()


@dataclass(slots=True)
class _Round:
    """One call of `RelaxPool.relax`."""

    structures: Sequence[Structure]
    settings: RelaxSettings
    on_result: OnResult | None
    waiting: deque[tuple[int, ...]]
    suspects: set[int] = field(default_factory=set)
    results: dict[int, Relaxation] = field(default_factory=dict)

    def finish(self, index: int, result: Relaxation) -> None:
        self.results[index] = result
        if self.on_result is not None:
            self.on_result(index, result)


class RelaxPool:
    """Worker processes that relax structures with one potential.

    Use as a context manager, or call `start` early, while other work goes on, and `close` at the end. With
    one worker everything runs in this process.
    """

    def __init__(self, potential_name: str = "chgnet", workers: int = 2) -> None:
        """Prepare a pool; nothing runs yet.

        Raises:
            PotentialError: There is no potential of that name.
        """
        check_potential(potential_name)
        self.potential_name = potential_name
        self.workers = max(1, workers)
        self._processes: list[_Worker] = []
        self._outbox: queue.SimpleQueue[tuple[_Worker, Any]] = queue.SimpleQueue()
        self._potential: Potential | None = None
        self._epoch = 0
        self._failed_starts = 0

    @property
    def worker_pids(self) -> list[int]:
        """Process ids of the running workers."""
        return [worker.pid for worker in self._processes]

    def start(self) -> None:
        """Launch the workers and return at once; they load the potential meanwhile."""
        if self.workers > 1:
            while len(self._processes) < self.workers:
                self._processes.append(_Worker(self.potential_name, self._outbox))

    def close(self) -> None:
        """Stop the workers."""
        for worker in self._processes:
            worker.stop()
        self._processes = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def relax(
        self,
        structures: Sequence[StructureLike],
        settings: RelaxSettings | None = None,
        *,
        on_result: OnResult | None = None,
    ) -> list[Relaxation]:
        """Relax on the workers; arguments and results as in `alphacrystal.relax.relax`.

        ``on_result`` runs in this process. Structures whose worker dies are tried once more, each alone; the
        one that kills its worker again is FAILED and the rest goes on. KeyboardInterrupt stops the workers
        and is raised again.

        Raises:
            InputError: A structure holds an element the potential does not know.
            PotentialError: The potential cannot be loaded.
        """
        settings = settings or RelaxSettings()
        if self.workers == 1:
            if self._potential is None:
                self._potential = load_potential(self.potential_name)
            return relax(structures, self._potential, settings, on_result=on_result)
        try:
            return self._distribute(as_structures(structures), settings, on_result)
        except BaseException:
            self.close()
            raise

    def _distribute(
        self, structures: Sequence[Structure], settings: RelaxSettings, on_result: OnResult | None
    ) -> list[Relaxation]:
        self.start()
        self._epoch += 1
        size = max(1, min(_GROUP, math.ceil(len(structures) / self.workers)))
        groups = (
            tuple(range(len(structures))[start : start + size]) for start in range(0, len(structures), size)
        )
        this = _Round(structures, settings, on_result, deque(groups))
        for worker in self._processes:
            worker.held = set()
            worker.last_sign = time.monotonic()
            worker.send("settings", self._epoch, settings)
            if worker.elements is not None:
                check_known(element_symbols(structures), worker.elements, self.potential_name)
            self._fill(worker, this)
        while len(this.results) < len(structures):
            try:
                worker, message = self._outbox.get(timeout=1.0)
            except queue.Empty:
                self._kill_silent(settings)
                continue
            if worker in self._processes:
                worker.last_sign = time.monotonic()
                self._handle(worker, message, this)
        return [this.results[i] for i in range(len(structures))]

    def _handle(self, worker: _Worker, message: tuple[Any, ...] | None, this: _Round) -> None:
        if message is None:
            worker = self._replace(worker, this)
        elif message[0] == "error":
            raise cast(AlphaCrystalError, message[1])
        elif message[0] == "ready":
            self._failed_starts = 0
            worker.elements = cast(frozenset[str], message[1])
            check_known(element_symbols(this.structures), worker.elements, self.potential_name)
        elif message[0] == "result" and message[1] == self._epoch:
            worker.held.discard(message[2])
            this.finish(message[2], message[3])
        self._fill(worker, this)

    def _fill(self, worker: _Worker, this: _Round) -> None:
        """Hand an idle worker the next group; each suspect of an earlier crash is a group of its own."""
        if this.waiting and not worker.held:
            group = this.waiting.popleft()
            worker.held = set(group)
            worker.send("work", self._epoch, group, [this.structures[index] for index in group])

    def _replace(self, worker: _Worker, this: _Round) -> _Worker:
        """Put a new worker in the place of a dead one and decide on what the dead one held."""
        worker.stop()
        held = sorted(worker.held)
        if worker.elements is None:
            self._failed_starts += 1
            if self._failed_starts >= _FAILED_STARTS:
                raise PotentialError(
                    f"The worker processes for the potential {self.potential_name} do not start; "
                    "use one worker to see why."
                )
        else:
            for index in [i for i in held if i in this.suspects]:
                held.remove(index)
                this.finish(index, _lost(this.structures[index]))
            this.suspects.update(held)
        # Innocent ones first, and each suspect alone.
        this.waiting.extend((index,) for index in held)
        new = _Worker(self.potential_name, self._outbox)
        self._processes[self._processes.index(worker)] = new
        new.send("settings", self._epoch, this.settings)
        return new

    def _kill_silent(self, settings: RelaxSettings) -> None:
        patience = max(_SILENCE, 10 * (settings.time_limit_s or 0.0))
        for worker in self._processes:
            if worker.held and time.monotonic() - worker.last_sign > patience:
                worker.kill()


def _lost(structure: Structure) -> Relaxation:
    reason = "the worker process died while relaxing it"
    return Relaxation(structure, RelaxationStatus.FAILED, reason, None, None, None, 0, 0.0)
