"""Chemical, energy and combined order on held-out compounds: where does the right structure stand?

Runs the whole prediction with relaxation on compounds of the validation split and prints the share whose
reference is matched in the first k, for several weights of the energy.
Run: python benchmarks/ranking.py --data DIR [--limit 45]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from pymatgen.analysis.structure_matcher import StructureMatcher

from alphacrystal import AlphaCrystalError, PredictConfig, predict
from alphacrystal.benchmark import reference_records, run_facts
from alphacrystal.data import read_records

SCALES = (0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1.0)  # eV/atom that weigh as much as a factor e in probability
FIRST = (1, 3, 5, 10, 20)
SEED = 1
Row = tuple[float, float, bool]  # log-probability, energy above the best (eV/atom), matches the reference


def ranks(compounds: list[list[Row]], scale: float | None) -> dict[str, float]:
    """Share of compounds matched in the first k; scale None is the chemical order, 0 the energy order."""
    places = []
    for rows in compounds:
        if scale is None:
            order = sorted(rows, key=lambda row: -row[0])
        elif scale == 0:
            order = sorted(rows, key=lambda row: row[1])
        else:
            order = sorted(rows, key=lambda row: row[1] / scale - row[0])
        places.append(next((place for place, row in enumerate(order) if row[2]), 999))
    return {f"top-{k}": round(float(np.mean([place < k for place in places])), 3) for k in FIRST}


def main() -> int:
    beside = Path(__file__).parents[2] / "shared" / "data"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=beside if beside.is_dir() else None)
    parser.add_argument("--limit", type=int, default=45)
    arguments = parser.parse_args()
    if arguments.data is None:
        print("benchmarks/ranking.py needs --data DIR with structures.jsonl.gz; skipped.")
        return 0
    facts = run_facts(SEED)  # now: the tree may change while this runs
    records = [r for r in read_records(arguments.data) if r.split == "val" and len(set(r.species)) > 1]
    references = reference_records(records)
    order = np.random.default_rng(SEED).permutation(len(references))[: arguments.limit]
    matcher = StructureMatcher(ltol=0.2, stol=0.3, angle_tol=5)
    compounds: list[list[Row]] = []
    seconds = []
    for number, index in enumerate(order, start=1):
        target = references[index].structure()
        begin = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            try:
                run = predict(
                    references[index].reduced_formula, PredictConfig(top=50), folder=Path(folder) / "run"
                )
            except AlphaCrystalError as error:
                print(f"  {references[index].reduced_formula}: {error}", file=sys.stderr)
                compounds.append([])
                continue
        seconds.append(time.monotonic() - begin)
        energies = [row.relaxation.energy_per_atom for row in run.ranked if row.relaxation]
        lowest = min((e for e in energies if e is not None), default=0.0)
        rows: list[Row] = []
        for row in run.ranked:
            same = [
                run.candidates[i].log_probability or -99.0 for i in (row.candidate_index, *row.duplicates)
            ]
            energy = row.relaxation.energy_per_atom if row.relaxation else None
            above = 9.0 if energy is None else energy - lowest
            rows.append((max(same), above, bool(matcher.fit(target, row.primitive))))
        compounds.append(rows)
        print(f"  {number}/{len(order)} {references[index].reduced_formula}", file=sys.stderr, flush=True)
    table = {"chemical only": ranks(compounds, None), "energy only": ranks(compounds, 0)}
    table |= {f"combined, {scale} eV/atom": ranks(compounds, scale) for scale in SCALES}
    for name, row in table.items():
        print(f"{name:26s} " + "  ".join(f"{key} {value:.3f}" for key, value in row.items()))
    print(f"median {np.median(seconds):.1f} s, longest {max(seconds):.1f} s per formula")
    print(
        json.dumps({**facts, "n": len(compounds), "median_s": round(float(np.median(seconds)), 1), **table})
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
