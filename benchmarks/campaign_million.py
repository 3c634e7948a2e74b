"""A campaign of a million formulas: the real loop and the real store, on workers that exist only as numbers.

Each formula takes a time drawn from measured ones (docs/benchmarks/campaign-times.json, or the campaign that
--times names). The clock is simulated: it advances by the processor time that the loop and the store really
take, by a measured wait for each commit, and otherwise to the end of the next formula. A Dask scheduler is a
queue with a measured time per task. So the numbers show when the client, the store or the scheduler, not the
workers, set the pace. Run: python benchmarks/campaign_million.py
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import json
import resource
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from alphacrystal.pipeline.formula_list import FormulaRequest
from alphacrystal.report import SummaryRow
from alphacrystal.scale import CampaignStore, CampaignTask, TaskOutcome, compute, write_tables
from alphacrystal_bench.harness.run_facts import run_facts

TIMES = Path(__file__).parents[1] / "docs" / "benchmarks" / "campaign-times.json"
ELEMENTS = (
    "Li", "Be", "B", "C", "N", "O", "F", "Na", "Mg", "Al", "Si", "P", "S", "Cl", "K", "Ca", "Sc", "Ti", "V",
    "Cr", "Mn", "Fe", "Co", "Ni", "Cu", "Zn", "Ga", "Ge", "As", "Se", "Br", "Rb", "Sr", "Y", "Zr", "Nb", "Mo",
    "Ru", "Rh", "Pd", "Ag", "Cd", "In", "Sn", "Sb", "Te", "I", "Cs", "Ba", "La", "Hf", "Ta", "W", "Re", "Os",
    "Ir", "Pt", "Au", "Tl", "Pb", "Bi",
)  # fmt: skip
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
RATIOS = [r for r in itertools.product((1, 2, 3), repeat=3) if np.gcd.reduce(r) == 1]
SEED = 0


def formulas(count: int) -> Iterator[FormulaRequest]:
    """Distinct ternaries, then quaternaries."""
    ternary = (f"{a}{x}{b}{y}{c}{z}" for a, b, c in itertools.combinations(ELEMENTS, 3) for x, y, z in RATIOS)
    quaternary = (f"{a}{b}{c}{d}3" for a, b, c, d in itertools.combinations(ELEMENTS, 4))
    return map(FormulaRequest, itertools.islice(itertools.chain(ternary, quaternary), count))


class SimulatedWorkers:
    """An executor on a simulated clock.

    Args:
        workers: How many there are.
        stages: Measured seconds of each formula by stage, drawn from with replacement.
        task_s: What a scheduler needs to hand out one task.
        commit_s: What the client waits for the disk after each batch.
    """

    def __init__(
        self, workers: int, stages: list[dict[str, float]], task_s: float, commit_s: float, seed: int = SEED
    ) -> None:
        self.workers, self.capacity = workers, 2 * workers
        self._stages, self._task_s, self._commit_s = stages, task_s, commit_s
        self._rng = np.random.default_rng(seed)
        self._queue: deque[CampaignTask] = deque()
        self._running: list[tuple[float, int, CampaignTask, dict[str, float]]] = []
        self._draw = itertools.count()
        self._scheduler_free = 0.0
        self._left = time.process_time()
        self.now = self.busy = self.client = self.scheduler = 0.0
        self.batches = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing runs."""

    def submit(self, task: CampaignTask) -> None:
        """Start a task on a free worker, or let it wait."""
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
        """All that ended while the client was at work, at least one."""
        own = time.process_time() - self._left + self._commit_s * bool(self.batches)
        self.client += own
        self.now += own
        self.now = max(self.now, self._running[0][0])
        found = []
        while self._running and self._running[0][0] <= self.now:
            moment, _, task, stages = heapq.heappop(self._running)
            found.append(
                TaskOutcome(
                    task.key,
                    result=task.folder,
                    structures=20,
                    best=BEST,
                    seconds=sum(stages.values()),
                    processor_seconds=sum(stages.values()),
                    timings_s=stages,
                )
            )
            self._start(moment)  # the worker goes on with what it was handed before
        self.batches += 1
        self._left = time.process_time()  # making up outcomes is no work of the client
        return found


def commit_seconds(folder: Path) -> float:
    """Median wall time that one commit waits for this disk, its processor time taken off."""
    waits = []
    with CampaignStore(folder) as store:
        store.fill(formulas(200), {})
        for task in list(store.waiting()):
            wall, processor = time.perf_counter(), time.process_time()
            store.record([TaskOutcome(task.key)])
            waits.append(time.perf_counter() - wall - (time.process_time() - processor))
    return max(0.0, float(np.median(waits)))


def simulate(
    count: int, workers: int, stages: list[dict[str, float]], task_s: float, commit_s: float, folder: Path
) -> dict[str, float]:
    folder.mkdir()
    begin = time.process_time()
    with CampaignStore(folder, durable=False) as store:  # the clock waits for the disk, not this program
        store.fill(formulas(count), {})
        read = time.process_time() - begin
        executor = SimulatedWorkers(workers, stages, task_s, commit_s)
        compute(store, executor)
        begin = time.process_time()
        write_tables(folder, store)
        tables = time.process_time() - begin
        assert store.counts().done == count
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


def read_times(path: Path) -> list[dict[str, float]]:
    """Seconds by stage of each measured formula: processor time, shared out as the wall time was."""
    if path.is_file():
        return [dict(item) for item in json.loads(path.read_text(encoding="utf-8"))["stages_s"]]
    with CampaignStore(path) as store:
        return [
            {name: processor * seconds / sum(stages.values()) for name, seconds in stages.items()}
            for _, processor, stages in store.times()
        ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--formulas", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=1000, help="of the whole campaign (default: 1000)")
    parser.add_argument("--also", default="10,100,3000", help="workers of shorter ones, 20 each")
    parser.add_argument("--task-ms", type=float, default=3.0, help="of a Dask scheduler (docs/scale.md)")
    parser.add_argument("--commit-ms", type=float, help="wait for the disk per commit (default: measured)")
    parser.add_argument("--times", type=Path, default=TIMES, help="folder of a campaign, or a JSON file")
    parser.add_argument("--save-times", type=Path, help="write the measured times to a JSON file and stop")
    parser.add_argument("--out", type=Path, help="JSON file for the numbers")
    options = parser.parse_args()
    stages = read_times(options.times)
    if options.save_times:
        rounded = [{name: round(value, 3) for name, value in item.items()} for item in stages]
        text = json.dumps({"facts": run_facts(seed=SEED), "stages_s": rounded}, indent=1)
        options.save_times.write_text(text + "\n", encoding="utf-8")
        return
    total = [sum(item.values()) for item in stages]
    print(f"{len(stages)} measured formulas: {np.mean(total):.1f} s, {min(total):.1f} to {max(total):.1f} s")
    runs = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "commits").mkdir()
        measured = commit_seconds(folder / "commits")
        commit_s = measured if options.commit_ms is None else options.commit_ms / 1000
        print(f"a commit waits {1000 * commit_s:.2f} ms for the disk; a task takes {options.task_ms} ms")
        jobs = [(min(20 * int(w), options.formulas), int(w)) for w in options.also.split(",") if w]
        for count, workers in [*jobs, (options.formulas, options.workers)]:
            run = simulate(
                count, workers, stages, options.task_ms / 1000, commit_s, folder / f"run-{workers}-{count}"
            )
            print(json.dumps(run), flush=True)
            runs.append(run)
    if options.out:
        found = {
            "facts": run_facts(seed=SEED),
            "commit_s": commit_s,
            "task_ms": options.task_ms,
            "runs": runs,
        }
        options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
