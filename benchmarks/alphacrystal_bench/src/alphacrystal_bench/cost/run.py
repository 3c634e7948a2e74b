"""`alphacrystal benchmark cost`: what it takes to meet the known structure, ours against searches."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alphacrystal.errors import InputError
from alphacrystal_bench.cost.methods import OURS, MethodSettings, Row, method_rows, row_facts
from alphacrystal_bench.cost.random_searches import GNOA, GNOA_RANDOM, RANDOM_RELAXED
from alphacrystal_bench.harness.progress import Progress, silent
from alphacrystal_bench.harness.run_facts import run_facts
from alphacrystal_bench.harness.sampling import drawn
from alphacrystal_bench.paper_tables.paper_compounds import PaperCompound
from alphacrystal_bench.paper_tables.table3 import match_place

COST_RIVALS = (GNOA, GNOA_RANDOM, RANDOM_RELAXED)
UNRELAXED = "ours, not relaxed"
GOAL = 20.0  # times less than GNOA


def benchmark_cost(
    compounds: Sequence[PaperCompound],
    settings: MethodSettings,
    out: Path,
    *,
    rivals: Sequence[str] = COST_RIVALS,
    limit: int | None = None,
    on_progress: Progress | None = None,
) -> dict[str, Any]:
    """Processor seconds and energy evaluations until the known structure is met, and success rates.

    Only compounds whose structure is known by its id count. The folder of a finished `benchmark_table3`
    with the same settings already holds our runs and GNOA's.

    Args:
        compounds: Of `read_table3`.
        settings: Of the methods.
        out: Folder of the rows and the run folders.
        rivals: Searches to compare with; GNOA is always one of them.
        limit: Compounds drawn at random; all if None.
        on_progress: Called with (stage, done, total).

    Raises:
        InputError: There are no compounds, there is no such rival, or the folder holds a run with other
            settings.
    """
    unknown = set(rivals) - set(COST_RIVALS)
    if unknown:
        raise InputError(f"There is no rival {min(unknown)!r}: choose from {', '.join(COST_RIVALS)}.")
    methods = (OURS, *(name for name in COST_RIVALS if name == GNOA or name in rivals))
    compounds = [own for own in compounds if own.by_id]
    if not compounds:
        raise InputError("There are no compounds to predict.")
    facts = run_facts(settings.seed)
    begun = time.monotonic()
    compounds = drawn(compounds, limit, settings.seed)
    known = [own.compound for own in compounds]
    rows = method_rows(methods, known, settings, out, on_progress or silent)
    spent = {method: [_spent(rows[method, own.id], method, settings) for own in known] for method in methods}
    spent[UNRELAXED] = [_unrelaxed(rows[OURS, own.id]) for own in known]
    order = (OURS, UNRELAXED, *methods[1:])
    return {
        "n": len(known),
        "methods": {method: _summary(spent[method], spent[OURS]) for method in order},
        "ratios": {method: time_ratios(spent[method], spent[OURS]) for method in methods[1:]},
        "goal": GOAL,
        **facts,
        **row_facts(rows),
        **settings.noted(),
        "minutes": round((time.monotonic() - begun) / 60, 1),
        "compounds": [
            {
                "id": own.id,
                "formula": own.formula,
                "atoms": own.atoms,
                "methods": {method: spent[method][place] for method in order},
            }
            for place, own in enumerate(known)
        ],
    }


def _spent(row: Mapping[str, Any], method: str, settings: MethodSettings) -> Row:
    """Seconds and evaluations until the match; what was spent in vain where there is none."""
    first = row["first_match"]
    whole = {"cpu_seconds": row["cpu_seconds"], "evaluations": row["evaluations"]}
    if method != OURS and first is None:  # a refusal or an empty search spends its limit too
        whole["cpu_seconds"] = max(whole["cpu_seconds"], settings.seconds)
    return {
        "met": first is not None,
        "answer_place": match_place(row),
        "whole_seconds": whole["cpu_seconds"],
        **(first or whole),
    }


def _unrelaxed(row: Mapping[str, Any]) -> Row:
    """Ours before any energy: the candidates as they are generated."""
    flags = row.get("unrelaxed", [])
    place = next((at for at, match in enumerate(flags, start=1) if match), None)
    seconds = row.get("generate_cpu_seconds", row["cpu_seconds"])
    return {
        "met": place is not None,
        "answer_place": place,
        "whole_seconds": seconds,
        "cpu_seconds": seconds,
        "evaluations": 0,
    }


def _summary(spent: Sequence[Row], ours: Sequence[Row]) -> dict[str, Any]:
    met = [own for own in spent if own["met"]]
    places = [own["answer_place"] for own in spent]
    per_success, own_per_success = expected_seconds(spent), expected_seconds(ours)
    per_answer, own_per_answer = seconds_per_right_answer(spent), seconds_per_right_answer(ours)
    return {
        "met": len(met),
        **{f"top-{k}": sum(place is not None and place <= k for place in places) for k in (1, 10, 20)},
        "median_seconds": _median([own["cpu_seconds"] for own in met]),
        "median_evaluations": _median([own["evaluations"] for own in met]),
        "seconds": round(sum(own["cpu_seconds"] for own in spent), 1),
        "evaluations": sum(own["evaluations"] for own in spent),
        "seconds_per_success": per_success,
        "times_ours": _times(per_success, own_per_success),
        "seconds_per_right_answer": per_answer,
        "answer_times_ours": _times(per_answer, own_per_answer),
    }


def _times(value: float | None, own: float | None) -> float | None:
    return round(value / own, 2) if value is not None and own else None


def seconds_per_right_answer(spent: Sequence[Row]) -> float | None:
    """Seconds of whole runs for each compound whose first answer is right: nobody tells when to stop."""
    right = sum(own["answer_place"] == 1 for own in spent)
    return round(sum(own["whole_seconds"] for own in spent) / right, 3) if right else None


def expected_seconds(spent: Sequence[Row]) -> float | None:
    """Seconds spent on all compounds, in vain or not, for each that was met; None if none was."""
    met = sum(own["met"] for own in spent)
    return round(sum(own["cpu_seconds"] for own in spent) / met, 3) if met else None


def time_ratios(rival: Sequence[Row], ours: Sequence[Row]) -> dict[str, Any]:
    """How much more time a rival needs at equal success.

    The time limit per compound at which m compounds are met is the m-th shortest time to a match. Compared
    are these limits at every m that both reach; at one more, which a rival did not reach, the least
    time it spent in vain is a lower bound.
    """
    own = sorted(row["cpu_seconds"] for row in ours if row["met"])
    other = sorted(row["cpu_seconds"] for row in rival if row["met"])
    common = min(len(own), len(other))
    table = {
        str(m): {
            "ours": round(own[m - 1], 3),
            "rival": round(other[m - 1], 3),
            "ratio": round(other[m - 1] / own[m - 1], 2),
        }
        for m in range(1, common + 1)
    }
    bound = None
    if len(own) > len(other):
        in_vain = min(row["cpu_seconds"] for row in rival if not row["met"])
        bound = round(in_vain / own[len(other)], 2)
    return {
        "both_reach": common,
        "at_equal_success": table[str(common)]["ratio"] if common else None,
        "at_one_more_at_least": bound,
        "limits": table,
    }


def _median(values: Sequence[float]) -> float | None:
    return round(float(np.median(values)), 3) if values else None
