"""A crystal as VASP reads it."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure


def poscar_text(structure: Structure) -> str:
    """POSCAR of the conventional cell, atoms grouped by element; the text that pymatgen's Poscar writes.

    VASP refuses left-handed cells: their vectors are inverted.
    """
    crystal = structure.get_sorted_structure()
    vectors = crystal.lattice.matrix
    if np.linalg.det(vectors) < 0:
        vectors = -vectors
    symbols = [
        (symbol, len(list(sites))) for symbol, sites in groupby(crystal, lambda site: site.specie.symbol)
    ]
    lines = [
        crystal.formula,
        "1.0",
        *(_numbers(vector) for vector in vectors),
        " ".join(symbol for symbol, _ in symbols),
        " ".join(str(count) for _, count in symbols),
        "direct",
        *(f"{_numbers(site.frac_coords)} {site.species_string}" for site in crystal),
    ]
    return "\n".join(lines) + "\n"


def _numbers(values: np.ndarray) -> str:
    return " ".join(f"{value:15.10f}" for value in values)
