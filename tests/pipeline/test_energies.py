"""Energies that a search goes by: one structure without an energy does not end the search."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from pymatgen.core import Lattice, Structure

from alphacrystal.config import PredictConfig
from alphacrystal.pipeline.energies import energy_function

PLUGIN = """
import torch
from ase.calculators.lj import LennardJones


class Fussy(LennardJones):
    def calculate(self, atoms=None, *args, **kwargs):
        if len(atoms) == 2:
            raise RuntimeError("two atoms")
        assert torch.get_num_threads() == 1
        super().calculate(atoms, *args, **kwargs)


class Raising:
    name = "raising"
    supported_elements = frozenset({"Ar"})

    def energies_per_atom(self, structures):
        if any(len(structure) == 2 for structure in structures):
            raise RuntimeError("two atoms")
        return [-0.5] * len(structures)


def fussy():
    return Fussy(sigma=3.4, epsilon=0.0104, rc=12.0)
"""


def test_structure_that_a_potential_raises_for_has_no_energy(
    offer: Callable[[str, str, dict[str, str]], Path],
) -> None:
    offer("alphacrystal.potentials", PLUGIN, {"fussy": "fussy", "raising": "Raising"})
    one = Structure(Lattice.cubic(3.8), ["Ar"], [[0, 0, 0]])
    two = Structure(Lattice.cubic(5.0), ["Ar", "Ar"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        for name in ("fussy", "raising"):
            energies = energy_function(PredictConfig(potential=name))([one, two, one])
            assert np.isfinite(energies).tolist() == [True, False, True]
            assert energies[0] == energies[2] < 0
    finally:
        torch.set_num_threads(before)
