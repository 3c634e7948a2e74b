"""How good the shipped networks are on compounds whose formula was held out, with controls.

Three tables: space group and structure type from the formula; distance matrices; crystal structures found
without relaxation. Needs the record file the networks were trained from, for its validation split and for the
controls. Run: python benchmarks/validation.py --data DIR [--limit 200]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pymatgen.analysis.structure_matcher import StructureMatcher

from alphacrystal.benchmark import run_facts
from alphacrystal.composition import formula_units_within, parse_formula
from alphacrystal.crystal import Distogram, encode
from alphacrystal.data import PreparedStructures, StructureRecord, prepare, read_records
from alphacrystal.errors import AlphaCrystalError
from alphacrystal.generate import DistanceMatrixGenerator
from alphacrystal.learn import load_model, models_folder, predict_distograms, predict_hypotheses
from alphacrystal.learn.training import DistanceTask, SymmetryTask
from alphacrystal.reconstruct import SearchSettings, reconstruct

SEED = 0
MATCHER = StructureMatcher(ltol=0.2, stol=0.3, angle_tol=5)
Pair = tuple[int, int, int]


def one_per_formula(records: list[StructureRecord]) -> list[StructureRecord]:
    """The reference of each formula: experimental first, then lowest above the hull, then smallest cell."""
    groups: dict[str, list[StructureRecord]] = defaultdict(list)
    for record in records:
        groups[record.reduced_formula].append(record)

    def key(record: StructureRecord) -> tuple[bool, float, int]:
        hull = 9.0 if record.e_above_hull is None else record.e_above_hull
        return (not record.icsd, hull, len(record.species))

    return [min(group, key=key) for _, group in sorted(groups.items())]


def symmetry_table(data: PreparedStructures, references: set[str]) -> dict[str, Any]:
    """Ranks of the true space group and type, beside ranking by frequency in the training split."""
    task = SymmetryTask(data)
    net = load_model("symmetry", models_folder())
    rows = task.validation
    kinds = [task.kinds[i] for i in rows]
    frequency: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
    for i in task.train:
        frequency[task.kinds[i].stoichiometry()][task.kinds[i].space_group] += 1
    groups, types, common = [], [], []
    with torch.no_grad():
        for row, kind in zip(rows, kinds, strict=True):
            scores = task.scores(net, np.array([row]))[0]
            chances: dict[int, float] = defaultdict(float)
            order = scores.argsort(descending=True)[:200].tolist()
            best = float(scores.max())
            for place in order:
                if scores[place] > -1e3:
                    chances[net.types[place].space_group] += float(np.exp(float(scores[place]) - best))
            ranked = sorted(chances, key=lambda number: -chances[number])
            groups.append(ranked.index(kind.space_group) if kind.space_group in ranked else 999)
            names = [net.types[place] for place in order if scores[place] > -1e3]
            types.append(names.index(kind) if kind in names else 999)
            usual = [number for number, _ in frequency[kind.stoichiometry()].most_common()]
            common.append(usual.index(kind.space_group) if kind.space_group in usual else 999)
    subsets = {
        "all entries": np.ones(len(rows), dtype=bool),
        "one entry per formula": np.isin(data.ids[rows], list(references)),
        "experimental entries": data.experimental[rows] == 1,
    }
    table = {}
    for name, mask in subsets.items():
        table[name] = {
            "n": int(mask.sum()),
            **{f"space group top-{k}": share(groups, mask, k) for k in (1, 5)},
            **{f"type top-{k}": share(types, mask, k) for k in (1, 5, 20)},
            **{f"space group by frequency top-{k}": share(common, mask, k) for k in (1, 5)},
        }
    return table


def share(ranks: list[int], mask: np.ndarray, k: int) -> float:
    return round(float((np.array(ranks)[mask] < k).mean()), 4)


def pair_means(data: PreparedStructures, rows: np.ndarray) -> tuple[dict[Pair, float], float]:
    """Mean distance of each element pair and cell size in the training split, and of everything."""
    sums: dict[Pair, list[float]] = defaultdict(lambda: [0.0, 0.0])
    everything = [0.0, 0.0]
    for row in rows:
        numbers, matrix = data.numbers[data.atoms(row)], data.matrix(row)
        left, right = np.triu_indices(len(numbers), 1)
        low, high = np.minimum(numbers[left], numbers[right]), np.maximum(numbers[left], numbers[right])
        values = matrix[left, right].astype(float)
        keys, inverse = np.unique(low * 128 + high, return_inverse=True)
        for key, total, count in zip(keys, np.bincount(inverse, values), np.bincount(inverse), strict=True):
            entry = sums[int(key // 128), int(key % 128), len(numbers)]
            entry[0] += total
            entry[1] += count
        everything[0] += values.sum()
        everything[1] += len(values)
    return {key: total / count for key, (total, count) in sums.items()}, everything[0] / everything[1]


def lookup_matrix(numbers: np.ndarray, means: dict[Pair, float], overall: float) -> np.ndarray:
    size = len(numbers)
    matrix = np.full((size, size), overall)
    for i in range(size):
        for j in range(size):
            pair = (int(min(numbers[i], numbers[j])), int(max(numbers[i], numbers[j])), size)
            matrix[i, j] = means.get(pair, overall)
    np.fill_diagonal(matrix, 0)
    return matrix


def polymorph_means(data: PreparedStructures, rows: np.ndarray) -> dict[tuple[str, int], np.ndarray]:
    """Mean distances over all entries of the same formula and cell size."""
    groups: dict[tuple[str, int], list[np.ndarray]] = defaultdict(list)
    for row in rows:
        pairs = data.distances[data.pair_offsets[row] : data.pair_offsets[row + 1]]
        groups[str(data.formulas[row]), int(data.sizes[row])].append(pairs)
    return {key: np.mean(group, axis=0) for key, group in groups.items()}


def distance_table(data: PreparedStructures, means: dict[Pair, float], overall: float) -> dict[str, Any]:
    """Mean per-sample RMSE (Å) over pairs in canonical order: network, pair lookup, constant, oracle.

    The oracle knows every validation entry and answers the mean matrix of all with the same formula and cell
    size: no prediction from the cell content alone can be better on those with polymorphs.
    """
    task = DistanceTask(data)
    polymorphs = polymorph_means(data, task.validation)
    net = load_model("distance", models_folder())
    errors: dict[str, list[float]] = defaultdict(list)
    rows: list[int] = []
    with torch.no_grad():
        for size in np.unique(data.sizes[task.validation]):
            own = task.validation[data.sizes[task.validation] == size]
            for start in range(0, len(own), 64):
                batch = own[start : start + 64]
                _, logits, true = task.predict(net, batch, given=False)
                _, told, _ = task.predict(net, batch, given=True)
                upper = np.triu_indices(int(size), 1)
                for place, row in enumerate(batch):
                    target = true[place].numpy()[upper]
                    for name, values in (("network", logits), ("network, symmetry given", told)):
                        expected = net.expected_distances(values[place : place + 1])[0].numpy()[upper]
                        errors[name].append(float(np.sqrt(np.mean((expected - target) ** 2))))
                    table = lookup_matrix(data.numbers[data.atoms(row)], means, overall)[upper]
                    errors["pair lookup"].append(float(np.sqrt(np.mean((table - target) ** 2))))
                    oracle = polymorphs[str(data.formulas[row]), int(size)]
                    errors["oracle, mean of the polymorphs"].append(
                        float(np.sqrt(np.mean((oracle - target) ** 2)))
                    )
                    errors["constant"].append(float(np.sqrt(np.mean((overall - target) ** 2))))
                    rows.append(int(row))
    index = np.array(rows)
    small, known = data.sizes[index] <= 12, (data.experimental[index] == 1) | (data.above_hull[index] < 0.1)
    subsets = {
        "experimental or within 0.1 eV/atom of the hull, up to 12 atoms": small & known,
        "experimental or within 0.1 eV/atom of the hull": known,
        "up to 12 atoms": small,
        "all": np.ones(len(index), dtype=bool),
    }
    return {
        name: {
            "n": int(mask.sum()),
            **{k: round(float(np.array(v)[mask].mean()), 4) for k, v in errors.items()},
        }
        for name, mask in subsets.items()
    }


def match_table(
    references: list[StructureRecord], means: dict[Pair, float], overall: float, candidates: int
) -> dict[str, Any]:
    """Share of formulas whose reference is matched in the first 1, 5, 20 unrelaxed structures."""
    hits: dict[str, list[int]] = defaultdict(list)
    seconds = []
    for number, record in enumerate(references, start=1):
        target, formula = record.structure(), parse_formula(record.reduced_formula)
        try:
            units = formula_units_within(formula, 20)
            begin = time.perf_counter()
            generator = DistanceMatrixGenerator(units=units)
            made = [c.structure for c in generator.generate(formula, candidates, np.random.default_rng(SEED))]
            seconds.append(time.perf_counter() - begin)
            hypotheses = predict_hypotheses(formula, units, 20)
        except AlphaCrystalError:
            made, hypotheses = [], []
        hits["AlphaCrystal"].append(first_match(made, target))
        for name, structures in controls(hypotheses, means, overall).items():
            hits[name].append(first_match(structures, target))
        if number % 10 == 0:
            print(f"  {number}/{len(references)}", file=sys.stderr, flush=True)
    table = {
        name: {f"top-{k}": round(float((np.array(ranks) < k).mean()), 4) for k in (1, 5, 20)}
        for name, ranks in hits.items()
    }
    return {"n": len(references), "median_s": round(float(np.median(seconds)), 2), **table}


def controls(hypotheses: list[Any], means: dict[Pair, float], overall: float) -> dict[str, list[Any]]:
    """The same twenty hypotheses and cells with other distances, and with random coordinates."""
    from ase.data import chemical_symbols
    from pymatgen.core.lattice import Lattice
    from pymatgen.core.structure import Structure

    made: dict[str, list[Any]] = {
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
        lookup = lookup_matrix(numbers, means, overall)
        fakes["pair-lookup distances"].append(
            Distogram.from_distances(numbers, lookup, distogram.bin_edges, 0.7)
        )

    def structure(lattice: np.ndarray, numbers: np.ndarray, positions: np.ndarray) -> Structure:
        return Structure(Lattice(lattice), [chemical_symbols[z] for z in numbers], positions)

    for name, distograms in fakes.items():
        built = reconstruct(hypotheses, distograms, SearchSettings(), SEED)
        made[name] = [structure(b.lattice, b.numbers, b.positions) for b in built]
    random = np.random.default_rng(SEED)
    for hypothesis in hypotheses:
        encoding = encode(hypothesis)
        positions = encoding.positions(random.random(encoding.free))
        made["random coordinates"].append(
            structure(encoding.lattice(np.zeros(6)), encoding.numbers, positions)
        )
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
    records = [r for r in read_records(arguments.data) if r.split == "val"]
    references = one_per_formula(records)
    means, overall = pair_means(data, np.flatnonzero(~data.validation))
    result: dict[str, Any] = {"symmetry": symmetry_table(data, {r.id for r in references})}
    show("Symmetry from the formula (validation split, formulas held out)", result["symmetry"])
    result["distances"] = distance_table(data, means, overall)
    show("Distance matrices: mean per-sample RMSE in Å", result["distances"])
    compounds = [r for r in references if len(set(r.species)) > 1]
    order = np.random.default_rng(SEED).permutation(len(compounds))[: arguments.limit]
    chosen = [compounds[i] for i in order]
    result["structures"] = match_table(chosen, means, overall, arguments.candidates)
    show("Structures without relaxation: matched (0.2/0.3/5)", result["structures"])
    result = {**facts, "minutes": round((time.monotonic() - begin) / 60, 1), **result}
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print("\n" + json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
