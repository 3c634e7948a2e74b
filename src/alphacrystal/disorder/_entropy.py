"""Configurational entropy of ideal mixing, the measure of the degree of disorder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alphacrystal.disorder._crystal import DisorderedCrystal
from alphacrystal.disorder._exclusions import Exclusion, exclusive_groups
from alphacrystal.errors import InputError

#: eV/K; CODATA 2018, exact.
BOLTZMANN = 8.617333262145e-5
#: Largest excess over 1 of the occupancies of sites that exclude each other.
_EXCESS = 0.05


def mixing_entropy(crystal: DisorderedCrystal, found: Sequence[Exclusion]) -> tuple[float, bool]:
    """Entropy of ideal mixing in k_B for each atom, and whether it is exact.

    S / k_B = - sum over units of sum over states of x ln x, over the mean number of atoms; the states of a
    site are its elements and the vacancy, those of a cluster its disorder groups and the empty state. Sites
    that exclude one another count as one site, whose states are the elements on each of them and the vacancy.
    Where they do not form such groups, all units are independent, and the value is an upper limit.

    Raises:
        InputError: Sites that exclude one another hold more than one atom.
    """
    orbits = [orbit for orbit in crystal.units for _ in orbit.units]
    groups, exact = exclusive_groups(crystal, found)
    total = 0.0
    for group in groups:
        occupied = [[bool(orbits[unit].contents[c]) for c in orbits[unit].classes] for unit in group]
        shares = np.concatenate(
            [orbits[unit].shares[atoms] for unit, atoms in zip(group, occupied, strict=True)]
        )
        vacant = 1.0 - shares.sum()
        if vacant < -_EXCESS:
            labels = ", ".join(sorted({orbits[unit].label for unit in group}))
            raise InputError(
                f"{crystal.name} is disordered, and its sites {labels}, which are too close to be occupied "
                f"together, hold {shares.sum():.3g} atoms: correct the occupancies or the coordinates."
            )
        shares = np.append(shares, max(vacant, 0.0))
        shares = shares[shares > 1e-9]
        total -= float((shares * np.log(shares)).sum())
    return total / crystal.atoms, exact
