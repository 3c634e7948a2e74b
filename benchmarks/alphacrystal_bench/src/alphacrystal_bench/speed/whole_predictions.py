"""Time of a prediction with default settings, and converged share of its list."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from alphacrystal.typing import Progress
from alphacrystal_bench.harness.rows import Rows
from alphacrystal_bench.speed.structures import MAX_ATOMS
from alphacrystal_bench.speed.symmetry import compare_symmetry


def prediction_speed(formulas: Sequence[str], seed: int, out: Path, on_progress: Progress) -> dict[str, Any]:
    """Wall seconds of `predict` from formula to report, cells up to 12 atoms; ``out`` keeps finished ones."""
    finished = Rows(out / "predict.jsonl", key=lambda row: str(row["formula"]))
    rows = []
    for done, formula in enumerate(formulas):
        on_progress("predict", done, len(formulas))
        rows.append(finished.compute(formula, partial(_predict, formula, seed, out / "run")))
    seconds = [row["wall_s"] for row in rows]
    listed = sum(row["listed"] for row in rows)
    return {
        "n": len(rows),
        "median_wall_s": round(float(np.median(seconds)), 1),
        "longest_wall_s": round(max(seconds), 1),
        "median_cpu_s": round(float(np.median([row["cpu_s"] for row in rows])), 1),
        "listed": listed,
        "converged": round(sum(row["converged"] for row in rows) / max(listed, 1), 4),
        "space_group_kept": round(sum(row["kept"] for row in rows) / max(listed, 1), 4),
    }


def _predict(formula: str, seed: int, folder: Path) -> dict[str, Any]:
    from alphacrystal.config import PredictConfig
    from alphacrystal.pipeline.predict import predict

    shutil.rmtree(folder, ignore_errors=True)
    begin, cpu_begin = time.monotonic(), _processor_seconds()
    run = predict(
        formula,
        PredictConfig(seed=seed, max_atoms=MAX_ATOMS, known_phases=False, dispersion="none"),
        folder=folder,
    )
    wall, cpu = time.monotonic() - begin, _processor_seconds() - cpu_begin
    shutil.rmtree(folder, ignore_errors=True)
    ends = [(row.candidate, row.relaxation) for row in run.ranked if row.relaxation is not None]
    compared = [
        compare_symmetry(
            candidate.structure,
            end.structure,
            None if candidate.hypothesis is None else candidate.hypothesis.space_group,
        )
        for candidate, end in ends
    ]
    return {
        "formula": formula,
        "wall_s": round(wall, 2),
        "cpu_s": round(cpu, 2),
        "listed": len(ends),
        "converged": sum(end.converged for _, end in ends),
        "kept": sum(item.operations_kept for item in compared),
    }


def _processor_seconds() -> float:
    """Processor seconds of this process and of its children that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
