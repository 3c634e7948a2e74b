"""Units on a Dask cluster: any machines, a batch system such as Slurm, or processes started by hand."""

from __future__ import annotations

import hashlib
import logging
import math
import pickle
import queue
import time
import warnings
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from alphacrystal.errors import InputError
from alphacrystal.scale._executor import SchedulerLostError
from alphacrystal.scale._units import Outcome, Unit, Work

if TYPE_CHECKING:
    from distributed import Client, Future

_CONNECT_S = 10.0
_COUNT_EVERY_S = 2.0


class DaskExecutor:
    """Units as tasks of a scheduler that runs already; each has its key, so that none is asked for twice.

    Args:
        work: Pickled by its name: workers need this package.
        address: Of the scheduler, e.g. tcp://127.0.0.1:8786.
        connect_s: Seconds to wait for the scheduler.

    Raises:
        InputError: The package `distributed` is missing.
    """

    def __init__(self, work: Work, address: str, connect_s: float = _CONNECT_S) -> None:
        try:
            import distributed  # noqa: F401 - only whether it is there
        except ImportError:
            raise InputError(
                'A Dask scheduler needs the package distributed: pip install "alphacrystal[dask]".'
            ) from None
        self._work = work
        # Two campaigns at one scheduler have the same formulas, but not the same work.
        self._name = hashlib.sha256(pickle.dumps(work)).hexdigest()[:12]
        self._address = address
        self._connect_s = connect_s
        self._client: Client | None = None
        self._threads, self._counted = 0, -math.inf
        self._held: dict[str, Future] = {}
        self._ended: queue.SimpleQueue[tuple[Unit, Future]] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        """Connect.

        Raises:
            InputError: No scheduler answers at the address.
        """
        from distributed import Client

        # A scheduler that goes away is told in one sentence, not in the log of its client.
        for name in [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other versions of packages on the workers
            try:
                self._client = Client(
                    self._address, timeout=self._connect_s, set_as_default=False, name="campaign"
                )
            except (OSError, ValueError, TypeError, ImportError) as error:
                raise InputError(
                    f"No Dask scheduler answers at {self._address}: start one with `dask scheduler`, "
                    "or correct --scheduler."
                ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        client, self._client = self._client, None
        if client is not None:
            self._held.clear()
            client.close(timeout=2)

    def _slots(self) -> int:
        """Threads of all workers, asked for again only after some seconds: the answer grows with them."""
        assert self._client is not None
        if time.monotonic() - self._counted > _COUNT_EVERY_S and self._client.status == "running":
            workers: dict[str, Any] = self._client.scheduler_info(n_workers=-1).get("workers", {})
            self._threads = sum(int(worker["nthreads"]) for worker in workers.values())
            self._counted = time.monotonic()
        return self._threads

    @property
    def workers(self) -> int:
        """Threads of the workers that are there now; they may come and go."""
        return self._slots()

    @property
    def capacity(self) -> int:
        """Two units for each thread, and some for workers still to come."""
        return max(4, 2 * self._slots())

    def submit(self, unit: Unit) -> None:
        """Take a unit."""
        assert self._client is not None
        future = self._client.submit(self._work, unit, key=f"alphacrystal-{self._name}-{unit.key}", pure=True)
        self._held[unit.key] = future
        future.add_done_callback(partial(_put, self._ended, unit))

    def finished(self, timeout_s: float) -> list[Outcome]:
        """Outcomes that are there, at least one unless that takes longer than the timeout.

        Raises:
            SchedulerLostError: The scheduler is gone.
        """
        found: list[Outcome] = []
        try:
            ended = [self._ended.get(timeout=timeout_s)]
        except queue.Empty:
            ended = []
        while not self._ended.empty():
            ended.append(self._ended.get())
        lost = self._client is None or self._client.status not in {"running", "newly-created"}
        for unit, future in ended:
            if future.status == "pending":  # the result was lost with its worker and is computed anew
                future.add_done_callback(partial(_put, self._ended, unit))
                continue
            self._held.pop(unit.key, None)
            outcome = _outcome(unit, future)
            if outcome is None:
                lost = True
            else:
                found.append(outcome)
        if lost and not found:
            raise SchedulerLostError(f"The Dask scheduler at {self._address} is gone.")
        return found


def _put(ended: queue.SimpleQueue[tuple[Unit, Any]], unit: Unit, future: Any) -> None:
    ended.put((unit, future))


def _outcome(unit: Unit, future: Future) -> Outcome | None:
    """What became of a unit; None where its scheduler forgot it."""
    from distributed import KilledWorker

    if future.status == "cancelled":
        return None
    error = future.exception(timeout=_CONNECT_S)
    if error is None:
        value = future.result(timeout=_CONNECT_S)
        if isinstance(value, Outcome):
            return value
        return Outcome(unit.key, "It returned no outcome.", "internal")
    if isinstance(error, KilledWorker):
        return Outcome(unit.key, "The workers that computed it died, one after the other.", "died")
    return Outcome(unit.key, f"{type(error).__name__}: {error}.", "internal")
