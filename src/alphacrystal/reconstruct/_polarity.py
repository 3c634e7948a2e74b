"""Break ties between homometric structures by a screened electrostatic energy."""

from __future__ import annotations

import itertools

import numpy as np
from ase.data import chemical_symbols

from alphacrystal.composition import element_order
from alphacrystal.typing import FloatArray, IntArray

SCREENING = 4.0  # Å
REACH = 12.0  # Å; beyond three screening lengths little is left


def screened_energy(lattice: FloatArray, positions: FloatArray, numbers: IntArray) -> float:
    """Screened Coulomb energy of charges that follow the electronegativities, in their square per Å.

    A matrix of nearest images says nothing of the second nearest. The differences between crystals are about
    0.1: enough to decide between equals, too little to outweigh any distance.

    Args:
        lattice: Rows in Å, shape (3, 3).
        positions: Fractional, shape (atoms, 3).
        numbers: Atomic numbers, shape (atoms,).
    """
    electronegativity = np.array([element_order(chemical_symbols[number])[0] for number in numbers])
    charges = electronegativity - electronegativity.mean()
    heights = 1 / np.linalg.norm(np.linalg.inv(lattice), axis=0)
    steps = [range(-n, n + 1) for n in np.ceil(REACH / heights).astype(int)]
    images = np.array(list(itertools.product(*steps)), dtype=float) @ lattice  # (images, 3)
    vectors = ((positions[:, None] - positions[None]) @ lattice)[:, :, None] + images
    squared = np.square(vectors).sum(-1)  # (atoms, atoms, images)
    lengths = np.sqrt(np.where((squared > 0.01) & (squared < REACH**2), squared, np.inf))
    bare = np.where(np.isfinite(lengths), np.exp(-lengths / SCREENING) / lengths, 0.0).sum(-1)
    return float(charges @ bare @ charges)
