"""Ranked symmetry hypotheses of a formula, with predicted cells and prototype coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from alphacrystal.composition import Formula
from alphacrystal.crystal import (
    FREE_SHAPE,
    LatticeParameters,
    SpaceGroupChoice,
    SymmetryHypothesis,
    cell_parameters,
    cell_shape,
    constrained_shape,
    crystal_system,
    lattice_parameters,
    lattice_points,
    obeys_system,
    shape_to_cell,
)
from alphacrystal.data import FUNCTIONALS
from alphacrystal.errors import InputError
from alphacrystal.learn.coordinates.derivative_prototypes import MAX_PROTOTYPES, derivative_positions
from alphacrystal.learn.coordinates.prototypes import PrototypeCoordinates
from alphacrystal.learn.coordinates.subgroup_types import SubgroupType
from alphacrystal.learn.lattice.network import LatticeNet, free_targets
from alphacrystal.learn.lattice.prediction import constrained_shapes, predicted_shapes
from alphacrystal.learn.pressure_types import types_under_pressure
from alphacrystal.learn.proposed_types import subgroup_type, subgroup_types_of
from alphacrystal.learn.structure_types import StructureType, free_coordinate_count
from alphacrystal.learn.symmetry.network import SymmetryNet
from alphacrystal.learn.weight_files import load_model, models_folder
from alphacrystal.runtime.torch_setup import one_torch_thread
from alphacrystal.typing import FloatArray, IntArray

FUNCTIONAL = FUNCTIONALS.index("PBE")
MAX_COMPARED_TYPES = 2000  # structure types compared with a given cell
MAX_LOG_VOLUME_ERROR = 0.4  # between a given and a predicted cell


@one_torch_thread()
def predict_hypotheses(
    formula: Formula,
    units: Sequence[int],
    count: int,
    *,
    group: SpaceGroupChoice | None = None,
    lattice: LatticeParameters | None = None,
    pressure_gpa: float = 0.0,
    lattice_tolerance: float = 0.0,
    models: Path | None = None,
) -> list[SymmetryHypothesis]:
    """The most probable hypotheses of a composition, best first.

    Args:
        formula: Reduced formula.
        units: Formula units Z of the primitive cell to consider.
        count: Maximum number of hypotheses.
        group: Only this space group, or those of this crystal system.
        lattice: Conventional cell that replaces the predicted ones. Only structure types with its crystal
            system and roughly its volume are returned.
        pressure_gpa: Pressure; see ``types_under_pressure``. The cells are those at ambient pressure.
        lattice_tolerance: Relative standard deviation of the lengths of ``lattice``.
        models: Folder of weights; the shipped ones by default.

    Returns:
        Hypotheses with log-probabilities normalised over all scored structure types.

    Raises:
        InputError: The space group does not exist or cannot hold any of the cells, the formula has too many
            elements, or no structure type fits the lattice.
    """
    folder = models_folder(models)
    types, log_probabilities = types_under_pressure(formula, units, pressure_gpa, group=group, models=models)
    net = load_model("symmetry", folder)
    assert isinstance(net, SymmetryNet)
    atoms = sum(formula.counts.values())
    order = np.argsort(-log_probabilities, kind="stable")
    rows = order[:count] if lattice is None else _compatible(formula, types, order, lattice, folder)[:count]
    chosen = [types[row] for row in rows]
    cells = (
        _given_cells(chosen, lattice, lattice_tolerance)
        if lattice
        else _predict_cells(formula, chosen, folder)
    )
    return [
        SymmetryHypothesis(
            space_group=structure_type.space_group,
            occupation=dict(zip(formula.elements, structure_type.letters, strict=True)),
            formula_units=sum(structure_type.counts()) // atoms,
            lattice=cell,
            lattice_std=std,
            shape_scale=scale,
            log_probability=float(log_probabilities[row]),
            source="type" if structure_type in net.rows else "enumerated",
        )
        for row, structure_type, (cell, std, scale) in zip(rows, chosen, cells, strict=True)
    ]


def prototype_coordinates(
    hypotheses: Sequence[SymmetryHypothesis], models: Path | None = None
) -> list[FloatArray]:
    """Coordinates of the training crystals with the structure type of each hypothesis, in clusters.

    Args:
        hypotheses: Elements in electronegativity order, as from ``predict_hypotheses``.
        models: Folder of weights; the shipped ones by default.

    Returns:
        For each hypothesis, fractional coordinates in the conventional cell of the atoms of one primitive
        cell, atoms in the order of ``atom_sites``, shape (clusters, atoms, 3), the most frequent cluster
        first. For an unseen type: coordinates of its parent type if it is a subgroup type, and of types that
        occupy the same Wyckoff positions with other elements.
    """
    net = load_model("coordinates", models_folder(models))
    assert isinstance(net, PrototypeCoordinates)
    types = [
        StructureType(hypothesis.space_group, tuple(hypothesis.occupation.values()))
        for hypothesis in hypotheses
    ]
    return [
        net.positions(structure_type)
        if structure_type in net.rows
        else _unseen_positions(net, structure_type, subgroup_type(hypothesis, models))
        for structure_type, hypothesis in zip(types, hypotheses, strict=True)
    ]


def _unseen_positions(
    net: PrototypeCoordinates, structure_type: StructureType, derived: SubgroupType | None
) -> FloatArray:
    """As ``prototype_coordinates`` for an unseen type; those of its parent come first."""
    related = derivative_positions(net, structure_type)
    if derived is None or not free_coordinate_count(structure_type):
        return related
    return np.concatenate([derived.positions()[None], related[: MAX_PROTOTYPES - 1]])


def composition_distances(
    composition: IntArray,
    others: IntArray,
    counts: Sequence[int],
    models: Path | None = None,
) -> FloatArray:
    """Squared distances between compositions of one stoichiometry in the metric of the symmetry network.

    The distance is a mean over the heads of the neighbour kernel, which weights neighbours by exp(-d²); see
    docs/models.md. Equal compositions have distance 0; neighbours have distances up to about 1.

    Args:
        composition: Atomic numbers, shape (elements,).
        others: Atomic numbers of the other compositions, elements in the same roles, shape (n, elements).
        counts: Reduced counts of the shared stoichiometry, shape (elements,).
        models: Folder of weights; the shipped ones by default.

    Returns:
        Squared distances, shape (n,).
    """
    net = load_model("symmetry", models_folder(models))
    assert isinstance(net, SymmetryNet)
    with torch.no_grad():
        keys = net.kernel.keys(
            torch.as_tensor(np.concatenate([composition[None], others])), torch.as_tensor(counts).float()
        )
    return np.asarray((keys[:, 1:] - keys[:, :1]).square().sum(-1).mean(0).double().numpy())


def _compatible(
    formula: Formula,
    types: Sequence[StructureType],
    order: IntArray,
    lattice: LatticeParameters,
    folder: Path,
) -> IntArray:
    """Entries of ``order`` whose structure types are compatible with a given conventional cell.

    Raises:
        InputError: There are none.
    """
    systems = {system for system in FREE_SHAPE if obeys_system(system, lattice)}
    compared = [i for i in order if crystal_system(types[i].space_group) in systems][:MAX_COMPARED_TYPES]
    cells = _predict_cells(formula, [types[i] for i in compared], folder) if compared else []
    compatible = [
        i
        for i, (cell, _, _) in zip(compared, cells, strict=True)
        if abs(np.log(lattice.volume / cell.volume)) < MAX_LOG_VOLUME_ERROR
    ]
    if not compatible:
        raise InputError(
            f"No structure of {formula.text} fits the given lattice (volume {lattice.volume:.0f} Å³): check "
            "the lengths and angles of the conventional cell, or leave out --lattice."
        )
    return np.array(compatible, dtype=np.int64)


# Cell, standard deviations of its parameters, Laplace scales of its shape.
Cell = tuple[LatticeParameters, LatticeParameters, tuple[float, float, float, float, float, float]]


def _given_cells(types: Sequence[StructureType], lattice: LatticeParameters, tolerance: float) -> list[Cell]:
    """The given cell with the constraints of the crystal system of each type.

    A tolerance of the lengths is that of the cube root of the volume, of the axial ratios and of the cosines.
    """
    if not tolerance:
        return [_given_cell(structure_type, lattice) for structure_type in types]
    atoms = np.array([sum(known.counts()) * lattice_points(known.space_group) for known in types])
    targets = np.tile(cell_shape(lattice), (len(types), 1))
    targets[:, 0] -= np.log(atoms)
    scales = np.tile([3.0, 1.0, 1.0, 1.0, 1.0, 1.0], (len(types), 1)) * tolerance / np.sqrt(2)
    return _cells_with_uncertainty(types, targets, scales)


def _given_cell(structure_type: StructureType, lattice: LatticeParameters) -> Cell:
    """The given cell with the constraints of the crystal system of a type, without uncertainty."""
    shape = constrained_shape(crystal_system(structure_type.space_group), cell_shape(lattice))
    zero = LatticeParameters(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    return lattice_parameters(shape_to_cell(shape)), zero, (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def _predict_cells(formula: Formula, types: Sequence[StructureType], folder: Path) -> list[Cell]:
    """Conventional cell and its uncertainty for each structure type."""
    net = load_model("lattice", folder)
    assert isinstance(net, LatticeNet)
    centres, scales = predicted_shapes(net, types, [formula.elements] * len(types), [FUNCTIONAL] * len(types))
    counts = tuple(formula.counts[symbol] for symbol in formula.elements)
    derived = subgroup_types_of(tuple(formula.elements), counts, folder)
    for place, structure_type in enumerate(types):
        if structure_type in derived:
            centres[place, 1:] = derived[structure_type].ratios
    return _cells_with_uncertainty(types, centres, scales)


def _cells_with_uncertainty(
    types: Sequence[StructureType], targets: FloatArray, scales: FloatArray
) -> list[Cell]:
    """Cells from lattice targets and their Laplace scales, shape (types, 6) each."""
    if not types:
        return []
    atoms = np.array([sum(known.counts()) * lattice_points(known.space_group) for known in types])
    free_scales = scales * free_targets(types).numpy()
    shapes = targets.copy()
    shapes[:, 0] += np.log(atoms)
    shapes = constrained_shapes(types, shapes)
    # The cell and six cells shifted by one standard deviation (√2 Laplace scales) of each shape entry.
    steps = np.concatenate([np.zeros((1, 6)), np.sqrt(2) * np.eye(6)])
    shifted = cell_parameters(shape_to_cell(shapes[:, None] + steps * free_scales[:, None]))  # (types, 7, 6)
    values = shifted[:, 0]
    deviations = np.sqrt(((shifted[:, 1:] - values[:, None]) ** 2).sum(1))
    return [
        (LatticeParameters(*value.tolist()), LatticeParameters(*deviation.tolist()), tuple(scale.tolist()))
        for value, deviation, scale in zip(values, deviations, free_scales, strict=True)
    ]
