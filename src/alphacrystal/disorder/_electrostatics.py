"""Electrostatic energies of decorations, from oxidation states and one Ewald sum for each supercell."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from alphacrystal.disorder._crystal import DisorderedCrystal


def balanced_charges(content: Mapping[str, int]) -> dict[str, float] | None:
    """Oxidation states that balance a content of the cell, by pymatgen; None for metals and where none do.

    Atoms of mixed valence have the mean of their states.

    Args:
        content: Atoms of each element.
    """
    from pymatgen.core import Composition

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        guesses = Composition(dict(content)).oxi_state_guesses(max_sites=-1)
    return dict(guesses[0]) if guesses else None


def order_matters(crystal: DisorderedCrystal, charges: Mapping[str, float]) -> bool:
    """Whether a site can have states of different charge, so that the electrostatic energies differ."""
    return any(
        len({charges.get(state, 0.0) for state in orbit.states}) > 1 for orbit in crystal.disordered_orbits
    )


def ewald_matrix(lattice: FloatArray, positions: FloatArray) -> FloatArray:
    """Electrostatic energies in eV of unit charges on two sites, all images included, shape (sites, sites).

    The energy of charges q with the sum 0 is q M q. Source: Toukmaji and Board,
    doi:10.1016/0010-4655(96)00016-1, as in pymatgen.

    Args:
        lattice: Rows in Å, shape (3, 3).
        positions: Fractional coordinates, shape (sites, 3).
    """
    from pymatgen.analysis.ewald import EwaldSummation
    from pymatgen.core import Lattice, Species, Structure

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        unit = Structure(Lattice(lattice), [Species("H", 1)] * len(positions), positions)
        summation = EwaldSummation(unit, acc_factor=6.0)  # type: ignore[no-untyped-call]
        return np.asarray(summation.total_energy_matrix, dtype=np.float64)


def electrostatic_energies(
    matrix: FloatArray, rows: IntArray, charges_by_site: Sequence[FloatArray]
) -> FloatArray:
    """Energies in eV of decorations, shape (decorations,).

    Args:
        matrix: Of `ewald_matrix`.
        rows: State of each site, shape (decorations, sites).
        charges_by_site: Charge of each state of each site, one array of shape (states,) for each site.
    """
    values = np.stack([charges[rows[:, site]] for site, charges in enumerate(charges_by_site)], axis=1)
    return np.asarray(np.einsum("ri,ij,rj->r", values, matrix, values, optimize=True))
