"""What a campaign costs besides the predictions: overhead per formula, efficiency of a second worker.

Units that do nothing give the overhead; units that only sleep give the efficiency of handing out work,
whatever else the machine does; unrelaxed predictions give the processor time per formula with one worker and
with two.
Without `distributed` the rows of Dask are left out. Run: python benchmarks/campaign.py
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from alphacrystal.config import make_config
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
from alphacrystal_bench.harness.run_facts import run_facts

NAP_S = 0.5
REAL = tuple(metal + other for metal in ("Li", "Na", "K", "Rb") for other in ("F", "Cl", "Br", "I"))
SETTINGS = {"relax": False, "candidates": 4, "max_atoms": 8, "workers": 1}


def spent() -> float:
    """Processor seconds of this process and of those it has started and seen the end of."""
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def timed(formulas: list[str], make: Callable[[Path], Executor]) -> tuple[float, float, float]:
    """Outcomes per second once all workers are at work, processor seconds of all, median of the units."""
    moments: list[tuple[float, int]] = []
    with tempfile.TemporaryDirectory() as folder:
        with CampaignStore(Path(folder)) as store:
            store.fill(map(FormulaRequest, formulas), {})
        before = spent()
        executor = make(Path(folder))
        counts = run_campaign(
            Path(folder),
            executor,
            on_progress=lambda stage, done, total: moments.append((time.monotonic(), done)),
        )
        if counts.done != len(formulas):
            raise SystemExit(f"{counts.failed} of {counts.total} units failed")
        with CampaignStore(Path(folder)) as store:
            units = statistics.median([processor for _, processor, _ in store.times()] or [0.0])
    begin, first = next(moment for moment in moments if moment[1] >= len(formulas) // 4)
    end, last = moments[-1]
    return (last - first) / (end - begin), spent() - before, units


def overhead(make: Callable[[Path], Executor], count: int) -> dict[str, float]:
    """Milliseconds per formula that does nothing, start-up taken off."""
    names = [f"Na{number % 97 + 1}Cl{number // 97 + 1}O101" for number in range(count)]
    few = max(4, count // 20)
    rate, processor, _ = timed(names, make)
    _, processor_few, _ = timed(names[:few], make)
    return {
        "wall_ms": 1000 / rate,
        "processor_ms": 1000 * (processor - processor_few) / (count - few),
    }


def _sleepers(workers: int) -> Callable[[Path], Executor]:
    return lambda _: LocalExecutor(partial(empty_task, seconds=NAP_S), workers)


def _predictors(settings: dict[str, object], workers: int) -> Callable[[Path], Executor]:
    return lambda folder: LocalExecutor(PredictTask(str(folder), settings), workers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=2000, help="units that do nothing (default: 2000)")
    parser.add_argument("--out", type=Path, help="JSON file for the numbers")
    options = parser.parse_args()
    found: dict[str, object] = {"facts": run_facts(seed=0)}

    found["overhead_local"] = overhead(lambda _: LocalExecutor(empty_task, 1), options.units)
    try:
        from distributed import LocalCluster
    except ImportError:
        pass
    else:
        with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
            address = cluster.scheduler_address
            found["overhead_dask"] = overhead(lambda _: DaskExecutor(empty_task, address), options.units)

    naps = [f"Na{number + 1}Cl" for number in range(24)]
    rates = [timed(naps, _sleepers(count))[0] for count in (1, 2)]
    found["sleeping"] = {"seconds_each": NAP_S, "per_second": rates, "speedup": rates[1] / rates[0]}

    settings = make_config(**SETTINGS).model_dump(mode="json")
    # the median leaves out the first formula of each process, in which the networks are loaded
    each = [timed(list(REAL), _predictors(settings, count))[2] for count in (1, 2)]
    found["predictions"] = {
        "processor_s_per_formula": each,
        "speedup_by_processor_time": 2 * each[0] / each[1],
    }
    print(json.dumps(found, indent=1))
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
