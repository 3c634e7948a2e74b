"""Structure types to consider for a composition, with the scores of the symmetry network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from alphacrystal.crystal import canonical_letters, first_assignments
from alphacrystal.learn.space_groups import NETWORK_SHARE
from alphacrystal.learn.structure_types import StructureType
from alphacrystal.learn.symmetry.derivative_types import derivative_types
from alphacrystal.learn.symmetry.network import SymmetryNet
from alphacrystal.learn.symmetry.parent_types import ScoredParents, scored_parents
from alphacrystal.learn.symmetry.position_types import position_types
from alphacrystal.typing import FloatArray

MAX_ENUMERATED_ATOMS = 40  # larger cells are enumerated only if all cells are larger
ASSIGNMENTS_PER_CELL = 16  # enumerated Wyckoff assignments per space group and Z
ASSIGNMENTS_PER_CELL_ALL_GROUPS = 2  # the same if all 230 space groups are enumerated
ASSIGNMENTS_PER_CELL_GIVEN_GROUP = 64  # the same if the space group is given
MAX_ENUMERATED_GROUPS = 8  # most probable space groups whose unseen assignments are enumerated
MIN_KNOWN_TYPES = 40  # with fewer known types of the stoichiometry, all space groups are enumerated


@dataclass(frozen=True, slots=True, eq=False)
class CandidateTypes:
    """Structure types of one composition with unnormalised log scores.

    Attributes:
        types: Types of the vocabulary, then derivative types.
        scores: Scores of ``types``, shape (types,).
        related: Types on the occupied positions of known types with other stoichiometries.
        related_scores: Their scores without the calibration offset, shape (related,).
        unseen: Enumerated types that are in no other list.
        unseen_scores: Their scores without the calibration offset, shape (unseen,).
    """

    types: list[StructureType]
    scores: FloatArray
    related: list[StructureType]
    related_scores: FloatArray
    unseen: list[StructureType]
    unseen_scores: FloatArray


def candidate_types(
    net: SymmetryNet,
    numbers: Tensor,
    counts: Tensor,
    units: Sequence[int],
    group: int | None = None,
    group_probabilities: FloatArray | None = None,
    parents: Sequence[ScoredParents] | None = None,
) -> CandidateTypes:
    """Score known, derivative and enumerated structure types of a composition.

    Args:
        net: The symmetry network.
        numbers: Atomic numbers in electronegativity order, no unused slots, shape (1, elements).
        counts: Reduced counts, shape (1, elements).
        units: Formula units Z of the primitive cell to consider.
        group: Only this space group.
        group_probabilities: Probabilities of the space-group network, shape (231,), which help to choose the
            space groups to enumerate.
        parents: ``scored_parents`` of the composition, computed if None.
    """
    reduced = [int(count) for count in counts[0]]
    rows = net.known_rows(reduced, units)
    if group is not None:
        rows = rows[net.table.arrays["space_group"][rows] == group]
    known = [net.types[row] for row in rows]
    with torch.no_grad():
        compositions = net.encode_compositions(numbers, counts)
        known_scores = net.scores_of_rows(compositions, rows)[0].double().numpy()
        if parents is None:
            parents = scored_parents(net, numbers[0], reduced, units)
        derived = derivative_types(net, parents, reduced, units, group)
        popularity = position_types(net, reduced, units, group, group_probabilities)
        related = [structure_type for structure_type in popularity if structure_type not in derived]
        unseen = [
            structure_type
            for structure_type in enumerated_types(
                net, reduced, units, group, known, known_scores, group_probabilities
            )
            if structure_type not in derived and structure_type not in popularity
        ]
        both = related + unseen
        parts = net.unseen_scores(compositions, both)[0].double().numpy() if both else np.zeros(0)
    related_scores = parts[: len(related)] + np.array([popularity[item] for item in related])
    scores = np.concatenate([known_scores, list(derived.values())])
    return CandidateTypes(
        known + list(derived), scores, related, related_scores, unseen, parts[len(related) :]
    )


def enumerated_types(
    net: SymmetryNet,
    counts: Sequence[int],
    units: Sequence[int],
    group: int | None,
    known: Sequence[StructureType],
    scores: FloatArray,
    group_probabilities: FloatArray | None = None,
) -> list[StructureType]:
    """Wyckoff assignments outside the vocabulary, in the most probable space groups.

    The scores of the known types give the probabilities of the space groups; ``group_probabilities``, shape
    (231,), are mixed in. All space groups are enumerated if few types are known. Only cells of up to
    MAX_ENUMERATED_ATOMS are enumerated, or the smallest one if all are larger.
    """
    if group is not None:
        groups, limit = [group], ASSIGNMENTS_PER_CELL_GIVEN_GROUP
    elif len(known) < MIN_KNOWN_TYPES:
        groups, limit = list(range(1, 231)), ASSIGNMENTS_PER_CELL_ALL_GROUPS
    else:
        weights = np.zeros(231)
        number_of = [structure_type.space_group for structure_type in known]
        np.add.at(weights, number_of, np.exp(scores - np.logaddexp.reduce(scores)))
        if group_probabilities is not None:
            weights = (1 - NETWORK_SHARE) * weights + NETWORK_SHARE * group_probabilities
        order = np.argsort(-weights, kind="stable")[:MAX_ENUMERATED_GROUPS]
        groups, limit = [int(number) for number in order if weights[number] > 0], ASSIGNMENTS_PER_CELL
    atoms = sum(counts)
    small = [z for z in units if z * atoms <= MAX_ENUMERATED_ATOMS] or list(units)[:1]
    enumerated: dict[StructureType, None] = {}
    for number in groups:
        for z in small:
            for structure_type in _assignments(number, tuple(z * count for count in counts), limit):
                if structure_type not in net.rows:
                    enumerated[structure_type] = None
    return list(enumerated)


@lru_cache(maxsize=20_000)
def _assignments(group: int, counts: tuple[int, ...], limit: int) -> tuple[StructureType, ...]:
    """The first Wyckoff assignments of a cell content in a space group, in canonical setting."""
    assignments = first_assignments(group, counts, limit)
    return tuple([StructureType(group, canonical_letters(group, letters)) for letters in assignments])
