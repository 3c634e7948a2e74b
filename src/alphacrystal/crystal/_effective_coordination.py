"""Effective coordination numbers, which change continuously with axial ratios and free coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from pymatgen.core import Structure

REACH = 2.5  # times (volume per atom)^(1/3): neighbours beyond do not count
EXPONENT = 6
FARTHEST = 3.0  # times the mean distance; farther neighbours have no weight
STEPS, SETTLED = 20, 1e-4  # of the mean distances, Å


def effective_coordination(structure: Structure, elements: Sequence[str]) -> FloatArray:
    """Mean effective coordination numbers of elements, by the element of the neighbours.

    A neighbour at the distance d counts as exp(1 - (d / m)^6), where m is the mean distance with these
    weights: R. Hoppe, doi:10.1524/zkri.1979.150.14.23. The numbers depend neither on the cell nor on the
    scale of a crystal: (6, 3) for Ti-O and O-Ti in rutile.

    Args:
        structure: An ordered crystal.
        elements: Symbols, in the order of rows and columns.

    Returns:
        Shape (elements, elements): row, the atoms in the centre; column, their neighbours.
    """
    symbols = np.array([site.specie.symbol for site in structure])
    count = len(structure)
    reach = REACH * (structure.volume / count) ** (1 / 3)
    centre, neighbour, _, distances = structure.get_neighbor_list(reach)
    mean = np.full(count, np.inf)
    np.minimum.at(mean, centre, distances)
    weights = np.zeros_like(distances)
    for _ in range(STEPS):
        weights = np.exp(1 - np.minimum(distances / mean[centre], FARTHEST) ** EXPONENT)
        total = np.bincount(centre, weights, count)
        changed = np.where(total > 0, np.bincount(centre, weights * distances, count) / (total + 1e-12), mean)
        settled = np.allclose(changed[total > 0], mean[total > 0], rtol=0, atol=SETTLED)
        mean = changed
        if settled:
            break
    numbers = np.zeros((len(elements), len(elements)))
    for row, element in enumerate(elements):
        atoms = int((symbols == element).sum())
        for column, other in enumerate(elements):
            pair = (symbols[centre] == element) & (symbols[neighbour] == other)
            numbers[row, column] = weights[pair].sum() / atoms
    return numbers
