"""Crystal structures found without relaxation for compounds whose formula was held out, with controls.

How good the networks alone are is measured by ``alphacrystal benchmark models``. Needs the record file the
networks were trained from, for its validation split and for the controls.
Run: python benchmarks/validation.py --data DIR [--limit 200]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pymatgen.analysis.structure_matcher import StructureMatcher

from alphacrystal.composition import formula_units_within, parse_formula
from alphacrystal.crystal import Distogram
from alphacrystal.data import StructureRecord, prepare, read_records
from alphacrystal.errors import AlphaCrystalError
from alphacrystal.generate import DistanceMatrixGenerator
from alphacrystal.learn import predict_distograms, predict_hypotheses
from alphacrystal.reconstruct import SearchSettings, reconstruct
from alphacrystal_bench.cspbench.random_crystals import commonest_crystals, random_crystals
from alphacrystal_bench.harness.run_facts import run_facts
from alphacrystal_bench.models.distance_controls import mean_distance, pair_lookup
from alphacrystal_bench.models.subsets import reference_records

SEED = 0
MATCHER = StructureMatcher(ltol=0.2, stol=0.3, angle_tol=5)
Lookup = Callable[[np.ndarray], np.ndarray]  # distances (atoms, atoms) in Å of atomic numbers (atoms,)


def match_table(
    references: list[StructureRecord], lookup: Lookup, overall: float, candidates: int
) -> dict[str, Any]:
    """Share of formulas whose reference is matched in the first 1, 5, 20 unrelaxed structures."""
    hits: dict[str, list[int]] = defaultdict(list)
    seconds = []
    for number, record in enumerate(references, start=1):
        target, formula = record.structure(), parse_formula(record.reduced_formula)
        made: dict[str, list[Any]] = {}
        try:
            units = formula_units_within(formula, 20)
            for name, known in (("AlphaCrystal", True), ("predicted distances alone", False)):
                begin = time.perf_counter()
                generator = DistanceMatrixGenerator(formula_units=units, prototypes=known)
                found = generator.generate(formula, candidates, np.random.default_rng(SEED))
                made[name] = [candidate.structure for candidate in found]
                if known:
                    seconds.append(time.perf_counter() - begin)
            hypotheses = predict_hypotheses(formula, units, 20)
        except AlphaCrystalError:
            hypotheses = []
        for name in ("AlphaCrystal", "predicted distances alone"):
            hits[name].append(first_match(made.get(name, []), target))
        for name, structures in controls(hypotheses, lookup, overall).items():
            hits[name].append(first_match(structures, target))
        if number % 10 == 0:
            print(f"  {number}/{len(references)}", file=sys.stderr, flush=True)
    table = {
        name: {f"top-{k}": round(float((np.array(ranks) < k).mean()), 4) for k in (1, 5, 20)}
        for name, ranks in hits.items()
    }
    return {"n": len(references), "median_s": round(float(np.median(seconds)), 2), **table}


def controls(hypotheses: list[Any], lookup: Lookup, overall: float) -> dict[str, list[Any]]:
    """The same twenty hypotheses and cells, with other distances or other coordinates."""
    from ase.data import chemical_symbols
    from pymatgen.core.lattice import Lattice
    from pymatgen.core.structure import Structure

    made: dict[str, list[Any]] = {
        "commonest coordinates of the type": [],
        "constant distances": [],
        "pair-lookup distances": [],
        "random coordinates": [],
    }
    if not hypotheses:
        return made
    real = predict_distograms(hypotheses)
    fakes: dict[str, list[Distogram]] = {"constant distances": [], "pair-lookup distances": []}
    for distogram in real:
        numbers = distogram.numbers
        constant = np.full((len(numbers), len(numbers)), overall)
        fakes["constant distances"].append(
            Distogram.from_distances(numbers, constant, distogram.bin_edges, 1.0)
        )
        fakes["pair-lookup distances"].append(
            Distogram.from_distances(numbers, lookup(numbers), distogram.bin_edges, 0.7)
        )

    def structure(lattice: np.ndarray, numbers: np.ndarray, positions: np.ndarray) -> Structure:
        return Structure(Lattice(lattice), [chemical_symbols[z] for z in numbers], positions)

    for name, distograms in fakes.items():
        built = reconstruct(hypotheses, distograms, SearchSettings(), SEED)
        made[name] = [structure(b.lattice, b.numbers, b.positions) for b in built]
    made["random coordinates"] = list(random_crystals(hypotheses, SEED))
    made["commonest coordinates of the type"] = list(commonest_crystals(hypotheses, SEED))
    return made


def first_match(structures: list[Any], target: Any) -> int:
    """Place of the first match among the first twenty, 999 without one."""
    for place, structure in enumerate(structures[:20]):
        if MATCHER.fit(target, structure):
            return place
    return 999


def show(title: str, table: dict[str, Any]) -> None:
    print(f"\n{title}")
    for name, row in table.items():
        if isinstance(row, dict):
            print(f"  {name:62s} " + "  ".join(f"{key} {value}" for key, value in row.items()))
        else:
            print(f"  {name}: {row}")


def main() -> int:
    beside = Path(__file__).parents[2] / "shared" / "data"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=beside if beside.is_dir() else None)
    parser.add_argument("--limit", type=int, default=100, help="formulas in the structure table")
    parser.add_argument("--candidates", type=int, default=50)
    parser.add_argument("--out", type=Path, help="also write the result to this JSON file")
    arguments = parser.parse_args()
    if arguments.data is None:
        print("benchmarks/validation.py needs --data DIR with structures.jsonl.gz; skipped.")
        return 0
    torch.set_num_threads(1)
    facts = run_facts(SEED)  # now: the tree may change while this runs
    begin = time.monotonic()
    data = prepare(arguments.data, Path("train") / "cache")
    train = np.flatnonzero(~data.validation)
    means, overall = pair_lookup(data, train), mean_distance(data, train)
    references = reference_records(r for r in read_records(arguments.data) if r.split == "val")
    compounds = [r for r in references if len(set(r.species)) > 1]
    order = np.random.default_rng(SEED).permutation(len(compounds))[: arguments.limit]
    chosen = [compounds[i] for i in order]
    table = match_table(
        chosen, lambda numbers: means.predict(numbers[None])[0], overall, arguments.candidates
    )
    show("Structures without relaxation: matched (0.2/0.3/5)", table)
    result = {**facts, "minutes": round((time.monotonic() - begin) / 60, 1), "structures": table}
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print("\n" + json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
