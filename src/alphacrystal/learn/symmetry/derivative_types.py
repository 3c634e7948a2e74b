"""Derive structure types unseen at a stoichiometry: anti-types and ordered derivatives of known types.

An anti-type exchanges the elements of a known type. An ordered derivative splits the orbits of one element of
a known type between two elements. The score of a derived type is the score of its parent type for the
correspondingly permuted or merged composition, plus a constant.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from alphacrystal.crystal import canonical_letters, multiplicities
from alphacrystal.learn.structure_types import StructureType
from alphacrystal.learn.symmetry.network import SymmetryNet
from alphacrystal.learn.symmetry.parent_types import ScoredParents, SiteAssignment
from alphacrystal.typing import FloatArray, IntArray

# Added to the score of the parent type; chosen on validation compounds (docs/models.md).
ANTI_TYPE_SCORE, ORDERED_DERIVATIVE_SCORE = -2.5, -6.0
MAX_PARENTS = 600  # most probable pairs of a parent type and a site assignment
MAX_SPLITS = 12  # ways to split the orbits of one element between two


def derivative_types(
    net: SymmetryNet,
    parents: Sequence[ScoredParents],
    counts: Sequence[int],
    units: Sequence[int],
    group: int | None = None,
) -> dict[StructureType, float]:
    """Anti-types and ordered derivatives for a composition, with their scores.

    Args:
        net: The symmetry network.
        parents: ``scored_parents`` of the composition.
        counts: Reduced counts of the elements.
        units: Formula units Z of the primitive cell to consider.
        group: Only this space group.

    Returns:
        Types in canonical setting with scores on the scale of the known types. A type with several parents
        gets its best score. Types in the vocabulary of the network are excluded.
    """
    scores: list[FloatArray] = [np.zeros(0)]
    sources: list[tuple[IntArray, SiteAssignment]] = []
    for parent in parents:
        if len(parent.assignment) == 1:  # two elements on the sites of one would have many parents
            continue
        fits = np.isin(parent.units, [parent.multiple * z for z in units])
        if group is not None:
            fits &= net.table.arrays["space_group"][parent.rows] == group
        offset = ORDERED_DERIVATIVE_SCORE if parent.merged else ANTI_TYPE_SCORE
        scores.append(parent.scores[fits] + offset)
        sources.append((parent.rows[fits], parent.assignment))
    flat = np.concatenate(scores)
    ends = np.cumsum([len(values) for values in scores])  # the first list is empty
    derived: dict[StructureType, float] = {}
    for index in np.argsort(-flat, kind="stable")[:MAX_PARENTS].tolist():
        source = int(np.searchsorted(ends, index, side="right")) - 1
        rows, assignment = sources[source]
        for structure_type in _derivatives(net.types[rows[index - ends[source]]], assignment, counts):
            if structure_type not in net.rows:
                derived.setdefault(structure_type, float(flat[index]))
    return derived


def _derivatives(
    parent: StructureType, assignment: SiteAssignment, counts: Sequence[int]
) -> Iterator[StructureType]:
    """Types from a parent type and a site assignment, in canonical setting."""
    group, atoms = parent.space_group, sum(parent.counts())
    letters = [""] * len(counts)
    shared: tuple[tuple[int, ...], str] | None = None
    for elements, parent_letters in zip(assignment, parent.letters, strict=True):
        if len(elements) == 1:
            letters[elements[0]] += parent_letters
        else:
            shared = elements, parent_letters
    if shared is None:
        yield StructureType(group, canonical_letters(group, letters))
        return
    (first, second), parent_letters = shared
    for first_letters, second_letters in _orbit_splits(
        group, parent_letters, atoms // sum(counts) * counts[first]
    ):
        letters[first], letters[second] = first_letters, second_letters
        yield StructureType(group, canonical_letters(group, letters))


@lru_cache(50_000)
def _orbit_splits(group: int, letters: str, atoms: int) -> tuple[tuple[str, str], ...]:
    """Splits of orbits into two non-empty sets, the first with the given number of atoms.

    Splits with few orbits in the first set come first; at most MAX_SPLITS are returned.
    """
    distinct = list(dict.fromkeys(letters))
    splits = [pair for pair in _splits_from(distinct, letters, multiplicities(group), atoms) if all(pair)]
    splits.sort(key=lambda pair: (len(pair[0]), [distinct.index(letter) for letter in pair[0]]))
    return tuple(splits[:MAX_SPLITS])


def _splits_from(
    distinct: Sequence[str], letters: str, sizes: dict[str, int], atoms: int
) -> Iterator[tuple[str, str]]:
    """Splits of the orbits on the remaining distinct letters."""
    if not distinct:
        if atoms == 0:
            yield "", ""
        return
    letter, available = distinct[0], letters.count(distinct[0])
    for taken in range(min(available, atoms // sizes[letter]), -1, -1):
        for first, second in _splits_from(distinct[1:], letters, sizes, atoms - taken * sizes[letter]):
            yield letter * taken + first, letter * (available - taken) + second
