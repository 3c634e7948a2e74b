"""Generators without relaxation on held-out compounds: how often is a known crystal among the first k?

Experimental compounds of the validation split, 2 to 12 atoms, drawn at random; Z is given, nothing is
relaxed, and a candidate counts that StructureMatcher (0.2, 0.3, 5°) matches with any validation crystal of
the formula. The template library is the training split without benchmark compounds.
Run: python benchmarks/generators.py --data structures.jsonl.gz [--limit 24]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from pymatgen.analysis.structure_matcher import StructureMatcher

from alphacrystal.composition import parse_formula
from alphacrystal.data import StructureRecord, benchmark_formulas, read_records
from alphacrystal.generate import (
    ContactMapGenerator,
    DistanceMatrixGenerator,
    Generator,
    RandomSymmetricGenerator,
    TemplateGenerator,
    TemplateLibrary,
)

FIRST = (1, 5, 20)
SEED = 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=24)
    options = parser.parse_args()
    records = list(read_records(options.data))
    known: dict[str, list[StructureRecord]] = {}
    for record in records:
        compound = len(set(record.species)) > 1 and len(record.species) <= 12
        if record.split == "val" and record.icsd and compound:
            known.setdefault(record.reduced_formula, []).append(record)
    order = np.random.default_rng(SEED).permutation(len(known))[: options.limit]
    chosen = [list(known.values())[i] for i in order]
    library = TemplateLibrary.of_records(
        (record for record in records if record.split == "train"),
        forbid=benchmark_formulas(),
        only=[parse_formula(own[0].reduced_formula) for own in chosen],
    )
    matcher = StructureMatcher(ltol=0.2, stol=0.3, angle_tol=5)
    places: dict[str, list[int]] = {}
    seconds: dict[str, list[float]] = {}
    for crystals in chosen:
        formula = parse_formula(crystals[0].reduced_formula)
        targets = [record.structure() for record in crystals]
        units = [len(targets[0].get_primitive_structure()) // formula.num_atoms]
        generators: list[Generator] = [
            DistanceMatrixGenerator(units),
            ContactMapGenerator(units),
            TemplateGenerator(units, library),
            RandomSymmetricGenerator(units),
        ]
        for generator in generators:
            begin = time.process_time()
            found = list(generator.generate(formula, max(FIRST), np.random.default_rng(SEED)))
            seconds.setdefault(generator.name, []).append(time.process_time() - begin)
            hits = [
                any(matcher.fit(candidate.structure, target) for target in targets) for candidate in found
            ]
            places.setdefault(generator.name, []).append(hits.index(True) if True in hits else max(FIRST))
    for name, own_places in places.items():
        counts = ", ".join(f"{sum(place < k for place in own_places)} in {k}" for k in FIRST)
        print(f"{name:16s} of {len(own_places)}: {counts}; median {np.median(seconds[name]):.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
