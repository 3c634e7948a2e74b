"""Ranked symmetry hypotheses of a formula, with predicted cells and prototype coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from alphacrystal.composition import Formula
from alphacrystal.crystal import (
    FREE_SHAPE,
    LatticeParameters,
    SymmetryHypothesis,
    can_place,
    cell_parameters,
    cell_shape,
    constrained_shape,
    crystal_system,
    group_symbol,
    lattice_parameters,
    lattice_points,
    obeys_system,
    placeable_units,
    shape_to_cell,
)
from alphacrystal.data import FUNCTIONALS
from alphacrystal.errors import InputError
from alphacrystal.learn.coordinates.derivative_prototypes import derivative_positions
from alphacrystal.learn.coordinates.prototypes import PrototypeCoordinates
from alphacrystal.learn.lattice.network import LatticeNet, free_targets
from alphacrystal.learn.lattice.prediction import constrained_shapes, predicted_shapes
from alphacrystal.learn.model_inputs import composition_arrays
from alphacrystal.learn.space_groups.network import (
    SpaceGroupNet,
    mix_space_groups,
    space_group_probabilities,
)
from alphacrystal.learn.structure_types import MAX_ELEMENTS, StructureType
from alphacrystal.learn.symmetry.candidate_types import candidate_types
from alphacrystal.learn.symmetry.network import SymmetryNet
from alphacrystal.learn.weight_files import load_model, models_folder, read_card
from alphacrystal.runtime.torch_threads import one_torch_thread
from alphacrystal.typing import FloatArray, IntArray

FUNCTIONAL = FUNCTIONALS.index("PBE")
RELATED_OFFSET = -12.0  # of the scores of related types if the model card has none
MAX_COMPARED_TYPES = 2000  # structure types compared with a given cell
MAX_LOG_VOLUME_ERROR = 0.4  # between a given and a predicted cell


@one_torch_thread()
def predict_hypotheses(
    formula: Formula,
    units: Sequence[int],
    count: int,
    *,
    group: int | None = None,
    lattice: LatticeParameters | None = None,
    models: Path | None = None,
) -> list[SymmetryHypothesis]:
    """The most probable hypotheses of a composition, best first.

    Args:
        formula: Reduced formula.
        units: Formula units Z of the primitive cell to consider.
        count: Maximum number of hypotheses.
        group: Only this space group.
        lattice: Conventional cell that replaces the predicted ones. Only structure types with its crystal
            system and roughly its volume are returned.
        models: Folder of weights; the shipped ones by default.

    Returns:
        Hypotheses with log-probabilities normalised over all scored structure types.

    Raises:
        InputError: The space group does not exist or cannot hold any of the cells, the formula has too many
            elements, or no structure type fits the lattice.
    """
    folder = models_folder(models)
    types, log_probabilities = type_probabilities(formula, units, group=group, models=models)
    net = load_model("symmetry", folder)
    assert isinstance(net, SymmetryNet)
    atoms = sum(formula.counts.values())
    order = np.argsort(-log_probabilities, kind="stable")
    rows = order[:count] if lattice is None else _compatible(formula, types, order, lattice, folder)[:count]
    chosen = [types[row] for row in rows]
    cells = (
        [_given_cell(structure_type, lattice) for structure_type in chosen]
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


def type_probabilities(
    formula: Formula, units: Sequence[int], *, group: int | None = None, models: Path | None = None
) -> tuple[list[StructureType], FloatArray]:
    """All candidate structure types of a composition with normalised log-probabilities.

    Known, derivative and enumerated types compete. The probabilities of their space groups are mixed with
    those of the space-group network.

    Args:
        formula: As for ``predict_hypotheses``.
        units: As for ``predict_hypotheses``.
        group: As for ``predict_hypotheses``.
        models: As for ``predict_hypotheses``.

    Returns:
        Types in no particular order, and their log-probabilities, shape (types,).

    Raises:
        InputError: As ``predict_hypotheses``.
    """
    check_supported(formula, units, group)
    counts = tuple(formula.counts[symbol] for symbol in formula.elements)
    types, log_probabilities = _type_probabilities(
        tuple(formula.elements), counts, tuple(units), group, models_folder(models)
    )
    return list(types), log_probabilities.copy()


@lru_cache(8)  # generation, ranking and report of a run ask for the same formula
def _type_probabilities(
    elements: tuple[str, ...],
    counts: tuple[int, ...],
    units: tuple[int, ...],
    group: int | None,
    folder: Path,
) -> tuple[list[StructureType], FloatArray]:
    net, group_net = load_model("symmetry", folder), load_model("group", folder)
    assert isinstance(net, SymmetryNet)
    assert isinstance(group_net, SpaceGroupNet)
    group_probabilities = space_group_probabilities(group_net, elements, counts)
    numbers, amounts = map(torch.as_tensor, composition_arrays([elements], [counts]))
    slots = len(elements)
    candidates = candidate_types(
        net, numbers[:, :slots], amounts[:, :slots], units, group, group_probabilities
    )
    settings = read_card("symmetry", folder).settings
    types = candidates.types + candidates.related + candidates.unseen
    scores = np.concatenate(
        [
            candidates.scores,
            candidates.related_scores + float(settings.get("related_offset", RELATED_OFFSET)),
            candidates.unseen_scores + float(settings.get("unseen_offset", 0.0)),
        ]
    )
    log_probabilities = scores - np.logaddexp.reduce(scores)
    if group is None:
        groups = np.array([structure_type.space_group for structure_type in types])
        log_probabilities = mix_space_groups(groups, log_probabilities, group_probabilities)
    return types, log_probabilities


def check_supported(formula: Formula, units: Sequence[int], group: int | None) -> None:
    """Refuse formulas with too many elements and space groups that cannot hold any of the cells.

    Raises:
        InputError: Names the limit, or the cells that the space group can hold.
    """
    if len(formula.elements) > MAX_ELEMENTS:
        raise InputError(
            f"{formula.text} has {len(formula.elements)} elements; at most {MAX_ELEMENTS} are supported."
        )
    if group is None:
        return
    counts = [formula.counts[symbol] for symbol in formula.elements]
    symbol = group_symbol(group)
    if any(can_place(group, [z * c for c in counts]) for z in units):
        return
    possible = placeable_units(group, counts, 4 * max(60, sum(counts) * max(units)))[:3]
    tried = ", ".join(formula.cell(z).name for z in units)
    if possible:
        fits = ", ".join(f"{formula.cell(z).name} (Z={z}, {z * sum(counts)} atoms)" for z in possible)
        raise InputError(
            f"{tried} cannot be placed on the Wyckoff positions of space group {group} ({symbol}): "
            f"the primitive cell can hold {fits}; raise --max-atoms, change --cell or choose another "
            "--space-group."
        )
    raise InputError(
        f"{formula.text} cannot be placed on the Wyckoff positions of space group {group} ({symbol}) "
        "in any reasonable cell: choose another --space-group."
    )


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
        first. For an unseen type: coordinates of types that occupy the same Wyckoff positions with other
        elements.
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
        else derivative_positions(net, structure_type)
        for structure_type in types
    ]


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
