"""Chemical, energy and combined order on held-out compounds: where does the right structure stand?

Runs the whole prediction with relaxation on compounds of the validation split and prints the share whose
reference is matched in the first k: by the networks alone, by energy alone (the paper's: the lowest formation
energies of the 50 candidates), and combined with several weights of the energy and several additions for
relaxations that did not converge. Each finished compound is kept in --out; the same command goes on from
there, and with all compounds in the file it only draws the tables again.
Run: python benchmarks/ranking.py --data DIR --out ranking.jsonl [--limit 45]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Structure

from alphacrystal import AlphaCrystalError, PredictConfig, predict
from alphacrystal.data import read_records
from alphacrystal.rank import ENERGY_SCALE, UNCONVERGED_PENALTY
from alphacrystal_bench.harness.run_facts import run_facts
from alphacrystal_bench.models.subsets import reference_records

SCALES = (0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 2.0)  # eV/atom that weigh as a factor e in probability
PENALTIES = (0.0, 1.0, 3.0, 6.0)  # for a relaxation that did not converge
FIRST = (1, 3, 5, 10, 20)
SEED = 1
#: log-probability, energy above the best (eV/atom), whether it matches the reference, and converged
Row = tuple[float, float, bool, bool]


def places(compounds: list[list[Row]], scale: float | None, penalty: float) -> list[int]:
    """Place of the reference of each compound; scale None is the chemical order, 0 the energy order."""

    def cost(row: Row) -> float:
        chance, above, _, converged = row
        if scale is None:
            return -chance
        if scale == 0:
            return above
        return above / scale - chance + (0.0 if converged else penalty)

    return [
        next((place for place, row in enumerate(sorted(rows, key=cost)) if row[2]), 999) for rows in compounds
    ]


def shares(found: list[int]) -> dict[str, float]:
    return {f"top-{k}": round(float(np.mean([place < k for place in found])), 3) for k in FIRST}


def predicted(formula: str, target: Structure) -> dict[str, Any]:
    """The rows of a prediction and its wall seconds; no rows where it is refused."""
    matcher = StructureMatcher(ltol=0.2, stol=0.3, angle_tol=5)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        try:
            run = predict(formula, PredictConfig(top=50), folder=Path(folder) / "run")
        except AlphaCrystalError as error:
            print(f"  {formula}: {error}", file=sys.stderr)
            return {"formula": formula, "rows": [], "seconds": 0.0}
    seconds = time.monotonic() - begin
    energies = [row.relaxation.energy_per_atom for row in run.ranked if row.relaxation]
    lowest = min((e for e in energies if e is not None), default=0.0)
    rows: list[Row] = []
    for row in run.ranked:
        members = [run.candidates[i].log_probability for i in (row.candidate_index, *row.duplicates)]
        same = [-99.0 if chance is None else chance for chance in members]
        energy = row.relaxation.energy_per_atom if row.relaxation else None
        above = 9.0 if energy is None else energy - lowest
        converged = row.relaxation is not None and row.relaxation.converged
        rows.append((max(same), above, bool(matcher.fit(target, row.primitive)), converged))
    return {"formula": formula, "rows": rows, "seconds": round(seconds, 2)}


def main() -> int:
    beside = Path(__file__).parents[2] / "shared" / "data"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=beside if beside.is_dir() else None)
    parser.add_argument("--out", type=Path, help="JSON lines, one a compound; kept and gone on with")
    parser.add_argument("--limit", type=int, default=45)
    arguments = parser.parse_args()
    if arguments.data is None:
        print("benchmarks/ranking.py needs --data DIR with structures.jsonl.gz; skipped.")
        return 0
    facts = run_facts(SEED)  # now: the tree may change while this runs
    records = [r for r in read_records(arguments.data) if r.split == "val" and len(set(r.species)) > 1]
    references = reference_records(records)
    order = np.random.default_rng(SEED).permutation(len(references))[: arguments.limit]
    kept: dict[str, dict[str, Any]] = {}
    if arguments.out is not None and arguments.out.is_file():
        kept = {item["formula"]: item for item in map(json.loads, arguments.out.read_text().splitlines())}
    results = []
    for number, index in enumerate(order, start=1):
        formula = references[index].reduced_formula
        if formula not in kept:
            kept[formula] = predicted(formula, references[index].structure())
            if arguments.out is not None:
                with arguments.out.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(kept[formula]) + "\n")
            print(f"  {number}/{len(order)} {formula}", file=sys.stderr, flush=True)
        results.append(kept[formula])
    compounds: list[list[Row]] = [item["rows"] for item in results]
    table = {
        "chemical only": shares(places(compounds, None, 0.0)),
        "energy only": shares(places(compounds, 0, 0.0)),
    }
    table |= {
        f"combined, {scale} eV/atom": shares(places(compounds, scale, UNCONVERGED_PENALTY))
        for scale in SCALES
    }
    print("| order | " + " | ".join(f"first {k}" if k > 1 else "first" for k in FIRST) + " |")
    print("|---|" + "---:|" * len(FIRST))
    for name, row in table.items():
        print(f"| {name} | " + " | ".join(f"{100 * value:.0f} %" for value in row.values()) + " |")
    # One number for all of the list: the mean reciprocal place.
    grid = {
        (scale, penalty): float(np.mean([1 / (1 + place) for place in places(compounds, scale, penalty)]))
        for scale in SCALES
        for penalty in PENALTIES
    }
    best = max(grid, key=lambda key: grid[key])
    print(f"best mean reciprocal place {grid[best]:.3f}: {best[0]} eV/atom, {best[1]} for not converged")
    print("the default order's: " + f"{grid[ENERGY_SCALE, UNCONVERGED_PENALTY]:.3f}")
    seconds = [item["seconds"] for item in results if item["seconds"]]
    listed = [row for rows in compounds for row in rows]
    converged = float(np.mean([row[3] for row in listed])) if listed else 0.0
    print(
        f"median {np.median(seconds):.1f} s, longest {max(seconds):.1f} s; {100 * converged:.0f} % converged"
    )
    summary = {"n": len(compounds), "median_s": round(float(np.median(seconds)), 1), "converged": converged}
    reciprocal = {f"{scale} eV/atom, {penalty}": round(value, 4) for (scale, penalty), value in grid.items()}
    print(json.dumps({**facts, **summary, **table, "mean reciprocal place": reciprocal}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
