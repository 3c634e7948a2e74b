"""Match rates of unrelaxed structures of held-out compounds, with controls.

The errors of the networks alone are measured by ``alphacrystal benchmark models``. The benchmark needs the
training records of the networks, for their validation split and for the controls.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ase.data import chemical_symbols
from pymatgen.core import Lattice, Structure

from alphacrystal.composition import formula_units_within, parse_formula
from alphacrystal.crystal import Distogram, SymmetryHypothesis
from alphacrystal.data import StructureRecord, prepare, read_records
from alphacrystal.errors import AlphaCrystalError
from alphacrystal.evaluation import match_pair
from alphacrystal.generate import DistanceMatrixGenerator
from alphacrystal.learn import predict_distograms, predict_hypotheses
from alphacrystal.reconstruct import SearchSettings, reconstruct
from alphacrystal.typing import FloatArray, IntArray, Progress
from alphacrystal_bench.cspbench.controls import commonest_crystals, random_crystals
from alphacrystal_bench.harness.pages import fact_line, label, markdown_table, percent
from alphacrystal_bench.harness.rows import Row, Rows, check_settings
from alphacrystal_bench.models.distance_table import mean_distance, pair_lookup
from alphacrystal_bench.models.subsets import reference_records
from alphacrystal_bench.paper_tables.matrix_controls import ElementPairLookup

TOPS = (1, 5, 20)
MAX_ATOMS, HYPOTHESES = 20, 20
OURS, ALONE = "alphacrystal", "predicted_distances_alone"
CONTROLS = ("commonest_coordinates", "constant_distances", "pair_lookup_distances", "random_coordinates")
CONSTANT_WIDTH, LOOKUP_WIDTH = 1.0, 0.7  # Å: widths of the distograms of the controls


def benchmark_validation(
    source: Path, out: Path, on_progress: Progress, *, limit: int = 100, candidates: int = 50, seed: int = 0
) -> dict[str, Any]:
    """Match rates in the first 1, 5 and 20 unrelaxed structures, and of the controls.

    Args:
        source: Training records of the networks, with a validation split.
        out: Folder of prepared arrays and of the finished compounds.
        on_progress: Called with (stage, done, total).
        limit: Number of compounds, drawn at random.
        candidates: Candidates per compound.
        seed: Random seed.

    Returns:
        Number of compounds, median seconds of a list, and match rates by method.
    """
    torch.set_num_threads(1)
    check_settings(out, {"candidates": candidates, "seed": seed})
    data = prepare(source, out / "cache")
    train = np.flatnonzero(~data.validation)
    lookup, overall = pair_lookup(data, train), mean_distance(data, train)
    references = reference_records(record for record in read_records(source) if record.split == "val")
    compounds = [record for record in references if len(set(record.species)) > 1]
    order = np.random.default_rng(seed).permutation(len(compounds))[:limit]
    finished = Rows(out / "rows.jsonl")
    rows = []
    for done, index in enumerate(order):
        on_progress("predict", done, len(order))
        record = compounds[index]
        if record.id not in finished:
            finished.add(record.id, _compound_row(record, lookup, overall, candidates, seed))
        rows.append(finished[record.id])
    on_progress("predict", len(order), len(order))
    seconds = [row["seconds"] for row in rows if row["seconds"] is not None]
    return {
        "n": len(rows),
        "median_s": round(float(np.median(seconds)), 2) if seconds else None,
        "structures": {
            method: {
                f"top_{top}": round(float(np.mean([_within(row["ranks"][method], top) for row in rows])), 4)
                for top in TOPS
            }
            for method in (OURS, ALONE, *CONTROLS)
        },
    }


def _compound_row(
    record: StructureRecord, lookup: ElementPairLookup, overall: float, candidates: int, seed: int
) -> Row:
    """Rank of the first match of every method."""
    target, formula = record.structure(), parse_formula(record.reduced_formula)
    lists: dict[str, Sequence[Structure]] = {}
    seconds = None
    try:
        units = formula_units_within(formula, MAX_ATOMS)
        for name, prototypes in ((OURS, True), (ALONE, False)):
            begin = time.perf_counter()
            generator = DistanceMatrixGenerator(formula_units=units, prototypes=prototypes)
            generated = generator.generate(formula, candidates, np.random.default_rng(seed))
            lists[name] = [candidate.structure for candidate in generated]
            if name == OURS:
                seconds = round(time.perf_counter() - begin, 3)
        lists |= _controls(predict_hypotheses(formula, units, HYPOTHESES), lookup, overall, seed)
    except AlphaCrystalError:  # formulas that are refused have no structures
        pass
    ranks = {method: _first_match(lists.get(method, []), target) for method in (OURS, ALONE, *CONTROLS)}
    return {"id": record.id, "formula": record.reduced_formula, "seconds": seconds, "ranks": ranks}


def _controls(
    hypotheses: Sequence[SymmetryHypothesis], lookup: ElementPairLookup, overall: float, seed: int
) -> dict[str, Sequence[Structure]]:
    """The same hypotheses and cells, with other distances or other coordinates."""
    if not hypotheses:
        return {}
    constant, pairs = [], []
    for distogram in predict_distograms(hypotheses):
        numbers, edges = distogram.numbers, distogram.bin_edges
        distances = np.full((len(numbers), len(numbers)), overall)
        constant.append(Distogram.from_distances(numbers, distances, edges, CONSTANT_WIDTH))
        means = lookup.predict(numbers[None])[0]
        pairs.append(Distogram.from_distances(numbers, means, edges, LOOKUP_WIDTH))
    lists: dict[str, Sequence[Structure]] = {}
    for name, distograms in (("constant_distances", constant), ("pair_lookup_distances", pairs)):
        built = reconstruct(hypotheses, distograms, SearchSettings(), seed)
        lists[name] = [_structure(crystal.lattice, crystal.numbers, crystal.positions) for crystal in built]
    lists["random_coordinates"] = list(random_crystals(hypotheses, seed))
    lists["commonest_coordinates"] = list(commonest_crystals(hypotheses, seed))
    return lists


def _structure(lattice: FloatArray, numbers: IntArray, positions: FloatArray) -> Structure:
    return Structure(Lattice(lattice), [chemical_symbols[number] for number in numbers], positions)


def _first_match(structures: Sequence[Structure], target: Structure) -> int | None:
    """Rank (from 1) of the first match (StructureMatcher 0.2/0.3/5)."""
    ranks = (
        rank
        for rank, structure in enumerate(structures[: max(TOPS)], start=1)
        if match_pair(structure, target).matched
    )
    return next(ranks, None)


def _within(rank: int | None, top: int) -> bool:
    return rank is not None and rank <= top


def render(result: Mapping[str, Any]) -> str:
    """Match rates of all methods."""
    rates = result["structures"]
    rows = [[label(name), *(percent(rate, 0) for rate in row.values())] for name, row in rates.items()]
    details = f", median {result['median_s']} s per list. {result['n']} compounds"
    lines = [
        "# Unrelaxed structures of held-out compounds",
        "",
        fact_line("validation", result, options=" --data DIR", details=details),
        "",
        *markdown_table(["matched", *("first" if top == 1 else f"in {top}" for top in TOPS)], rows),
    ]
    return "\n".join(lines) + "\n"
