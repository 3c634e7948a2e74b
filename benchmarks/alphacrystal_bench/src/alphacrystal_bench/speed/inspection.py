"""Time of `alphacrystal inspect`: single formulas in fresh processes, and a batch.

Each single formula is predicted in a fork of a process that has loaded the networks, so that nothing is
cached. The batch is the command line, start-up included, over distinct formulas of the validation split.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from alphacrystal.composition import parse_formula
from alphacrystal.config import make_config
from alphacrystal.data import read_records
from alphacrystal.learn import (
    MODEL_NAMES,
    load_model,
    models_folder,
    predict_cell_distogram,
    predict_hypotheses,
)
from alphacrystal.pipeline.preflight import formula_units_to_try
from alphacrystal.typing import Progress
from alphacrystal_bench.harness.pages import fact_line, markdown_table

HYPOTHESES, CELLS = 60, 3
GOAL_MS, GOAL_S = 300, 60  # of a single formula, and of 1,000 formulas
# Elements to compounds of eight elements, common and rare stoichiometries, small and large cells.
VARIED = (
    "C", "Fe", "NaCl", "MgO", "K4Bi", "CsZn8", "Al2O3", "U13Np7", "Fe11Co9", "MgFeO2", "La3SnC", "Zr5CuBi3",
    "LiCoO2", "Ac7Th5Pa3", "CsPbBrI2", "KNaCaMgO3", "LaSrCuNiO6", "LiMnFePO4", "NaMgAlSiO5", "Rb2LiScF6",
    "Rb2LiYZnCl8", "RbSrTlBiPoO", "YbScLuNaKO5", "HfTaWReOs3", "BaLaZrNbO6", "MgVCrMnFeCoO6", "LiBeBCNOFNa",
)  # fmt: skip


def benchmark_inspection(
    source: Path | None,
    on_progress: Progress,
    *,
    formulas: int | None = None,
    limit: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Wall and processor times of single formulas and, with records, of a batch.

    Args:
        source: Records with a validation split; the batch is left out without them.
        on_progress: Called with (stage, done, total).
        formulas: Number of single formulas; all of them if None.
        limit: Number of formulas of the batch.
        seed: Seed of the sample of the batch.
    """
    torch.set_num_threads(1)
    rows = _single_formulas(VARIED[:formulas], on_progress)
    times = np.array([row["wall_ms"] for row in rows])
    result: dict[str, Any] = {
        "single": rows,
        "median_ms": float(np.median(times)),
        "slowest_ms": float(times.max()),
    }
    if source is not None:
        names = sorted({record.reduced_formula for record in read_records(source) if record.split == "val"})
        order = np.random.default_rng(seed).permutation(len(names))[:limit]
        on_progress("batch", 0, 1)
        result["batch"] = _batch([names[index] for index in order])
        on_progress("batch", 1, 1)
    return result


def _inspect(name: str) -> tuple[float, float]:
    """Wall and processor seconds of the predictions of `inspect` for a formula."""
    wall, processor = time.perf_counter(), time.process_time()
    formula = parse_formula(name)
    hypotheses = predict_hypotheses(
        formula, formula_units_to_try(formula, make_config(known_phases=False, dispersion="none")), HYPOTHESES
    )
    for count in list(dict.fromkeys(hypothesis.formula_units for hypothesis in hypotheses))[:CELLS]:
        predict_cell_distogram(formula.cell(count), hypotheses)
    return time.perf_counter() - wall, time.process_time() - processor


def _single_formulas(names: tuple[str, ...], on_progress: Progress) -> list[dict[str, Any]]:
    for name in MODEL_NAMES:
        load_model(name, models_folder())
    gc.freeze()
    rows = []
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        for done, name in enumerate(names):
            on_progress("single formulas", done, len(names))
            wall, processor = pool.apply(_inspect, (name,))
            row = {"formula": name, "wall_ms": round(1000 * wall, 1), "cpu_ms": round(1000 * processor, 1)}
            rows.append(row)
    on_progress("single formulas", len(names), len(names))
    return rows


def _batch(formulas: list[str]) -> dict[str, float]:
    """Wall and processor seconds of the command line over a list of formulas, and the size in MB."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "formulas.csv", Path(folder) / "out.jsonl"
        source.write_text("\n".join(["formula", *formulas, ""]), encoding="utf-8")
        code = "from alphacrystal.cli import main; main()"
        before, begin = os.times(), time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", code, "inspect", "--from", source, "--output", target], check=True
        )
        wall, after = time.perf_counter() - begin, os.times()
        lines = target.read_text(encoding="utf-8").splitlines()
        if len(lines) != len(formulas):
            raise RuntimeError(f"{len(lines)} lines for {len(formulas)} formulas")
        used = after.children_user + after.children_system - before.children_user - before.children_system
        return {
            "formulas": len(formulas),
            "wall_s": round(wall, 1),
            "cpu_s": round(used, 1),
            "megabytes": round(target.stat().st_size / 1e6, 1),
        }


def render(result: Mapping[str, Any]) -> str:
    """Times of the single formulas and of the batch."""
    rows = [[row["formula"], row["wall_ms"], row["cpu_ms"]] for row in result["single"]]
    single = (
        f"Single formulas in fresh processes with loaded networks: median {result['median_ms']:.0f} ms, "
        f"slowest {result['slowest_ms']:.0f} ms (goal: {GOAL_MS} ms)."
    )
    lines = [
        "# Speed of inspect",
        "",
        fact_line("inspection", result, options=" [--data DIR]"),
        "",
        single,
        "",
    ]
    lines += markdown_table(["formula", "wall ms", "CPU ms"], rows)
    if batch := result.get("batch"):
        text = (
            f"Batch of {batch['formulas']} formulas: {batch['wall_s']} s wall, {batch['cpu_s']} s processor "
            f"time, {batch['megabytes']} MB of JSON (goal: 1,000 formulas in {GOAL_S} s)."
        )
        lines += ["", text]
    return "\n".join(lines) + "\n"
