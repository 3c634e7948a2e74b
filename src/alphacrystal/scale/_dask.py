"""Tasks on a Dask cluster: any machines, a batch system such as Slurm, or processes started by hand."""

from __future__ import annotations

import hashlib
import logging
import math
import pickle
import queue
import time
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from alphacrystal.errors import InputError
from alphacrystal.scale._executor import CampaignTask, SchedulerLostError, TaskFunction, TaskOutcome

if TYPE_CHECKING:
    from distributed import Client, Future

_CONNECT_S = 10.0
_COUNT_EVERY_S = 2.0


class DaskExecutor:
    """Tasks on a running Dask scheduler; each has a key, so that none is computed twice.

    Args:
        function: Computes a task; pickled by its name, so that workers need this package.
        address: Address of the scheduler, e.g. tcp://127.0.0.1:8786.
        connect_s: Seconds to wait for the scheduler.

    Raises:
        InputError: The package `distributed` is missing.
    """

    def __init__(self, function: TaskFunction, address: str, connect_s: float = _CONNECT_S) -> None:
        try:
            import distributed  # noqa: F401 - check that it is installed
        except ImportError:
            raise InputError(
                'A Dask scheduler needs the package distributed: pip install "alphacrystal[dask]".'
            ) from None
        self._function = function
        # Two campaigns on one scheduler may have equal formulas with different settings.
        self._name = hashlib.sha256(pickle.dumps(function)).hexdigest()[:12]
        self._address = address
        self._connect_s = connect_s
        self._client: Client | None = None
        self._threads, self._counted = 0, -math.inf
        self._held: dict[str, Future] = {}
        self._ended: queue.SimpleQueue[tuple[CampaignTask, Future]] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        """Connect.

        Raises:
            InputError: No scheduler answers at the address.
        """
        from distributed import Client

        # A lost scheduler is reported by SchedulerLostError, not by the log of the client.
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

    def __exit__(self, *error: object) -> None:
        client, self._client = self._client, None
        if client is not None:
            self._held.clear()
            client.close(timeout=2)

    def _slots(self) -> int:
        """Threads of all workers, cached for some seconds: the answer grows with the number of workers."""
        assert self._client is not None
        if time.monotonic() - self._counted > _COUNT_EVERY_S and self._client.status == "running":
            workers: dict[str, Any] = self._client.scheduler_info(n_workers=-1).get("workers", {})
            self._threads = sum(int(worker["nthreads"]) for worker in workers.values())
            self._counted = time.monotonic()
        return self._threads

    @property
    def workers(self) -> int:
        """Threads of the present workers; workers may join and leave."""
        return self._slots()

    @property
    def capacity(self) -> int:
        """Two tasks for each thread, and some for workers that join."""
        return max(4, 2 * self._slots())

    def submit(self, task: CampaignTask) -> None:
        """Accept a task."""
        assert self._client is not None
        future = self._client.submit(
            self._function, task, key=f"alphacrystal-{self._name}-{task.key}", pure=True
        )
        self._held[task.key] = future
        future.add_done_callback(partial(_put, self._ended, task))

    def finished(self, timeout_s: float) -> list[TaskOutcome]:
        """Available outcomes; waits up to ``timeout_s`` seconds for the first.

        Raises:
            SchedulerLostError: The scheduler is gone.
        """
        outcomes: list[TaskOutcome] = []
        try:
            ended = [self._ended.get(timeout=timeout_s)]
        except queue.Empty:
            ended = []
        while not self._ended.empty():
            ended.append(self._ended.get())
        lost = self._client is None or self._client.status not in {"running", "newly-created"}
        for task, future in ended:
            if future.status == "pending":  # the result was lost with its worker and is computed again
                future.add_done_callback(partial(_put, self._ended, task))
                continue
            self._held.pop(task.key, None)
            outcome = _outcome(task, future)
            if outcome is None:
                lost = True
            else:
                outcomes.append(outcome)
        if lost and not outcomes:
            raise SchedulerLostError(f"The Dask scheduler at {self._address} is gone.")
        return outcomes


def _put(ended: queue.SimpleQueue[tuple[CampaignTask, Any]], task: CampaignTask, future: Any) -> None:
    ended.put((task, future))


def _outcome(task: CampaignTask, future: Future) -> TaskOutcome | None:
    """The outcome of a task; None where the scheduler dropped it."""
    from distributed import KilledWorker

    if future.status == "cancelled":
        return None
    error = future.exception(timeout=_CONNECT_S)
    if error is None:
        value = future.result(timeout=_CONNECT_S)
        if isinstance(value, TaskOutcome):
            return value
        return TaskOutcome(task.key, "The task returned no outcome.", "internal")
    if isinstance(error, KilledWorker):
        return TaskOutcome(task.key, "Several workers that computed it died.", "died")
    return TaskOutcome(task.key, f"{type(error).__name__}: {error}.", "internal")
