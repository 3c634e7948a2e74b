"""Bonds of cations to the anions around them, and the dimensions of the parts that they hold together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.crystal._coordination import bonded_dimensions, neighbours_within_reach, shell
from alphacrystal.crystal._oxidation import bond_valences, electronegativity, oxidation_states
from alphacrystal.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from pymatgen.core import Structure


def ionic_dimensions(structure: Structure) -> set[int]:
    """Dimensions of the parts that cations and the anions of their shells form, e.g. {3} for a framework.

    Args:
        structure: An ordered crystal.

    Returns:
        The dimensions; empty for metals and where no usual oxidation states balance.
    """
    symbols = np.array([site.specie.symbol for site in structure])
    around = neighbours_within_reach(structure, list(structure))
    others = symbols[around.atom]
    elements = dict.fromkeys(symbols.tolist())
    sums = dict.fromkeys(elements, 0.0)
    for element in elements:
        for other in elements:
            difference = electronegativity(other) - electronegativity(element)
            pairs = (symbols[around.site] == element) & (others == other)
            if difference != 0 and pairs.any():
                valences = bond_valences(element, other, around.distances[pairs])
                sums[element] += float(np.sign(difference) * valences.sum())
    counts = {element: int((symbols == element).sum()) for element in elements}
    states = oxidation_states(counts, {element: sums[element] / counts[element] for element in elements})
    if states is None:
        return set()
    anions = [atom for atom, symbol in enumerate(symbols.tolist()) if states[symbol] < 0]
    bonds = []
    for site, symbol in enumerate(symbols.tolist()):
        if states[symbol] > 0:
            found = shell(around, site, anions)
            mine = np.flatnonzero((around.site == site) & np.isin(around.atom, anions))[: len(found.atoms)]
            offsets = _translations(structure, site, around.atom[mine], around.vectors[mine])
            bonds += [
                (site, int(atom), (int(x), int(y), int(z)))
                for atom, (x, y, z) in zip(around.atom[mine], offsets, strict=True)
            ]
    return bonded_dimensions(bonds, len(structure))


def _translations(structure: Structure, site: int, atoms: IntArray, vectors: FloatArray) -> IntArray:
    """Translations in cells of neighbours at vectors (Å) from a site, shape (neighbours, 3)."""
    steps = vectors @ np.linalg.inv(structure.lattice.matrix)
    cells = np.round(steps + structure.frac_coords[site] - structure.frac_coords[atoms])
    return np.asarray(cells, dtype=np.int64)
