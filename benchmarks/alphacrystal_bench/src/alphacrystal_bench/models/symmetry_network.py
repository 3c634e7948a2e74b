"""Predictions of the symmetry models for validation entries, from the formula and with more input."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alphacrystal.composition import formula_units_within, parse_formula
from alphacrystal.crystal import space_group
from alphacrystal.data import PreparedStructures
from alphacrystal.learn import StructureType, type_probabilities
from alphacrystal.learn.proposed_types import MAX_ATOMS
from alphacrystal.typing import BoolArray, FloatArray, IntArray, StageProgress
from alphacrystal_bench.models.symmetry_forest import GROUPS


@dataclass(frozen=True, slots=True, eq=False)
class SymmetryPredictions:
    """Predictions for some entries, from the list of structure types of a prediction.

    Attributes:
        rows: Rows of the prepared structures, shape (n,).
        groups: Probability of each space group, shape (n, 231).
        groups_given_cell: The same, given the atoms of the conventional cell; zero where no type fits.
        groups_given_system: The same, given that number and the crystal system.
        type_ranks: Number of types more probable than the true one, infinite for unlisted types, shape (n,).
        type_confidence: Probability of the first type, shape (n,).
        type_right: Whether the first type is the true one, shape (n,).
    """

    rows: IntArray
    groups: FloatArray
    groups_given_cell: FloatArray
    groups_given_system: FloatArray
    type_ranks: FloatArray
    type_confidence: FloatArray
    type_right: BoolArray


def predict_symmetry(
    data: PreparedStructures,
    types: list[StructureType],
    rows: IntArray,
    models: Path | None = None,
    on_progress: StageProgress | None = None,
) -> SymmetryPredictions:
    """Predict each formula once and compare the result with its entries.

    Args:
        data: Prepared structures.
        types: True structure type of each structure.
        rows: Entries to compare.
        models: Folder of weights; the shipped ones by default.
        on_progress: Called with (formulas done, total).
    """
    named = [space_group(number) for number in range(1, GROUPS)]
    system_of = np.array(["", *(group.crystal_system for group in named)])
    centring_of = np.array([0, *(len(group.centring) for group in named)])
    predictions = SymmetryPredictions(
        rows=rows,
        groups=np.zeros((len(rows), GROUPS)),
        groups_given_cell=np.zeros((len(rows), GROUPS)),
        groups_given_system=np.zeros((len(rows), GROUPS)),
        type_ranks=np.full(len(rows), np.inf),
        type_confidence=np.zeros(len(rows)),
        type_right=np.zeros(len(rows), dtype=bool),
    )
    entries: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(rows.tolist()):
        entries[str(data.formulas[row])].append(place)
    for done, (text, places) in enumerate(entries.items()):
        formula = parse_formula(text)
        structure_types, logs = type_probabilities(
            formula, formula_units_within(formula, MAX_ATOMS), models=models
        )
        probabilities = np.exp(logs)
        groups = np.array([structure_type.space_group for structure_type in structure_types])
        atoms = (
            np.array([sum(structure_type.counts()) for structure_type in structure_types])
            * centring_of[groups]
        )
        place_of = {structure_type: at for at, structure_type in enumerate(structure_types)}
        first = int(probabilities.argmax())
        for place in places:
            row = int(rows[place])
            group = int(data.space_groups[row])
            fits = atoms == data.sizes[row] * centring_of[group]
            system = fits & (system_of[groups] == system_of[group])
            predictions.groups[place] = _by_group(groups, probabilities)
            predictions.groups_given_cell[place] = _by_group(groups, probabilities * fits)
            predictions.groups_given_system[place] = _by_group(groups, probabilities * system)
            predictions.type_confidence[place] = probabilities[first]
            true_place = place_of.get(types[row])
            if true_place is not None:
                predictions.type_ranks[place] = np.sum(probabilities > probabilities[true_place])
                predictions.type_right[place] = true_place == first
        if on_progress:
            on_progress(done + 1, len(entries))
    return predictions


def _by_group(groups: IntArray, probabilities: FloatArray) -> FloatArray:
    """Probability of each space group, normalised, shape (231,)."""
    summed = np.zeros(GROUPS)
    np.add.at(summed, groups, probabilities)
    return np.asarray(summed / max(float(summed.sum()), 1e-300))
