"""Simulated campaign of a million formulas: the real loop and store, with simulated workers.

Each formula takes a time sampled from measured ones. The clock is simulated: it advances by the processor
time of the loop and the store, by a measured wait for each commit, and otherwise to the end of the next
formula. A Dask scheduler is a queue with a fixed time per task. The result shows when the client, the store
or the scheduler limits the rate.
"""

from __future__ import annotations

import heapq
import itertools
import json
import resource
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

import numpy as np

from alphacrystal.errors import AlphaCrystalError, InputError
from alphacrystal.pipeline.formula_list import FormulaRequest
from alphacrystal.report import SummaryRow
from alphacrystal.scale import CampaignStore, CampaignTask, TaskOutcome, compute, write_tables
from alphacrystal.typing import Progress
from alphacrystal_bench.harness.pages import fact_line, markdown_table

ELEMENTS = (
    "Li", "Be", "B", "C", "N", "O", "F", "Na", "Mg", "Al", "Si", "P", "S", "Cl", "K", "Ca", "Sc", "Ti", "V",
    "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge", "As", "Se", "Br", "Rb", "Sr", "Y", "Zr", "Nb", "Mo",
    "Ru", "Rh", "Pd", "Ag", "Cd", "In", "Sn", "Sb", "Te", "I", "Cs", "Ba", "La", "Hf", "Ta", "W", "Re", "Os",
    "Ir", "Pt", "Au", "Tl", "Pb", "Bi",
)  # fmt: skip
RATIOS = [r for r in itertools.product((1, 2, 3), repeat=3) if np.gcd.reduce(r) == 1]
#: Equal for all formulas: the simulation counts the time and space of a row, not its values.
BEST = SummaryRow(
    rank=1,
    file="structures/001_NaCl_sg225.cif",
    formula="NaCl",
    cell_formula="NaCl",
    z=1,
    n_atoms=2,
    space_group_number=225,
    space_group_symbol="Fm-3m",
    energy_per_atom_ev=-3.21,
    enthalpy_per_atom_ev=None,
    formation_energy_per_atom_ev=-1.23,
    energy_above_hull_per_atom_ev=None,
    volume_per_atom_a3=23.1,
    chemical_rank=1,
    energy_rank=1,
    log_probability=-0.4,
    generator="distance_matrix",
    converged=True,
    max_force_ev_per_a=0.0,
)
PER_WORKER = 20  # formulas per worker of the shorter campaigns


def benchmark_campaign_million(
    on_progress: Progress,
    *,
    formulas: int = 1_000_000,
    workers: int = 1000,
    shorter: Sequence[int] = (10, 100, 3000),
    task_s: float = 0.003,
    commit_s: float | None = None,
    times: Path | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Rates and loads of simulated campaigns.

    Args:
        on_progress: Called with (stage, done, total).
        formulas: Formulas of the last campaign.
        workers: Its workers.
        shorter: Workers of shorter campaigns.
        task_s: Time of the scheduler per task.
        commit_s: Wait for the disk per commit; measured if None.
        times: Campaign folder or JSON file with measured times; those of the package if None.
        seed: Seed of the sample of times.

    Returns:
        The waits, the measured times ("stages_s", seconds by stage of each formula) and one row per campaign.

    Raises:
        InputError: There are no measured times.
    """
    stages = read_times(times)
    runs = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "commits").mkdir()
        wait = _commit_seconds(folder / "commits") if commit_s is None else commit_s
        campaigns = [(min(PER_WORKER * count, formulas), count) for count in shorter]
        campaigns.append((formulas, workers))
        for done, (length, count) in enumerate(campaigns):
            on_progress("simulate", done, len(campaigns))
            runs.append(_simulate(length, count, stages, task_s, wait, folder / f"run-{done}", seed))
        on_progress("simulate", len(campaigns), len(campaigns))
    return {"commit_s": wait, "task_ms": 1000 * task_s, "stages_s": stages, "runs": runs}


def read_times(path: Path | None) -> list[dict[str, float]]:
    """Processor seconds by stage of each measured formula, split among the stages as the wall time.

    Raises:
        InputError: There are none.
    """
    if path is None or path.is_file():
        file = path or files("alphacrystal_bench").joinpath("data/campaign_times.json")
        times = [dict(item) for item in json.loads(file.read_text(encoding="utf-8"))["stages_s"]]
    else:
        with CampaignStore(path) as store:
            times = [
                {
                    name: round(processor * seconds / sum(stages.values()), 3)
                    for name, seconds in stages.items()
                }
                for _, processor, stages in store.times()
            ]
    if not times:
        raise InputError(f"{path} contains no measured times: name a finished campaign with --times.")
    return times


def _formulas(count: int) -> Iterator[FormulaRequest]:
    """Distinct ternaries, then quaternaries."""
    ternary = (f"{a}{x}{b}{y}{c}{z}" for a, b, c in itertools.combinations(ELEMENTS, 3) for x, y, z in RATIOS)
    quaternary = (f"{a}{b}{c}{d}3" for a, b, c, d in itertools.combinations(ELEMENTS, 4))
    return map(FormulaRequest, itertools.islice(itertools.chain(ternary, quaternary), count))


class SimulatedWorkers:
    """An executor on a simulated clock.

    Args:
        workers: Number of workers.
        stages: MetricValue seconds of each formula by stage, sampled with replacement.
        task_s: Time of the scheduler per task.
        commit_s: Wait of the client for the disk after each batch.
        seed: Seed of the sample.
    """

    def __init__(
        self, workers: int, stages: Sequence[Mapping[str, float]], task_s: float, commit_s: float, seed: int
    ) -> None:
        self.workers, self.capacity = workers, 2 * workers
        self._stages, self._task_s, self._commit_s = stages, task_s, commit_s
        self._rng = np.random.default_rng(seed)
        self._queue: deque[CampaignTask] = deque()
        self._running: list[tuple[float, int, CampaignTask, Mapping[str, float]]] = []
        self._draw = itertools.count()
        self._scheduler_free = 0.0
        self._left = time.process_time()
        self.now = self.busy = self.client = self.scheduler = 0.0
        self.batches = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing to end."""

    def submit(self, task: CampaignTask) -> None:
        """Start a task on a free worker, or queue it."""
        self._queue.append(task)
        self._start(self.now)

    def _start(self, moment: float) -> None:
        while self._queue and len(self._running) < self.workers:
            stages = self._stages[int(self._rng.integers(len(self._stages)))]
            begin = max(moment, self._scheduler_free) + self._task_s
            self._scheduler_free = begin
            self.scheduler += self._task_s
            seconds = sum(stages.values())
            self.busy += seconds
            heapq.heappush(self._running, (begin + seconds, next(self._draw), self._queue.popleft(), stages))

    def finished(self, timeout_s: float) -> list[TaskOutcome]:
        """Outcomes that ended while the client was busy, at least one."""
        client = time.process_time() - self._left + self._commit_s * bool(self.batches)
        self.client += client
        self.now += client
        self.now = max(self.now, self._running[0][0])
        outcomes = []
        while self._running and self._running[0][0] <= self.now:
            moment, _, task, stages = heapq.heappop(self._running)
            outcomes.append(
                TaskOutcome(
                    task.key,
                    result=task.folder,
                    structures=20,
                    best=BEST,
                    seconds=sum(stages.values()),
                    processor_seconds=sum(stages.values()),
                    timings_s=dict(stages),
                )
            )
            self._start(moment)  # the worker continues with the next queued task
        self.batches += 1
        self._left = time.process_time()  # creating the outcomes does not count for the client
        return outcomes


def _commit_seconds(folder: Path) -> float:
    """Median wait for the disk per commit: wall time minus processor time."""
    waits = []
    with CampaignStore(folder) as store:
        store.fill(_formulas(200), {})
        for task in list(store.waiting()):
            wall, processor = time.perf_counter(), time.process_time()
            store.record([TaskOutcome(task.key)])
            waits.append(time.perf_counter() - wall - (time.process_time() - processor))
    return max(0.0, float(np.median(waits)))


def _simulate(
    count: int,
    workers: int,
    stages: Sequence[Mapping[str, float]],
    task_s: float,
    commit_s: float,
    folder: Path,
    seed: int,
) -> dict[str, float]:
    folder.mkdir()
    begin = time.process_time()
    with CampaignStore(folder, durable=False) as store:  # the simulated clock waits for the disk
        store.fill(_formulas(count), {})
        read = time.process_time() - begin
        executor = SimulatedWorkers(workers, stages, task_s, commit_s, seed)
        compute(store, executor)
        begin = time.process_time()
        write_tables(folder, store)
        tables = time.process_time() - begin
        if store.counts().done != count:
            raise AlphaCrystalError("The simulated campaign is incomplete.")
    begin = time.process_time()
    with CampaignStore(folder) as store:
        store.counts()
        next(store.waiting(), None)
    size = sum(path.stat().st_size for path in folder.glob("campaign.sqlite*"))
    return {
        "formulas": count,
        "workers": workers,
        "days": executor.now / 86400,
        "formulas_per_s": count / executor.now,
        "workers_busy": executor.busy / (workers * executor.now),
        "client_busy": executor.client / executor.now,
        "scheduler_busy": executor.scheduler / executor.now,
        "client_ms_per_formula": 1000 * executor.client / count,
        "formulas_per_commit": count / executor.batches,
        "read_list_s": read,
        "write_tables_s": tables,
        "reopen_s": time.process_time() - begin,
        "store_mb": size / 1e6,
        "index_mb": (folder / "index.csv").stat().st_size / 1e6,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def render(result: Mapping[str, Any]) -> str:
    """Rates and loads of each campaign."""
    header = [
        "formulas",
        "workers",
        "formulas/s",
        "workers busy",
        "scheduler busy",
        "client busy",
        "formulas per commit",
    ]
    rows = [
        [
            f"{run['formulas']:,}",
            f"{run['workers']:,}",
            f"{run['formulas_per_s']:.0f}",
            *(f"{run[key]:.0%}" for key in ("workers_busy", "scheduler_busy", "client_busy")),
            f"{run['formulas_per_commit']:.1f}",
        ]
        for run in result["runs"]
    ]
    seconds = [sum(stages.values()) for stages in result["stages_s"]]
    facts = fact_line("campaign-million", result)
    times = (
        f"{len(seconds)} measured formulas of {np.mean(seconds):.1f} s ({min(seconds):.1f} to "
        f"{max(seconds):.1f} s); {result['task_ms']:g} ms per task of the scheduler, "
        f"{1000 * result['commit_s']:.2f} ms wait per commit."
    )
    lines = ["# Simulated campaigns", "", facts, "", times, ""]
    return "\n".join([*lines, *markdown_table(header, rows)]) + "\n"
