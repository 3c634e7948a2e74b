"""Score known structure types as parents of a composition: with elements exchanged or counted as one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from alphacrystal.learn.structure_types import reduced_counts
from alphacrystal.learn.symmetry.network import SymmetryNet
from alphacrystal.typing import FloatArray, IntArray

MAX_PERMUTED_ELEMENTS = 5  # larger compositions try exchanges of two elements only

# Indices of the elements on the sites of one parent element, and their count.
Part = tuple[tuple[int, ...], int]
SiteAssignment = tuple[tuple[int, ...], ...]  # for each element of the parent type, the elements on its sites


@dataclass(frozen=True, slots=True, eq=False)
class ScoredParents:
    """Known types of one stoichiometry as parents, with one element on the sites of each parent element.

    If two elements share a parent element, each of them represents both in turn.

    Attributes:
        assignment: Elements on the sites of each parent element.
        multiple: Formula units of the parent in one formula unit of the composition.
        rows: Rows of the types in the vocabulary, shape (types,).
        units: Formula units of the parent in its primitive cell, shape (types,).
        scores: Scores of the types, shape (types,).
    """

    assignment: SiteAssignment
    multiple: int
    rows: IntArray
    units: IntArray
    scores: FloatArray

    @property
    def merged(self) -> bool:
        """Whether two elements share the sites of a parent element."""
        return any(len(elements) > 1 for elements in self.assignment)


def scored_parents(
    net: SymmetryNet, numbers: Tensor, counts: Sequence[int], units: Sequence[int]
) -> list[ScoredParents]:
    """Known types whose cells fit into one of the cells of a composition.

    Args:
        net: The symmetry network.
        numbers: Atomic numbers of the elements, in electronegativity order, shape (elements,).
        counts: Reduced counts of the elements.
        units: Formula units Z of the primitive cell to consider.
    """
    stoichiometries: dict[tuple[int, ...], list[SiteAssignment]] = {}
    multiples: dict[SiteAssignment, int] = {}
    for parts in arrangements([((element,), count) for element, count in enumerate(counts)]):
        stoichiometry = reduced_counts([count for _, count in parts])
        assignment = tuple([elements for elements, _ in parts])
        multiples[assignment] = parts[0][1] // stoichiometry[0]
        stoichiometries.setdefault(stoichiometry, []).append(assignment)
    families: list[tuple[list[tuple[SiteAssignment, tuple[int, ...]]], IntArray, IntArray]] = []
    batches: list[tuple[Tensor, Tensor]] = []
    for stoichiometry, assignments in stoichiometries.items():
        if net.family(stoichiometry) is None:
            continue
        cells = {multiples[assignment] * z for assignment in assignments for z in units}
        divisors = {size for cell in cells for size in range(1, cell + 1) if cell % size == 0}
        rows = net.known_rows(stoichiometry, sorted(divisors))
        if not len(rows):
            continue
        pairs = [(one, elements) for one in assignments for elements in itertools.product(*one)]
        families.append((pairs, rows, net.table.arrays["atoms"][rows] // sum(stoichiometry)))
        chosen = numbers[torch.tensor([elements for _, elements in pairs])]
        batches.append((chosen, torch.tensor(stoichiometry, dtype=torch.float32).expand(len(pairs), -1)))
    parents = []
    with torch.no_grad():
        encoded = net.encode_stoichiometries(batches)
        for compositions, (pairs, rows, in_cell) in zip(encoded, families, strict=True):
            scores = np.asarray(net.scores_of_rows(compositions, rows).double().numpy())
            parents += [
                ScoredParents(assignment, multiples[assignment], rows, in_cell, values)
                for (assignment, _), values in zip(pairs, scores, strict=True)
            ]
    return parents


def arrangements(parts: Sequence[Part]) -> Iterator[Sequence[Part]]:
    """All other orders of the elements, and all orders with two elements merged into one part."""
    if len(parts) > MAX_PERMUTED_ELEMENTS:
        for i, j in itertools.combinations(range(len(parts)), 2):
            exchanged = list(parts)
            exchanged[i], exchanged[j] = parts[j], parts[i]
            yield exchanged
        return
    yield from itertools.islice(itertools.permutations(parts), 1, None)  # without the identity
    for pair in itertools.combinations(parts, 2):
        merged = tuple([element for elements, _ in pair for element in elements]), sum(n for _, n in pair)
        yield from itertools.permutations([merged, *(part for part in parts if part not in pair)])
