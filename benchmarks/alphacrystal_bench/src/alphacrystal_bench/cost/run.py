"""Cost until the known structure is generated: our predictions against baseline searches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alphacrystal.errors import InputError
from alphacrystal.typing import Progress
from alphacrystal_bench.cost.methods import OURS, MethodSettings, Row, method_rows, row_facts
from alphacrystal_bench.cost.random_searches import GNOA, GNOA_RANDOM, RANDOM_RELAXED
from alphacrystal_bench.harness.rows import sample
from alphacrystal_bench.paper_tables.paper_compounds import PaperCompound
from alphacrystal_bench.paper_tables.table3 import match_rank

BASELINES = (GNOA, GNOA_RANDOM, RANDOM_RELAXED)
UNRELAXED = "ours_not_relaxed"
GOAL = 20.0  # ratio of the time of GNOA to ours


def benchmark_cost(
    compounds: Sequence[PaperCompound],
    settings: MethodSettings,
    out: Path,
    *,
    baselines: Sequence[str] = BASELINES,
    limit: int | None = None,
    on_progress: Progress = lambda *_: None,
) -> dict[str, Any]:
    """Processor seconds and energy evaluations until the known structure is generated, and success rates.

    Only compounds whose structure is known by its id count. The folder of a finished `benchmark_table3`
    with the same settings already holds our predictions and those of GNOA.

    Args:
        compounds: Compounds of `read_table3`.
        settings: Settings of the methods.
        out: Folder of the rows and the run folders.
        baselines: Searches to compare with; GNOA is always included.
        limit: Number of compounds, drawn at random; all of them if None.
        on_progress: Called with (stage, done, total).

    Raises:
        InputError: There are no compounds, a baseline is unknown, or the folder holds a run with other
            settings.
    """
    unknown = set(baselines) - set(BASELINES)
    if unknown:
        raise InputError(f"There is no baseline {min(unknown)!r}: choose from {', '.join(BASELINES)}.")
    methods = (OURS, *(name for name in BASELINES if name == GNOA or name in baselines))
    compounds = sample([entry for entry in compounds if entry.by_id], limit, settings.seed)
    if not compounds:
        raise InputError("There are no compounds to predict.")
    known = [entry.compound for entry in compounds]
    rows = method_rows(methods, known, settings, out, on_progress)
    costs = {
        method: [_cost(rows[method, compound.id], method, settings) for compound in known]
        for method in methods
    }
    costs[UNRELAXED] = [_unrelaxed_cost(rows[OURS, compound.id]) for compound in known]
    order = (OURS, UNRELAXED, *methods[1:])
    return {
        "n": len(known),
        "methods": {method: _summary(costs[method], costs[OURS]) for method in order},
        "ratios": {method: time_ratios(costs[method], costs[OURS]) for method in methods[1:]},
        "goal": GOAL,
        **row_facts(rows),
        **settings.fixed(),
        "compounds": [
            {
                "id": compound.id,
                "formula": compound.formula,
                "atoms": compound.atoms,
                "methods": {method: costs[method][index] for method in order},
            }
            for index, compound in enumerate(known)
        ],
    }


def _cost(row: Mapping[str, Any], method: str, settings: MethodSettings) -> Row:
    """Seconds and evaluations until the match, or in total if there is none."""
    first = row["first_match"]
    total = {"cpu_seconds": row["cpu_seconds"], "evaluations": row["evaluations"]}
    if method != OURS and first is None:  # a refused or empty search counts with its time limit
        total["cpu_seconds"] = max(total["cpu_seconds"], settings.seconds)
    return {
        "matched": first is not None,
        "match_rank": match_rank(row),
        "total_seconds": total["cpu_seconds"],
        **(first or total),
    }


def _unrelaxed_cost(row: Mapping[str, Any]) -> Row:
    """Our candidates before any energy evaluation."""
    matches = row.get("unrelaxed", [])
    rank = next((rank for rank, match in enumerate(matches, start=1) if match), None)
    seconds = row.get("generate_cpu_seconds", row["cpu_seconds"])
    return {
        "matched": rank is not None,
        "match_rank": rank,
        "total_seconds": seconds,
        "cpu_seconds": seconds,
        "evaluations": 0,
    }


def _summary(costs: Sequence[Row], ours: Sequence[Row]) -> dict[str, Any]:
    matched = [cost for cost in costs if cost["matched"]]
    ranks = [cost["match_rank"] for cost in costs]
    per_match, our_per_match = seconds_per_match(costs), seconds_per_match(ours)
    per_first, our_per_first = seconds_per_first_match(costs), seconds_per_first_match(ours)
    return {
        "matched": len(matched),
        **{f"top_{k}": sum(rank is not None and rank <= k for rank in ranks) for k in (1, 10, 20)},
        "median_seconds": _median([cost["cpu_seconds"] for cost in matched]),
        "median_evaluations": _median([cost["evaluations"] for cost in matched]),
        "seconds": round(sum(cost["cpu_seconds"] for cost in costs), 1),
        "evaluations": sum(cost["evaluations"] for cost in costs),
        "seconds_per_match": per_match,
        "times_ours": _ratio(per_match, our_per_match),
        "seconds_per_first_match": per_first,
        "first_match_times_ours": _ratio(per_first, our_per_first),
    }


def _ratio(value: float | None, ours: float | None) -> float | None:
    return round(value / ours, 2) if value is not None and ours else None


def seconds_per_first_match(costs: Sequence[Row]) -> float | None:
    """Total seconds of all runs per compound whose first structure matches; None if there is none."""
    right = sum(cost["match_rank"] == 1 for cost in costs)
    return round(sum(cost["total_seconds"] for cost in costs) / right, 3) if right else None


def seconds_per_match(costs: Sequence[Row]) -> float | None:
    """Seconds of all compounds, with and without success, per matched compound; None if there is none."""
    matched = sum(cost["matched"] for cost in costs)
    return round(sum(cost["cpu_seconds"] for cost in costs) / matched, 3) if matched else None


def time_ratios(baseline: Sequence[Row], ours: Sequence[Row]) -> dict[str, Any]:
    """Ratio of the times of a baseline and ours at equal success.

    The time limit per compound at which m compounds are matched is the m-th shortest time to a match. The
    limits are compared at every m that both reach; for one more compound, the least time of an unsuccessful
    search is a lower bound.
    """
    our_times = sorted(row["cpu_seconds"] for row in ours if row["matched"])
    times = sorted(row["cpu_seconds"] for row in baseline if row["matched"])
    common = min(len(our_times), len(times))
    table = {
        str(m): {
            "ours": round(our_times[m - 1], 3),
            "baseline": round(times[m - 1], 3),
            "ratio": round(times[m - 1] / our_times[m - 1], 2),
        }
        for m in range(1, common + 1)
    }
    bound = None
    if len(our_times) > len(times):
        unsuccessful = min(row["cpu_seconds"] for row in baseline if not row["matched"])
        bound = round(unsuccessful / our_times[len(times)], 2)
    return {
        "both_reach": common,
        "at_equal_success": table[str(common)]["ratio"] if common else None,
        "at_one_more_at_least": bound,
        "limits": table,
    }


def _median(values: Sequence[float]) -> float | None:
    return round(float(np.median(values)), 3) if values else None
