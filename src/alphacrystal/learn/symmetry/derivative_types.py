"""Derive structure types unseen at a stoichiometry: anti-types and ordered derivatives of known types.

An anti-type exchanges the elements of a known type. An ordered derivative splits the orbits of one element of
a known type between two elements. The score of a derived type is the score of its parent type for the
correspondingly permuted or merged composition, plus a constant.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from alphacrystal.crystal import canonical_letters, multiplicities
from alphacrystal.learn.structure_types import StructureType, reduced_counts
from alphacrystal.learn.symmetry.network import SymmetryNet
from alphacrystal.typing import FloatArray, IntArray

# Added to the score of the parent type; chosen on validation compounds (docs/models.md).
ANTI_TYPE_SCORE, ORDERED_DERIVATIVE_SCORE = -2.5, -6.0
MAX_PARENTS = 600  # most probable pairs of a parent type and a site assignment
MAX_SPLITS = 12  # ways to split the orbits of one element between two
MAX_PERMUTED_ELEMENTS = 5  # larger compositions try exchanges of two elements only

Part = tuple[
    tuple[int, ...], int
]  # indices of the elements on the sites of one parent element, and their count
SiteAssignment = tuple[tuple[int, ...], ...]  # for each element of the parent type, the elements on its sites
_Assignments = dict[
    SiteAssignment, set[int]
]  # and the multiples of the parent stoichiometry that fit the cell


def derivative_types(
    net: SymmetryNet,
    numbers: Tensor,
    counts: Sequence[int],
    units: Sequence[int],
    group: int | None = None,
) -> dict[StructureType, float]:
    """Anti-types and ordered derivatives for a composition, with their scores.

    Args:
        net: The symmetry network.
        numbers: Atomic numbers of the elements, in electronegativity order, shape (elements,).
        counts: Reduced counts of the elements.
        units: Formula units Z of the primitive cell to consider.
        group: Only this space group.

    Returns:
        Types in canonical setting with scores on the scale of the known types. A type with several parents
        gets its best score. Types in the vocabulary of the network are excluded.
    """
    parents = [
        _ParentStoichiometry.of(stoichiometry, rows, assignments)
        for stoichiometry, assignments in _parent_stoichiometries(counts, units).items()
        if net.family(stoichiometry) is not None
        and len(rows := _rows(net, stoichiometry, sorted(set().union(*assignments.values())), group))
    ]
    scores: list[FloatArray] = [np.zeros(0)]
    sources: list[tuple[IntArray, SiteAssignment]] = []
    for parent, parent_scores in zip(parents, _parent_scores(net, numbers, parents), strict=True):
        fitting = parent.rows_by_multiples(
            net.table.arrays["atoms"][parent.rows] // sum(parent.stoichiometry)
        )
        for (assignment, _), values in zip(parent.compositions, parent_scores, strict=True):
            chosen = fitting[frozenset(parent.assignments[assignment])]
            permutation = len(assignment) == len(counts)
            scores.append(values[chosen] + (ANTI_TYPE_SCORE if permutation else ORDERED_DERIVATIVE_SCORE))
            sources.append((parent.rows[chosen], assignment))
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


@dataclass(frozen=True, slots=True, eq=False)
class _ParentStoichiometry:
    """A stoichiometry whose known types are parents of the requested composition.

    Attributes:
        stoichiometry: Reduced counts.
        rows: Rows of its known types in the vocabulary, shape (types,).
        assignments: Site assignments of the elements.
        compositions: The compositions to score: each assignment with one element per parent element. If two
            elements share a parent element, each of them represents it in turn.
    """

    stoichiometry: tuple[int, ...]
    rows: IntArray
    assignments: _Assignments
    compositions: list[tuple[SiteAssignment, tuple[int, ...]]]

    @classmethod
    def of(
        cls, stoichiometry: tuple[int, ...], rows: IntArray, assignments: _Assignments
    ) -> _ParentStoichiometry:
        compositions = [
            (assignment, elements)
            for assignment in assignments
            for elements in itertools.product(*assignment)
        ]
        return cls(stoichiometry, rows, assignments, compositions)

    def rows_by_multiples(self, multiples: IntArray) -> dict[frozenset[int], IntArray]:
        """Indices into ``rows`` whose multiple of the stoichiometry is allowed, by the allowed multiples."""
        allowed = {frozenset(values) for values in self.assignments.values()}
        return {values: np.flatnonzero(np.isin(multiples, list(values))) for values in allowed}


def _rows(
    net: SymmetryNet, stoichiometry: tuple[int, ...], multiples: Sequence[int], group: int | None
) -> IntArray:
    rows = net.known_rows(stoichiometry, multiples)
    return rows if group is None else rows[net.table.arrays["space_group"][rows] == group]


def _parent_stoichiometries(
    counts: Sequence[int], units: Sequence[int]
) -> dict[tuple[int, ...], _Assignments]:
    """Stoichiometries of possible parent types, each with its site assignments."""
    stoichiometries: dict[tuple[int, ...], _Assignments] = {}
    for parts in _arrangements([((element,), count) for element, count in enumerate(counts)]):
        stoichiometry = reduced_counts([count for _, count in parts])
        multiple = parts[0][1] // stoichiometry[0]
        assignment = tuple([elements for elements, _ in parts])
        stoichiometries.setdefault(stoichiometry, {})[assignment] = {multiple * z for z in units}
    return stoichiometries


def _arrangements(parts: Sequence[Part]) -> Iterator[Sequence[Part]]:
    """All other orders of the elements, and all orders with two elements merged into one part."""
    if len(parts) > MAX_PERMUTED_ELEMENTS:
        for i, j in itertools.combinations(range(len(parts)), 2):
            exchanged = list(parts)
            exchanged[i], exchanged[j] = parts[j], parts[i]
            yield exchanged
        return
    yield from itertools.islice(itertools.permutations(parts), 1, None)  # without the identity
    for pair in itertools.combinations(parts, 2) if len(parts) > 2 else ():
        merged = tuple([element for elements, _ in pair for element in elements]), sum(n for _, n in pair)
        yield from itertools.permutations([merged, *(part for part in parts if part not in pair)])


def _parent_scores(
    net: SymmetryNet, numbers: Tensor, parents: Sequence[_ParentStoichiometry]
) -> Iterator[FloatArray]:
    """Scores of the known types of each stoichiometry, shape (compositions, rows) each."""
    with torch.no_grad():
        encoded = net.encode_stoichiometries([_composition_tensors(numbers, parent) for parent in parents])
        for parent, compositions in zip(parents, encoded, strict=True):
            yield np.asarray(net.scores_of_rows(compositions, parent.rows).double().numpy())


def _composition_tensors(numbers: Tensor, parent: _ParentStoichiometry) -> tuple[Tensor, Tensor]:
    """Atomic numbers and counts, shape (compositions, slots)."""
    elements = numbers[torch.tensor([elements for _, elements in parent.compositions])]
    return elements, torch.tensor(parent.stoichiometry, dtype=torch.float32).expand(len(elements), -1)


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
