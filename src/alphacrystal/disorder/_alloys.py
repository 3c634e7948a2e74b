"""Solid solutions on the lattices of metals, as disordered crystals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from pymatgen.core import Structure

AlloyLattice = Literal["fcc", "bcc", "hcp"]

#: Primitive cells of unit edge of the cube (fcc, bcc) or of the ideal hexagonal packing, and their sites.
_CUBIC = {
    "fcc": [[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]],
    "bcc": [[-0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.5, 0.5, -0.5]],
}
_HEXAGONAL = [[1, 0, 0], [-0.5, 3**0.5 / 2, 0], [0, 0, (8 / 3) ** 0.5]]


def alloy_structure(lattice: AlloyLattice, amounts: Mapping[str, float], volume_per_atom: float) -> Structure:
    """A lattice whose sites hold the elements of an alloy at random.

    Args:
        lattice: fcc, bcc, or hcp with the ideal axial ratio.
        amounts: Of each element, in any unit.
        volume_per_atom: Å³.
    """
    from pymatgen.core import Lattice, Structure

    vectors = np.array(_CUBIC.get(lattice, _HEXAGONAL), dtype=np.float64)
    sites = [[1 / 3, 2 / 3, 0.25], [2 / 3, 1 / 3, 0.75]] if lattice == "hcp" else [[0.0, 0.0, 0.0]]
    vectors *= (volume_per_atom * len(sites) / abs(np.linalg.det(vectors))) ** (1 / 3)
    total = sum(amounts.values())
    shares = {symbol: amount / total for symbol, amount in amounts.items()}
    return Structure(Lattice(vectors), [shares] * len(sites), sites, labels=["M"] * len(sites))
