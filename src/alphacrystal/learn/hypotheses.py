"""From a formula to ranked symmetry hypotheses with cells."""

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
    canonical_letters,
    cell_parameters,
    cell_shape,
    constrained_shape,
    crystal_system,
    first_assignments,
    group_symbol,
    lattice_parameters,
    lattice_points,
    obeys_system,
    placeable_units,
    shape_to_cell,
)
from alphacrystal.data import FUNCTIONALS
from alphacrystal.errors import InputError
from alphacrystal.learn.cells import constrained_shapes, predicted_shapes
from alphacrystal.learn.lattice.network import LatticeNet, free_targets
from alphacrystal.learn.space_groups.mixture import OPINION_SHARE, with_opinion
from alphacrystal.learn.space_groups.network import GroupNet, group_opinion
from alphacrystal.learn.structure_types import MAX_ELEMENTS, StructureType
from alphacrystal.learn.symmetry.derivative_types import related_types
from alphacrystal.learn.symmetry.network import SymmetryNet
from alphacrystal.learn.symmetry.training import composition_arrays
from alphacrystal.learn.weight_files import load_model, models_folder, read_card
from alphacrystal.runtime.torch_threads import one_torch_thread
from alphacrystal.typing import FloatArray, IntArray

FUNCTIONAL = FUNCTIONALS.index("PBE")
ASSIGNMENTS_PER_CELL = 16  # enumerated per space group and Z where the vocabulary is asked to open
ASSIGNMENTS_IN_GIVEN_GROUP = 64  # the same where the space group is given, so that a run is not short of them
OPEN_GROUPS = 8  # most likely space groups whose unseen assignments are scored too
FEW_TYPES = 40  # with fewer known types for a stoichiometry, all 230 groups are looked at
MOST_COMPARED = 2000  # structure types compared with a given cell
VOLUME_SLACK = 0.4  # of the logarithm of the cell volume, between a given and a predicted cell


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
        units: Formula units Z the primitive cell may hold.
        count: How many to return at most.
        group: Only this space group.
        lattice: Conventional cell to use instead of predicted ones; only structure types that fit its crystal
            system and roughly its volume are kept.
        models: Folder of weights; the shipped ones by default.

    Returns:
        Hypotheses with log-probabilities normalised over everything that was scored.

    Raises:
        InputError: The space group does not exist or cannot hold any of the cells; too many elements.
    """
    folder = models_folder(models)
    kinds, log_probabilities = type_probabilities(formula, units, group=group, models=models)
    net = load_model("symmetry", folder)
    assert isinstance(net, SymmetryNet)
    atoms = sum(formula.counts.values())
    order = np.argsort(-log_probabilities, kind="stable")
    best = order[:count] if lattice is None else _fitting(formula, kinds, order, lattice, folder)[:count]
    chosen = [kinds[i] for i in best]
    cells = (
        [_given_cell(kind, lattice) for kind in chosen]
        if lattice
        else _predict_cells(formula, chosen, folder)
    )
    return [
        SymmetryHypothesis(
            space_group=kind.space_group,
            occupation=dict(zip(formula.elements, kind.letters, strict=True)),
            formula_units=sum(kind.counts()) // atoms,
            lattice=cell,
            lattice_std=std,
            shape_scale=scale,
            log_probability=float(log_probabilities[row]),
            source="type" if kind in net.rows else "enumerated",
        )
        for row, kind, (cell, std, scale) in zip(best, chosen, cells, strict=True)
    ]


def type_probabilities(
    formula: Formula, units: Sequence[int], *, group: int | None = None, models: Path | None = None
) -> tuple[list[StructureType], FloatArray]:
    """All structure types that are considered for a composition, with normalised log-probabilities.

    Types known from training compete with enumerated ones; the probabilities of their space groups are
    mixed with what the space-group network says of the composition alone.

    Args:
        formula: As for ``predict_hypotheses``.
        units: As for ``predict_hypotheses``.
        group: As for ``predict_hypotheses``.
        models: As for ``predict_hypotheses``.

    Returns:
        Types, and their log-probabilities, shape (types,), in no order.

    Raises:
        InputError: As ``predict_hypotheses``.
    """
    check_supported(formula, units, group)
    folder = models_folder(models)
    net, judge = load_model("symmetry", folder), load_model("group", folder)
    assert isinstance(net, SymmetryNet)
    assert isinstance(judge, GroupNet)
    counts = [formula.counts[symbol] for symbol in formula.elements]
    opinion = group_opinion(judge, formula.elements, counts)
    kinds, scores = _scored_types(net, formula, counts, units, group, opinion, folder)
    logs = scores - np.logaddexp.reduce(scores)
    if group is None:
        logs = with_opinion(np.array([kind.space_group for kind in kinds]), logs, opinion)
    return kinds, logs


def check_supported(formula: Formula, units: Sequence[int], group: int | None) -> None:
    """Refuse what the networks cannot take: too many elements, a space group that can hold none of the cells.

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


def _scored_types(
    net: SymmetryNet,
    formula: Formula,
    counts: Sequence[int],
    units: Sequence[int],
    group: int | None,
    opinion: FloatArray,
    folder: Path,
) -> tuple[list[StructureType], FloatArray]:
    """All structure types considered, with unnormalised log scores."""
    numbers, amounts = map(torch.as_tensor, composition_arrays([formula.elements], [counts]))
    slots = len(formula.elements)
    numbers, amounts = numbers[:, :slots], amounts[:, :slots]
    rows = net.known_rows(counts, units)
    if group is not None:
        rows = rows[net.table.arrays["space_group"][rows] == group]
    kinds = [net.types[row] for row in rows]
    with torch.no_grad():
        hearing = net.hear(numbers, amounts)
        scores = net.scores_of_rows(hearing, rows)[0].double().numpy()
        related = related_types(net, numbers[0], counts, units, group)
        fresh = unseen_types(net, counts, units, group, kinds, scores, opinion)
        fresh = [kind for kind in fresh if kind not in related]
        kinds, scores = kinds + list(related), np.concatenate([scores, list(related.values())])
        if fresh:
            offset = float(read_card("symmetry", folder).settings.get("unseen_offset", 0.0))
            open_scores = net.unseen_scores(hearing, fresh)[0].double().numpy() + offset
            kinds, scores = kinds + fresh, np.concatenate([scores, open_scores])
    return kinds, scores


def unseen_types(
    net: SymmetryNet,
    counts: Sequence[int],
    units: Sequence[int],
    group: int | None,
    kinds: Sequence[StructureType],
    scores: FloatArray,
    opinion: FloatArray | None = None,
) -> list[StructureType]:
    """Assignments that the vocabulary lacks: of the likeliest groups, or of all where few types are known.

    Which groups are likely the known types say, and a second ``opinion``, shape (231,), where there is one.
    """
    if group is not None:
        groups = [group]
    elif len(kinds) < FEW_TYPES:
        groups = list(range(1, 231))
    else:
        weights = np.zeros(231)
        np.add.at(weights, [kind.space_group for kind in kinds], np.exp(scores - np.logaddexp.reduce(scores)))
        if opinion is not None:
            weights = (1 - OPINION_SHARE) * weights + OPINION_SHARE * opinion
        likely = np.argsort(-weights, kind="stable")[:OPEN_GROUPS]
        groups = [int(number) for number in likely if weights[number] > 0]
    limit = ASSIGNMENTS_PER_CELL if len(groups) <= OPEN_GROUPS else 2
    if group is not None:
        limit = ASSIGNMENTS_IN_GIVEN_GROUP
    fresh: dict[StructureType, None] = {}
    for number in groups:
        for z in units:
            for kind in _assignments(number, tuple(z * c for c in counts), limit):
                if kind not in net.rows:
                    fresh[kind] = None
    return list(fresh)


@lru_cache(maxsize=20_000)
def _assignments(group: int, counts: tuple[int, ...], limit: int) -> tuple[StructureType, ...]:
    """The first Wyckoff assignments of a cell content in a space group, in their canonical setting."""
    found = first_assignments(group, counts, limit)
    return tuple([StructureType(group, canonical_letters(group, letters)) for letters in found])


def _fitting(
    formula: Formula,
    kinds: Sequence[StructureType],
    order: IntArray,
    lattice: LatticeParameters,
    folder: Path,
) -> IntArray:
    """Of the structure types in ``order``, those that a given conventional cell can hold."""
    allowed = {system for system in FREE_SHAPE if obeys_system(system, lattice)}
    right = [i for i in order if crystal_system(kinds[i].space_group) in allowed][:MOST_COMPARED]
    cells = _predict_cells(formula, [kinds[i] for i in right], folder) if right else []
    kept = [
        i
        for i, (cell, _, _) in zip(right, cells, strict=True)
        if abs(np.log(lattice.volume / cell.volume)) < VOLUME_SLACK
    ]
    if not kept:
        raise InputError(
            f"No structure of {formula.text} fits the given lattice (volume {lattice.volume:.0f} Å³): check "
            "the lengths and angles of the conventional cell, or leave out --lattice."
        )
    return np.array(kept, dtype=np.int64)


Cell = tuple[LatticeParameters, LatticeParameters, tuple[float, float, float, float, float, float]]


def _given_cell(kind: StructureType, lattice: LatticeParameters) -> Cell:
    """The given cell moved onto the crystal system of a type, without spread."""
    shape = constrained_shape(crystal_system(kind.space_group), cell_shape(lattice))
    nothing = LatticeParameters(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    return lattice_parameters(shape_to_cell(shape)), nothing, (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def _predict_cells(formula: Formula, kinds: Sequence[StructureType], folder: Path) -> list[Cell]:
    """Conventional cell, spread of its parameters and scale of its shape for each structure type."""
    net = load_model("lattice", folder)
    assert isinstance(net, LatticeNet)
    centres, scales = predicted_shapes(net, kinds, [formula.elements] * len(kinds), [FUNCTIONAL] * len(kinds))
    return _cells_with_spread(kinds, centres, scales)


def _cells_with_spread(kinds: Sequence[StructureType], targets: FloatArray, scales: FloatArray) -> list[Cell]:
    """Cells from lattice targets and their Laplace scales, shape (kinds, 6) each."""
    if not kinds:
        return []
    atoms = np.array([sum(kind.counts()) * lattice_points(kind.space_group) for kind in kinds])
    spread = scales * free_targets(kinds).numpy()
    raised = targets.copy()
    raised[:, 0] += np.log(atoms)
    shape = constrained_shapes(kinds, raised)
    # The cell itself and the six cells moved by a standard deviation (√2 of a Laplace scale) each.
    steps = np.concatenate([np.zeros((1, 6)), np.sqrt(2) * np.eye(6)])
    moved = cell_parameters(shape_to_cell(shape[:, None] + steps * spread[:, None]))  # (kinds, 7, 6)
    values = moved[:, 0]
    deviations = np.sqrt(((moved[:, 1:] - values[:, None]) ** 2).sum(1))
    return [
        (LatticeParameters(*own.tolist()), LatticeParameters(*deviation.tolist()), tuple(scale.tolist()))
        for own, deviation, scale in zip(values, deviations, spread, strict=True)
    ]
