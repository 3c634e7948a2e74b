"""Overhead of a campaign per formula, and efficiency of a second worker.

Units without work give the overhead; units that only sleep give the efficiency of the distribution,
independent of other work on the machine; unrelaxed predictions give the processor time per formula with one
and two workers.
"""

from __future__ import annotations

import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from alphacrystal.config import make_config
from alphacrystal.errors import AlphaCrystalError
from alphacrystal.pipeline.formula_list import FormulaRequest
from alphacrystal.scale import (
    CampaignStore,
    DaskExecutor,
    Executor,
    LocalExecutor,
    PredictTask,
    empty_task,
    run_campaign,
)
from alphacrystal.typing import Progress
from alphacrystal_bench.harness.pages import fact_line, markdown_table

ExecutorOf = Callable[[Path], Executor]

SLEEP_S, SLEEPERS = 0.5, 24
FORMULAS = tuple(metal + other for metal in ("Li", "Na", "K", "Rb") for other in ("F", "Cl", "Br", "I"))
SETTINGS = {
    "relax": False,
    "candidates": 4,
    "max_atoms": 8,
    "workers": 1,
    "known_phases": False,
    "dispersion": "none",
}


def benchmark_campaign(
    on_progress: Progress, *, units: int = 2000, formulas: int = len(FORMULAS)
) -> dict[str, Any]:
    """Overheads in ms per formula, and speed-up by a second worker.

    Args:
        on_progress: Called with (stage, done, total).
        units: Units without work.
        formulas: Number of formulas that are predicted.
    """
    on_progress("local overhead", 0, units)
    result: dict[str, Any] = {"overhead_local": _overhead(lambda _: LocalExecutor(empty_task, 1), units)}
    if find_spec("distributed") is not None:
        from distributed import LocalCluster

        on_progress("Dask overhead", 0, units)
        with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
            address = cluster.scheduler_address
            result["overhead_dask"] = _overhead(lambda _: DaskExecutor(empty_task, address), units)
    on_progress("sleeping units", 0, SLEEPERS)
    names = [f"Na{number + 1}Cl" for number in range(SLEEPERS)]
    rates = [_timed(names, _sleepers(workers))[0] for workers in (1, 2)]
    result["sleeping"] = {"seconds_each": SLEEP_S, "per_second": rates, "speedup": rates[1] / rates[0]}
    on_progress("predictions", 0, formulas)
    settings = make_config(**SETTINGS).model_dump(mode="json")
    # The median excludes the first formula of each process, in which the networks are loaded.
    seconds = [_timed(FORMULAS[:formulas], _predictors(settings, workers))[2] for workers in (1, 2)]
    result["predictions"] = {
        "processor_s_per_formula": seconds,
        "speedup_by_processor_time": 2 * seconds[0] / seconds[1],
    }
    return result


def _overhead(executor_of: ExecutorOf, count: int) -> dict[str, float]:
    """Milliseconds per formula without work, without the time to start."""
    names = [f"Na{number % 97 + 1}Cl{number // 97 + 1}O101" for number in range(count)]
    few = max(4, count // 20)
    rate, processor, _ = _timed(names, executor_of)
    _, processor_few, _ = _timed(names[:few], executor_of)
    return {
        "wall_ms": 1000 / rate,
        "processor_ms": 1000 * (processor - processor_few) / (count - few),
    }


def _timed(formulas: Sequence[str], executor_of: ExecutorOf) -> tuple[float, float, float]:
    """Outcomes per second after all workers have started, total processor seconds, median of the units."""
    moments: list[tuple[float, int]] = []
    with tempfile.TemporaryDirectory() as folder:
        with CampaignStore(Path(folder)) as store:
            store.fill(map(FormulaRequest, formulas), {})
        before = _processor_seconds()
        counts = run_campaign(
            Path(folder),
            executor_of(Path(folder)),
            on_progress=lambda stage, done, total: moments.append((time.monotonic(), done)),
        )
        if counts.done != len(formulas):
            raise AlphaCrystalError(f"{counts.failed} of {counts.total} units of the benchmark failed.")
        with CampaignStore(Path(folder)) as store:
            units = statistics.median([processor for _, processor, _ in store.times()] or [0.0])
    begin, first = next(moment for moment in moments if moment[1] >= len(formulas) // 4)
    end, last = moments[-1]
    return (last - first) / (end - begin), _processor_seconds() - before, units


def _processor_seconds() -> float:
    """Processor seconds of this process and of its children that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _sleepers(workers: int) -> ExecutorOf:
    return lambda _: LocalExecutor(partial(empty_task, seconds=SLEEP_S), workers)


def _predictors(settings: dict[str, object], workers: int) -> ExecutorOf:
    return lambda folder: LocalExecutor(PredictTask(str(folder), settings), workers)


def render(result: Mapping[str, Any]) -> str:
    """Overheads and speed-ups."""
    names = {"overhead_local": "processes on this machine", "overhead_dask": "Dask"}
    rows = [
        [
            f"overhead per formula, {name}",
            f"{result[key]['processor_ms']:.1f} ms processor time, {result[key]['wall_ms']:.1f} ms wall time",
        ]
        for key, name in names.items()
        if key in result
    ]
    sleeping, predictions = result["sleeping"], result["predictions"]
    one, two = sleeping["per_second"]
    rows.append(
        [
            f"second worker, units that sleep {sleeping['seconds_each']} s",
            f"{one:.2f} and {two:.2f} per second: speed-up {sleeping['speedup']:.2f}",
        ]
    )
    one, two = predictions["processor_s_per_formula"]
    rows.append(
        [
            "second worker, unrelaxed predictions, by processor time",
            f"{one:.3f} and {two:.3f} s per formula: speed-up {predictions['speedup_by_processor_time']:.2f}",
        ]
    )
    lines = ["# Overhead of a campaign", "", fact_line("campaign", result), ""]
    return "\n".join([*lines, *markdown_table(["", "measured"], rows)]) + "\n"
