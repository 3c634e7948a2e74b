"""How long `alphacrystal inspect` takes: single formulas with nothing remembered, and a thousand in a batch.

Single formulas are asked in a copy of a process that has loaded the networks and nothing else, so that each
is the first. The batch is the command line itself, start-up included, over distinct formulas of the
validation split. Run: python benchmarks/inspection.py --data DIR
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

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
from alphacrystal.pipeline.preflight import units_to_try
from alphacrystal_bench.harness.run_facts import run_facts

SEED = 0
# From elements to eight of them, common and odd stoichiometries, small and large cells; many in no database.
VARIED = (
    "C", "Fe", "NaCl", "MgO", "K4Bi", "CsZn8", "Al2O3", "U13Np7", "Fe11Co9", "MgFeO2", "La3SnC", "Zr5CuBi3",
    "LiCoO2", "Ac7Th5Pa3", "CsPbBrI2", "KNaCaMgO3", "LaSrCuNiO6", "LiMnFePO4", "NaMgAlSiO5", "Rb2LiScF6",
    "Rb2LiYZnCl8", "RbSrTlBiPoO", "YbScLuNaKO5", "HfTaWReOs3", "BaLaZrNbO6", "MgVCrMnFeCoO6", "LiBeBCNOFNa",
)  # fmt: skip


def think(name: str) -> tuple[float, float]:
    """Seconds of wall time and of processor time for all that `inspect` asks the networks of a formula."""
    wall, processor = time.perf_counter(), time.process_time()
    formula = parse_formula(name)
    hypotheses = predict_hypotheses(formula, units_to_try(formula, make_config()), 60)
    for z in list(dict.fromkeys(h.formula_units for h in hypotheses))[:3]:
        predict_cell_distogram(formula.cell(z), hypotheses)
    return time.perf_counter() - wall, time.process_time() - processor


def single_formulas() -> dict[str, dict[str, float]]:
    """Wall and processor time in ms of each formula, the first that its process is asked."""
    for name in MODEL_NAMES:
        load_model(name, models_folder())
    gc.freeze()
    rows = {}
    with multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        for name in VARIED:
            wall, processor = pool.apply(think, (name,))
            rows[name] = {"wall_ms": round(1000 * wall, 1), "processor_ms": round(1000 * processor, 1)}
            print(f"  {name:16s} {1000 * wall:7.1f} ms   processor {1000 * processor:7.1f} ms", flush=True)
    return rows


def batch(formulas: list[str]) -> dict[str, float]:
    """Wall and processor time in s of the command line over a list of formulas, with its size in MB."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "formulas.csv", Path(folder) / "out.jsonl"
        source.write_text("\n".join(["formula", *formulas, ""]), encoding="utf-8")
        code = "from alphacrystal.cli import main; main()"
        before, begin = os.times(), time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", code, "inspect", "--from", source, "--json", target], check=True
        )
        wall, after = time.perf_counter() - begin, os.times()
        lines = target.read_text(encoding="utf-8").splitlines()
        if len(lines) != len(formulas):
            raise RuntimeError(f"{len(lines)} lines for {len(formulas)} formulas")
        used = after.children_user + after.children_system - before.children_user - before.children_system
        return {
            "formulas": len(formulas),
            "wall_s": round(wall, 1),
            "processor_s": round(used, 1),
            "megabytes": round(target.stat().st_size / 1e6, 1),
        }


def main() -> int:
    beside = Path(__file__).parents[2] / "shared" / "data"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=beside if beside.is_dir() else None)
    parser.add_argument("--limit", type=int, default=1000, help="formulas in the batch")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    facts = run_facts(SEED)  # now: the tree may change while this runs
    print("Single formulas, nothing remembered, after loading")
    rows = single_formulas()
    times = np.array([row["wall_ms"] for row in rows.values()])
    print(f"median {np.median(times):.0f} ms, slowest {times.max():.0f} ms of {len(times)} (goal: 300 ms)")
    result = {**facts, "single": rows, "median_ms": float(np.median(times)), "slowest_ms": float(times.max())}
    if arguments.data is None:
        print("The batch needs --data DIR with structures.jsonl.gz; skipped.")
    else:
        names = sorted({r.reduced_formula for r in read_records(arguments.data) if r.split == "val"})
        order = np.random.default_rng(SEED).permutation(len(names))[: arguments.limit]
        result["batch"] = found = batch([names[i] for i in order])
        print(
            f"{found['formulas']} formulas in {found['wall_s']} s, processor {found['processor_s']} s "
            "(goal: 1,000 in 60 s)"
        )
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
