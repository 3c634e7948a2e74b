"""Probabilities of the structure types of a composition: known, derived and enumerated ones compete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from alphacrystal.composition import Formula
from alphacrystal.crystal import (
    SpaceGroupChoice,
    SymmetryHypothesis,
    allowed_groups,
    can_place,
    choice_name,
    placeable_units,
)
from alphacrystal.errors import InputError
from alphacrystal.learn.coordinates.prototypes import PrototypeCoordinates
from alphacrystal.learn.coordinates.subgroup_types import SubgroupType, subgroup_types
from alphacrystal.learn.lattice.network import LatticeNet
from alphacrystal.learn.model_inputs import composition_arrays
from alphacrystal.learn.space_groups import (
    SpaceGroupNet,
    mix_space_groups,
    space_group_probabilities,
)
from alphacrystal.learn.structure_types import MAX_ELEMENTS, StructureType
from alphacrystal.learn.symmetry.candidate_types import candidate_types
from alphacrystal.learn.symmetry.network import SymmetryNet
from alphacrystal.learn.symmetry.parent_types import ScoredParents, scored_parents
from alphacrystal.learn.weight_files import load_model, models_folder, read_card
from alphacrystal.typing import FloatArray

RELATED_OFFSET = -12.0  # of the scores of related types if the model card has none
ORIGINS = ("known", "derivative", "subgroup", "related", "enumerated")
MAX_ATOMS = 80  # in the primitive cells of subgroup types


def type_probabilities(
    formula: Formula,
    units: Sequence[int],
    *,
    group: SpaceGroupChoice | None = None,
    models: Path | None = None,
) -> tuple[list[StructureType], FloatArray]:
    """All candidate structure types of a composition with normalised log-probabilities.

    Known, derivative, subgroup and enumerated types compete. The probabilities of their space groups are
    mixed with those of the space-group network.

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
    number = group if isinstance(group, int) else None
    types, log_probabilities = _type_probabilities(
        tuple(formula.elements), counts, tuple(units), number, models_folder(models)
    )
    if not isinstance(group, str):
        return list(types), log_probabilities.copy()
    allowed = set(allowed_groups(group))
    kept = [place for place, structure_type in enumerate(types) if structure_type.space_group in allowed]
    if not kept:
        raise InputError(f"No structure type of {formula.text} has {choice_name(group)}: allow others.")
    logs = log_probabilities[kept]
    return [types[place] for place in kept], logs - np.logaddexp.reduce(logs)


@lru_cache(8)  # generation, ranking and report of a run ask for the same formula
def _type_probabilities(
    elements: tuple[str, ...],
    counts: tuple[int, ...],
    units: tuple[int, ...],
    group: int | None,
    folder: Path,
) -> tuple[list[StructureType], FloatArray]:
    network = network_groups(elements, counts, folder)
    lists = type_lists(elements, counts, units, group, folder)
    types = [structure_type for one in lists for structure_type in one.types]
    scores = np.concatenate([one.scores for one in lists])
    return types, normalised(types, scores, network if group is None else None)


def normalised(
    types: Sequence[StructureType], scores: FloatArray, group_probabilities: FloatArray | None
) -> FloatArray:
    """Log-probabilities of types that compete, shape (types,).

    Args:
        types: Structure types.
        scores: Their scores, shape (types,).
        group_probabilities: Of the space-group network, which are mixed in, shape (231,); None for one space
            group.
    """
    log_probabilities = np.asarray(scores - np.logaddexp.reduce(scores))
    if group_probabilities is None:
        return log_probabilities
    groups = np.array([structure_type.space_group for structure_type in types])
    return mix_space_groups(groups, log_probabilities, group_probabilities)


@dataclass(frozen=True, slots=True, eq=False)
class TypeList:
    """Structure types of one origin; their scores are on the same scale as those of other origins.

    Attributes:
        origin: One of ORIGINS.
        types: Structure types.
        scores: Shape (types,).
    """

    origin: str
    types: list[StructureType]
    scores: FloatArray


def type_lists(
    elements: tuple[str, ...],
    counts: tuple[int, ...],
    units: Sequence[int],
    group: int | None,
    folder: Path,
    *,
    subgroups: bool = True,
) -> list[TypeList]:
    """All candidate structure types of a composition by origin, in the order of ORIGINS.

    A type is in one list only, the first that proposes it.

    Args:
        elements: In electronegativity order.
        counts: Their reduced counts.
        units: Formula units Z of the primitive cell to consider.
        group: Only this space group.
        folder: Folder of weights.
        subgroups: Propose subgroup types.
    """
    net = load_model("symmetry", folder)
    assert isinstance(net, SymmetryNet)
    numbers, amounts = map(torch.as_tensor, composition_arrays([elements], [counts]))
    slots = len(elements)
    candidates = candidate_types(
        net,
        numbers[:, :slots],
        amounts[:, :slots],
        units,
        group,
        network_groups(elements, counts, folder),
        _parents(elements, counts, folder),
    )
    known = sum(structure_type in net.rows for structure_type in candidates.types)
    cells = {tuple([z * count for count in counts]) for z in units}
    derived_types = subgroup_types_of(elements, counts, folder) if subgroups else {}
    subgroup = {
        structure_type: derived.score
        for structure_type, derived in derived_types.items()
        if structure_type.counts() in cells and group in (None, structure_type.space_group)
    }
    settings = read_card("symmetry", folder).settings
    related_scores = candidates.related_scores + float(settings.get("related_offset", RELATED_OFFSET))
    unseen_scores = candidates.unseen_scores + float(settings.get("unseen_offset", 0.0))
    lists: list[TypeList] = []
    seen: set[StructureType] = set()
    for origin, types, scores in (
        ("known", candidates.types[:known], candidates.scores[:known]),
        ("derivative", candidates.types[known:], candidates.scores[known:]),
        ("subgroup", list(subgroup), np.array(list(subgroup.values()))),
        ("related", candidates.related, related_scores),
        ("enumerated", candidates.unseen, unseen_scores),
    ):
        new = [place for place, structure_type in enumerate(types) if structure_type not in seen]
        lists.append(TypeList(origin, [types[place] for place in new], scores[new]))
        seen.update(types)
    return lists


@lru_cache(8)
def network_groups(elements: tuple[str, ...], counts: tuple[int, ...], folder: Path) -> FloatArray:
    """Probabilities of the space groups from the space-group network, shape (231,).

    Args:
        elements, counts, folder: As for ``type_lists``.
    """
    net = load_model("group", folder)
    assert isinstance(net, SpaceGroupNet)
    return space_group_probabilities(net, elements, counts)


def _units(counts: tuple[int, ...]) -> list[int]:
    """Formula units of all cells that the networks support."""
    return list(range(1, MAX_ATOMS // sum(counts) + 1))


@lru_cache(2)  # large; the two kinds of derived types share them
def _parents(elements: tuple[str, ...], counts: tuple[int, ...], folder: Path) -> list[ScoredParents]:
    """Parent types of all cells of a composition."""
    net = load_model("symmetry", folder)
    assert isinstance(net, SymmetryNet)
    numbers, _ = composition_arrays([elements], [counts])
    return scored_parents(net, torch.as_tensor(numbers)[0, : len(elements)], counts, _units(counts))


@lru_cache(8)
def subgroup_types_of(
    elements: tuple[str, ...], counts: tuple[int, ...], folder: Path
) -> dict[StructureType, SubgroupType]:
    """Subgroup types of all cells of a composition.

    Args:
        elements: In electronegativity order.
        counts: Their reduced counts.
        folder: Folder of weights.
    """
    net, lattice = load_model("symmetry", folder), load_model("lattice", folder)
    coordinates = load_model("coordinates", folder)
    assert isinstance(net, SymmetryNet)
    assert isinstance(lattice, LatticeNet)
    assert isinstance(coordinates, PrototypeCoordinates)
    parents = _parents(elements, counts, folder)
    return subgroup_types(net, coordinates, lattice, parents, elements, counts, _units(counts))


def subgroup_type(hypothesis: SymmetryHypothesis, models: Path | None = None) -> SubgroupType | None:
    """Score and coordinates of a hypothesis whose structure type is a subgroup type, else None.

    Args:
        hypothesis: Elements in electronegativity order, as from ``predict_hypotheses``.
        models: Folder of weights; the shipped ones by default.
    """
    if hypothesis.source != "enumerated":
        return None
    structure_type = StructureType(hypothesis.space_group, tuple(hypothesis.occupation.values()))
    elements = tuple(hypothesis.occupation)
    counts = structure_type.stoichiometry()
    return subgroup_types_of(elements, counts, models_folder(models)).get(structure_type)


def check_supported(formula: Formula, units: Sequence[int], group: SpaceGroupChoice | None) -> None:
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
    name = choice_name(group)
    groups = allowed_groups(group)
    if any(can_place(number, [z * c for c in counts]) for number in groups for z in units):
        return
    largest = 4 * max(60, sum(counts) * max(units))
    possible = sorted({z for number in groups for z in placeable_units(number, counts, largest)})[:3]
    tried = ", ".join(formula.cell(z).name for z in units)
    if possible:
        fits = ", ".join(f"{formula.cell(z).name} (Z={z}, {z * sum(counts)} atoms)" for z in possible)
        raise InputError(
            f"{tried} cannot be placed on the Wyckoff positions of {name}: "
            f"the primitive cell can hold {fits}; raise --max-atoms, change --cell or choose another "
            "--space-group."
        )
    raise InputError(
        f"{formula.text} cannot be placed on the Wyckoff positions of {name} "
        "in any reasonable cell: choose another --space-group."
    )
