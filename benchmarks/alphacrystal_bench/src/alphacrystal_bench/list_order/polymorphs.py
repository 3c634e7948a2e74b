"""Order of polymorphs by potentials, against DFT.

Both crystals of a pair are known from experiment. The energies are single points at the geometry of the
record, and at the geometry after relaxation by one potential, as in a prediction with --rerank.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.composition import parse_formula
from alphacrystal.data import StructureRecord
from alphacrystal.errors import InputError, PotentialError
from alphacrystal.relaxation import (
    Potential,
    RelaxSettings,
    corrected_energy_per_atom,
    energy_scale,
    load_potential,
    relax,
)
from alphacrystal.typing import FloatArray, Progress
from alphacrystal_bench.harness.rows import Rows, check_settings, sample
from alphacrystal_bench.list_order.polymorph_pairs import PolymorphPair, polymorph_pairs, structure_type

if TYPE_CHECKING:
    from pymatgen.core import Structure

#: Classes of pairs by the difference of their DFT energies, eV/atom.
GAPS: Mapping[str, tuple[float, float]] = {
    "below_10": (0.0, 0.01),
    "10_to_50": (0.01, 0.05),
    "over_50": (0.05, np.inf),
}
CHUNK = 8  # crystals evaluated together and stored at once
TIE = 1e-4  # eV/atom; a smaller difference is no order and counts as half right
UNKNOWN_TYPE = -30.0  # log-probability of a structure type that the networks do not propose
RECORD, RELAXED = "record", "relaxed"  # geometries


def benchmark_polymorphs(
    records: Iterable[StructureRecord],
    out: Path,
    on_progress: Progress,
    *,
    potentials: Sequence[str],
    relaxed_by: str | None = "chgnet",
    train: int = 200,
    max_atoms: int = 40,
    per_formula: int = 3,
    seed: int = 0,
) -> dict[str, Any]:
    """Share of pairs that each potential and each control orders as DFT does.

    Args:
        records: Records with splits and DFT energies.
        out: Folder of finished energies.
        on_progress: Called with (stage, done, total).
        potentials: Names of the potentials.
        relaxed_by: Potential that relaxes the crystals for the second geometry; None for single points at
            the geometry of the record only.
        train: Pairs of the training split, drawn at random, in addition to all pairs of the validation split.
        max_atoms: Atoms in each primitive cell at most.
        per_formula: Pairs of one formula at most.
        seed: Seed of the sample.

    Raises:
        InputError: No pair is left, or the folder has energies of other settings.
        PotentialError: A potential cannot be loaded.
    """
    names = list(dict.fromkeys([*potentials, *([relaxed_by] if relaxed_by else [])]))
    loaded = {name: load_potential(name) for name in names}
    elements = frozenset.intersection(*(potential.supported_elements for potential in loaded.values()))
    check_settings(out, {"relaxed_by": relaxed_by})
    found = polymorph_pairs(
        records, elements=elements, max_atoms=max_atoms, per_formula=per_formula, seed=seed
    )
    pairs = [pair for pair in found if pair.split == "val"]
    pairs += sample([pair for pair in found if pair.split == "train"], train, seed)
    if not pairs:
        raise InputError(
            "The records contain no two experimental crystals of one formula with DFT energies of one source."
        )
    crystals = {record.id: record for pair in pairs for record in (pair.lower, pair.higher)}
    structures = {name: record.structure() for name, record in crystals.items()}
    store = Rows(out / "energies.jsonl", key=lambda row: f"{row['column']} {row['id']}")
    if relaxed_by is not None:
        ends = _relaxed(structures, loaded[relaxed_by], store, on_progress)
    columns: dict[str, dict[str, float]] = {}
    for name in potentials:
        columns[column(name, RECORD)] = _energies(structures, loaded[name], RECORD, store, on_progress)
        if relaxed_by is not None:
            columns[column(name, RELAXED)] = _energies(ends, loaded[name], RELAXED, store, on_progress)
    return {
        "potentials": list(potentials),
        "relaxed_by": relaxed_by,
        "train": train,
        "max_atoms": max_atoms,
        "per_formula": per_formula,
        **polymorph_tables(pairs, columns, _controls(pairs)),
    }


def _chunks(
    structures: Mapping[str, Structure],
    column: str,
    store: Rows,
    on_progress: Progress,
    compute: Callable[[list[Structure]], list[dict[str, Any]]],
) -> list[dict[str, Any]]:
    """Finished rows of all structures of a column; missing ones are computed."""
    missing = [key for key in structures if f"{column} {key}" not in store]
    for begin in range(0, len(missing), CHUNK):
        on_progress(column, len(structures) - len(missing) + begin, len(structures))
        part = missing[begin : begin + CHUNK]
        for key, row in zip(part, compute([structures[key] for key in part]), strict=True):
            store.add(f"{column} {key}", {"column": column, "id": key, **row})
    on_progress(column, len(structures), len(structures))
    return [store[f"{column} {key}"] for key in structures]


def _relaxed(
    structures: Mapping[str, Structure], potential: Potential, store: Rows, on_progress: Progress
) -> dict[str, Structure]:
    """The crystals after relaxation; those that fail are left out."""
    from alphacrystal.crystal import structure_from_json, structure_to_json

    def compute(part: list[Structure]) -> list[dict[str, Any]]:
        ends = relax(part, potential, RelaxSettings(fmax=0.05, max_steps=150))
        return [{"end": structure_to_json(end.structure) if end.usable else None} for end in ends]

    rows = _chunks(structures, f"relaxed by {potential.name}", store, on_progress, compute)
    return {row["id"]: structure_from_json(row["end"]) for row in rows if row["end"] is not None}


def _energies(
    structures: Mapping[str, Structure],
    potential: Potential,
    geometry: str,
    store: Rows,
    on_progress: Progress,
) -> dict[str, float]:
    """Energies in eV/atom by record, with the MP2020 corrections that the scale lacks; failures left out."""

    def compute(part: list[Structure]) -> list[dict[str, Any]]:
        values = potential.evaluate(part).energies / np.array([len(structure) for structure in part])
        scale = energy_scale(potential.name)
        corrected: list[float | None] = []
        for structure, value in zip(part, values.tolist(), strict=True):
            try:
                energy = corrected_energy_per_atom(structure, value, scale)
            except PotentialError:  # no correction for this compound: both polymorphs lack it
                energy = value
            corrected.append(energy if np.isfinite(energy) else None)
        return [{"energy": energy} for energy in corrected]

    rows = _chunks(structures, f"{potential.name}, {geometry}", store, on_progress, compute)
    return {row["id"]: row["energy"] for row in rows if row["energy"] is not None}


def _controls(pairs: Sequence[PolymorphPair]) -> dict[str, dict[str, float]]:
    """Values by record whose lower one is predicted to be the stable polymorph.

    The prior is that of the validation split only: the networks have seen the other formulas.
    """
    from alphacrystal.learn import type_probabilities

    volume: dict[str, float] = {}
    prior: dict[str, float] = {}
    for pair in pairs:
        members = (pair.lower, pair.higher)
        volume |= {record.id: record.structure().volume / len(record.species) for record in members}
        if pair.split != "val":
            continue
        formula = parse_formula(pair.lower.reduced_formula)
        units = sorted({len(record.species) // formula.num_atoms for record in members})
        chances = {
            (item.space_group, item.letters): float(chance)
            for item, chance in zip(*type_probabilities(formula, units), strict=True)
        }
        for record in members:
            found = structure_type(record)
            chance = UNKNOWN_TYPE if found is None else chances.get(found, UNKNOWN_TYPE)
            prior[_of_pair(pair, record)] = -chance
    return {"denser": volume, "prior": prior}


def _of_pair(pair: PolymorphPair, record: StructureRecord) -> str:
    """Key of a value of a record that depends on the pair: the prior is normalised over the cells of both."""
    return f"{pair.lower.id} {pair.higher.id} {record.id}"


def polymorph_tables(
    pairs: Sequence[PolymorphPair],
    columns: Mapping[str, Mapping[str, float]],
    controls: Mapping[str, Mapping[str, float]],
) -> dict[str, Any]:
    """Counts of pairs in the order of DFT, for all pairs, for each split and for each class of gaps.

    Args:
        pairs: With their DFT energies.
        columns: Energies in eV/atom by record, for each potential and geometry.
        controls: Values whose lower one is predicted stable: by record, or, for "prior", by pair and record.

    Returns:
        ``n`` pairs with energies in all columns, and the number of others (``failed``); ``parts``: for each
        part its ``n`` and for each column the ``right`` share of the pairs (a tie counts half), its
        ``standard_error`` and, of potentials, the mean absolute ``error`` of the energy difference in
        eV/atom; ``against``: pairs that only one of two potentials orders as DFT; ``rows``.
    """
    rows: list[dict[str, Any]] = []
    for pair in pairs:
        low, high = pair.lower, pair.higher
        differences = {
            name: values[high.id] - values[low.id]
            for name, values in columns.items()
            if low.id in values and high.id in values
        }
        right = {name: _right(value, TIE) for name, value in differences.items()}
        right["denser"] = _right(controls["denser"][high.id] - controls["denser"][low.id], 0.0)
        if _of_pair(pair, low) in controls["prior"]:
            of_low, of_high = (controls["prior"][_of_pair(pair, record)] for record in (low, high))
            right["prior"] = _right(of_high - of_low, 0.0)
        rows.append(
            {
                "formula": low.reduced_formula,
                "lower": low.id,
                "higher": high.id,
                "split": pair.split,
                "gap": round(pair.gap, 5),
                "differences": {name: round(value, 5) for name, value in differences.items()},
                "right": right,
            }
        )
    names = [*columns, *controls]
    complete = [row for row in rows if all(name in row["right"] for name in columns)]
    parts = {"all": complete}
    parts |= {split: [row for row in complete if row["split"] == split] for split in ("val", "train")}
    parts |= {
        name: [row for row in complete if low <= row["gap"] < high] for name, (low, high) in GAPS.items()
    }
    return {
        "n": len(complete),
        "failed": len(rows) - len(complete),
        "parts": {name: _part(part, names) for name, part in parts.items()},
        "against": _against(complete, list(columns)),
        "rows": rows,
    }


def column(potential: str, geometry: str) -> str:
    """Key of the energies of a potential at a geometry."""
    return re.sub(r"\W", "_", potential) + f"_{geometry}"


def _right(difference: float, tie: float) -> float:
    return 0.5 if abs(difference) <= tie else float(difference > 0)


def _part(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, Any]:
    part: dict[str, Any] = {"n": len(rows)}
    for name in names if rows else ():
        if not all(name in row["right"] for row in rows):
            continue
        right = np.array([row["right"][name] for row in rows])
        share = float(right.mean())
        entry = {
            "right": round(share, 4),
            "standard_error": round(float(np.sqrt(share * (1 - share) / len(rows))), 4),
        }
        if name in rows[0]["differences"]:
            errors: FloatArray = np.array([row["differences"][name] - row["gap"] for row in rows])
            entry["error"] = round(float(np.abs(errors).mean()), 5)
        part[name] = entry
    return part


def _against(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    """For each two columns of one geometry, the pairs that only one of them orders as DFT."""
    counts = []
    for index, first in enumerate(names):
        for second in names[index + 1 :]:
            if first.rpartition("_")[2] != second.rpartition("_")[2]:
                continue
            only = [
                sum(row["right"][a] > row["right"][b] for row in rows)
                for a, b in ((first, second), (second, first))
            ]
            counts.append({"first": first, "second": second, "only_first": only[0], "only_second": only[1]})
    return counts
