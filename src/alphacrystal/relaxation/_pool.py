"""Relaxation on worker processes, one thread each; results stream back as they finish.

A single worker is a process, too: a potential that hangs or crashes ends with its process, and the run
continues.
"""

from __future__ import annotations

import contextlib
import queue
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, cast

from alphacrystal.crystal import StructureLike, as_structures
from alphacrystal.errors import AlphaCrystalError, PotentialError
from alphacrystal.relaxation._potential import check_known, element_symbols
from alphacrystal.relaxation._relax import fixed_groups
from alphacrystal.relaxation._relaxation import OnResult, Relaxation
from alphacrystal.relaxation._settings import RelaxationMethod, RelaxSettings
from alphacrystal.relaxation._worker import ALIVE, load, relax_group
from alphacrystal.relaxation.registry import check_potential
from alphacrystal.runtime.torch_device import AUTO
from alphacrystal.runtime.worker_process import WorkerProcess, WorkerTemplate

if TYPE_CHECKING:
    from pymatgen.core import Structure

#: Workers that die before they have loaded the potential, one after the other, before the pool gives up.
_FAILED_STARTS = 3

#: Wall seconds in which a worker must have loaded the potential.
_START_LIMIT = 600.0

#: Wall seconds between two looks at the silence of the workers.
_TICK = 1.0

#: Imported by a worker, or once for all of them, before it loads the potential.
_PRELOAD = ("pymatgen.core.structure", "alphacrystal.relaxation._worker")
_PRELOAD_CHGNET = (
    "alphacrystal.relaxation.potentials.chgnet.graph_batch",
    "alphacrystal.relaxation.potentials.chgnet.network",
)

_DIED = "the worker process died while relaxing it"


@dataclass(frozen=True, slots=True)
class _Group:
    """Structures to be relaxed side by side.

    Attributes:
        indices: Of the structures.
        deaths: Workers that died of unknown cause while they had this group.
    """

    indices: tuple[int, ...]
    deaths: int = 0


class _Worker:
    """One worker process and its work.

    Attributes:
        group: The group that it relaxes; None while it is idle.
        left: Indices of the group that have no result yet.
        elements: Symbols that its potential supports; None until it has loaded the potential.
        silent_s: Wall seconds since its last message.
        hung: Why the pool ended it, None where it did not.
        out_of_time: Whether the kernel ended it for the processor time of one evaluation; set by `stop`.
    """

    def __init__(
        self,
        process: WorkerProcess,
        arguments: tuple[Any, ...],
        outbox: queue.SimpleQueue[tuple[_Worker, tuple[str, Any] | None]],
    ) -> None:
        self.group: _Group | None = None
        self.left: set[int] = set()
        self.elements: frozenset[str] | None = None
        self.silent_s = 0.0
        self.hung: str | None = None
        self.out_of_time = False
        self.process = process
        self._reader = threading.Thread(target=self._read, args=(outbox,), daemon=True)
        self._reader.start()
        self.send(load, *arguments)

    def _read(self, outbox: queue.SimpleQueue[tuple[_Worker, tuple[str, Any] | None]]) -> None:
        while True:
            answer = self.process.receive()
            outbox.put((self, answer))
            if answer is None:
                return

    def send(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Let it call a function; that a worker is dead is noticed by its reader."""
        with contextlib.suppress(OSError, ValueError):
            self.process.send(function, arguments, None)

    def stop(self) -> None:
        """Kill the process and reap it."""
        self.out_of_time = self.process.stop() == -signal.SIGPROF
        self._reader.join(timeout=5)
        self.process.close()


@dataclass(slots=True)
class _Round:
    """One call of `RelaxPool.relax`.

    Attributes:
        waiting: Groups that no worker has yet; None until a worker has said the batch size.
        results: By index, those of the caller included.
    """

    structures: Sequence[Structure]
    settings: RelaxSettings
    on_result: OnResult | None
    results: dict[int, Relaxation]
    waiting: deque[_Group] | None = field(default=None)

    def finish(self, index: int, result: Relaxation) -> None:
        """Take a result, unless there is one: a group is relaxed again as a whole."""
        if index in self.results:
            return
        self.results[index] = result
        if self.on_result is not None:
            self.on_result(index, result)

    def fail(self, index: int, reason: str) -> None:
        """A result for a structure that no worker survives."""
        self.finish(index, Relaxation.failed(self.structures[index], reason))


class RelaxPool:
    """Worker processes that relax structures with one potential.

    Use as a context manager, or call `start` early, during other work, and `close` at the end. Results
    do not depend on the number of workers.
    """

    def __init__(
        self,
        potential_name: str = "chgnet",
        workers: int = 2,
        *,
        method: RelaxationMethod = "gradient",
        seed: int = 0,
        device: str = AUTO,
    ) -> None:
        """Prepare a pool; nothing runs yet.

        Args:
            potential_name: See `load_potential`, or `load_energy_model` for methods without forces.
            workers: Processes.
            method: "gradient" (`relax`), "bayesian" (`BayesianRelaxer`), or "energy" (single points: the
                energies of the structures as they are).
            seed: Of the Bayesian method.
            device: See `load_potential`.

        Raises:
            PotentialError: There is no potential of that name, it has no forces for the gradient method, or
                it takes no device.
        """
        check_potential(potential_name, forces=method == "gradient", device=device)
        self.potential_name, self.device = potential_name, device
        self.workers = max(1, workers)
        #: Processor seconds of all relaxations so far.
        self.processor_seconds = 0.0
        self._arguments = (potential_name, method, seed, device)
        self._preload = (*_PRELOAD, *(_PRELOAD_CHGNET if potential_name.startswith("chgnet") else ()))
        self._template: WorkerTemplate | None = None
        self._processes: list[_Worker] = []
        self._outbox: queue.SimpleQueue[tuple[_Worker, tuple[str, Any] | None]] = queue.SimpleQueue()
        self._batch_size: int | None = None
        self._failed_starts = 0

    @property
    def worker_pids(self) -> list[int]:
        """Process ids of the running workers."""
        pids = (worker.process.pid for worker in self._processes)
        return [pid for pid in pids if pid is not None]

    def start(self) -> None:
        """Launch the workers and return at once; they load the potential meanwhile."""
        while len(self._processes) < self.workers:
            self._processes.append(self._new_worker())

    def _new_worker(self) -> _Worker:
        if self.workers == 1:
            process = WorkerProcess(self._preload)
        else:
            if self._template is None or not self._template.alive:
                self._template = WorkerTemplate(self._preload)
            process = WorkerProcess(template=self._template)
        return _Worker(process, self._arguments, self._outbox)

    def close(self) -> None:
        """Stop the workers."""
        # A template may take seconds to load: workers that it has not forked yet end with it.
        for worker in sorted(self._processes, key=lambda worker: not worker.process.started):
            if not worker.process.started and self._template is not None:
                self._template.stop()
            worker.stop()
        if self._template is not None:
            self._template.stop()
        self._processes, self._template = [], None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def relax(
        self,
        structures: Sequence[StructureLike],
        settings: RelaxSettings | None = None,
        *,
        finished: Mapping[int, Relaxation] | None = None,
        on_result: OnResult | None = None,
    ) -> list[Relaxation]:
        """Relax on the workers; arguments and results as in `alphacrystal.relaxation.relax`.

        ``on_result`` runs in this process. A group whose worker dies is relaxed again unchanged, so that a
        death from outside changes no result; if that worker dies too, each structure is relaxed alone, and
        one that ends its worker again is FAILED. Structures of a group in which an evaluation reached its
        limit (see `RelaxSettings`) are relaxed alone at once. KeyboardInterrupt stops the workers and is
        raised again.

        Raises:
            InputError: A structure holds an element the potential does not know.
            PotentialError: The potential cannot be loaded.
        """
        this = _Round(as_structures(structures), settings or RelaxSettings(), on_result, dict(finished or {}))
        try:
            return self._distribute(this)
        except BaseException:
            self.close()
            raise

    def _distribute(self, this: _Round) -> list[Relaxation]:
        if len(this.results) < len(this.structures):
            self.start()
            for worker in self._processes:
                worker.silent_s = 0.0
                if worker.elements is not None:
                    self._fill(worker, this)
        last = time.monotonic()
        # A group that is relaxed again is waited for, so that no late result gets into the next call.
        while len(this.results) < len(this.structures) or any(worker.left for worker in self._processes):
            with contextlib.suppress(queue.Empty):
                worker, message = self._outbox.get(timeout=_TICK)
                if worker in self._processes:
                    worker.silent_s = 0.0
                    self._handle(worker, message, this)
            now = time.monotonic()
            # Time in which this process was stopped, too, is no silence of the workers.
            self._end_silent(min(now - last, 2 * _TICK), this.settings)
            last = now
        return [this.results[i] for i in range(len(this.structures))]

    def _handle(self, worker: _Worker, answer: tuple[str, Any] | None, this: _Round) -> None:
        if answer is None:
            self._replace(worker, this)
            return
        status, value = answer
        if status == "failure":
            raise AlphaCrystalError(f"A relaxation worker failed: {value}.")
        if status == "part" and value != ALIVE:
            index, result = value
            self.processor_seconds += result.seconds
            worker.left.discard(index)
            this.finish(index, result)
        elif status == "value" and worker.elements is None:
            if isinstance(value, AlphaCrystalError):
                raise value
            self._failed_starts = 0
            worker.elements, self._batch_size = value
            self._fill(worker, this)
        elif status == "value":
            self._fill(worker, this)

    def _fill(self, worker: _Worker, this: _Round) -> None:
        """Hand a worker that has loaded its potential the next group once it is done with the last one."""
        if worker.left:
            return
        if this.waiting is None:
            check_known(
                element_symbols(this.structures), cast(frozenset[str], worker.elements), self.potential_name
            )
            groups = fixed_groups(len(this.structures), cast(int, self._batch_size), this.results)
            this.waiting = deque(map(_Group, groups))
        worker.group = this.waiting.popleft() if this.waiting else None
        if worker.group is not None:
            indices = worker.group.indices
            worker.left = set(indices)
            worker.silent_s = 0.0
            worker.send(relax_group, this.settings, indices, [this.structures[index] for index in indices])

    def _replace(self, worker: _Worker, this: _Round) -> None:
        """Put a new worker in the place of a dead one and decide on the group of the dead one."""
        worker.stop()
        if worker.elements is None:
            self._failed_starts += 1
            if self._failed_starts >= _FAILED_STARTS:
                raise PotentialError(
                    f"The worker processes for the potential {self.potential_name} do not start; to see why, "
                    "load it in Python: alphacrystal.relaxation.load_potential"
                    f"({self.potential_name!r})."
                )
        if worker.left and worker.group is not None and this.waiting is not None:
            this.waiting.extend(self._retries(worker, worker.group, this))
        self._processes[self._processes.index(worker)] = self._new_worker()

    @staticmethod
    def _retries(worker: _Worker, group: _Group, this: _Round) -> list[_Group]:
        """The groups to repeat after a worker ended; without one the structure has failed."""
        hung = worker.hung
        if worker.out_of_time:
            hung = f"the potential gave no answer in {this.settings.evaluation_limit_s:g} s of processor time"
        if hung is None and group.deaths == 0:
            return [_Group(group.indices, deaths=1)]
        if len(group.indices) == 1:
            this.fail(group.indices[0], hung or _DIED)
            return []
        return [_Group((index,), group.deaths) for index in sorted(worker.left - this.results.keys())]

    def _end_silent(self, passed_s: float, settings: RelaxSettings) -> None:
        """Kill the workers that have been silent for too long."""
        limit = settings.longest_silence_s
        for worker in self._processes:
            worker.silent_s += passed_s
            if worker.left and worker.silent_s > limit:
                worker.hung = f"the potential gave no answer in {limit:g} s"
                worker.process.kill()
            elif worker.elements is None and worker.silent_s > _START_LIMIT:
                worker.process.kill()
