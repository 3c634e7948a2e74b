"""Electrostatic energies of decorations, from oxidation states and one Ewald sum for each supercell."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from math import comb, gcd
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.typing import FloatArray, IntArray

if TYPE_CHECKING:
    from alphacrystal.disorder._crystal import DisorderedCrystal

#: Combinations of charges that are tried.
_MOST_TRIALS = 100_000


def balanced_charges(content: Mapping[str, int]) -> dict[str, float] | None:
    """Oxidation states that balance a content of the cell, by pymatgen; None for metals and where none do.

    Atoms of mixed valence have the mean of their states. Where too many combinations would have to be tried,
    the result is None too.

    Args:
        content: Atoms of each element.
    """
    from pymatgen.core import Composition, Element

    elements = {Element(symbol): number for symbol, number in content.items()}
    if all(element.is_metal for element in elements):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        divisor = gcd(*content.values())
        sums, choices = 1, 0  # what pymatgen tries: sums of all elements, and states of the atoms of each
        for element, number in elements.items():
            states = element.icsd_oxidation_states or element.oxidation_states or (0,)
            atoms = number // divisor
            sums *= atoms * int(max(states) - min(states)) + 1
            choices += comb(atoms + len(states) - 1, len(states) - 1)
        if max(sums, choices) > _MOST_TRIALS:
            return None
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
