"""Whole numbers of atoms in a supercell that approximate the occupancies of a disordered crystal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, product
from math import gcd, prod

import numpy as np

from alphacrystal.composition import BALANCED, charge_imbalance
from alphacrystal.disorder._crystal import DisorderedCrystal
from alphacrystal.disorder._units import UnitOrbit
from alphacrystal.errors import InputError
from alphacrystal.typing import IntArray

#: Differences of occupancies up to this are those of a refinement; the smallest supercell within it is taken.
OCCUPANCY_ERROR = 0.01
#: Larger differences are accepted up to this, if no supercell is closer.
LARGEST_ERROR = 0.1
#: Approximations that are tried, best first: sites that exclude each other may leave no room for the first.
MOST_APPROXIMATIONS = 8
#: Sites of a supercell, partly occupied ones included.
MAX_SUPERCELL_SITES = 600
_MOST_COMBINATIONS = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Approximation:
    """Numbers of the disordered units of a supercell in each class of states.

    Attributes:
        cells: Primitive cells in the supercell.
        counts: Units in each class of states, one array of shape (classes,) for each orbit of units.
        error: Largest difference of an occupancy from that of the crystal.
        lost: Elements or groups that an orbit lacks because their number is rounded to 0.
        balanced: Whether the common oxidation states of the elements balance.
    """

    cells: int
    counts: tuple[IntArray, ...]
    error: float
    lost: int
    balanced: bool

    def times(self, factor: int) -> Approximation:
        """The same occupancies in a supercell that is ``factor`` times as large."""
        counts = tuple(factor * count for count in self.counts)
        return Approximation(factor * self.cells, counts, self.error, self.lost, self.balanced)


def approximations(
    crystal: DisorderedCrystal, max_atoms: int, formula: Mapping[str, int] | None = None
) -> list[Approximation]:
    """Approximations of the occupancies, best first.

    The smallest supercell with all elements within `OCCUPANCY_ERROR`, or half the smallest occupancy, comes
    first (charge-balanced ones before others); then the closest one with all elements within `LARGEST_ERROR`;
    then those within `LARGEST_ERROR` that lack an element.

    Args:
        crystal: The disordered crystal.
        max_atoms: Atoms in the supercell at most.
        formula: The only composition that is allowed, in reduced numbers; all if None.

    Raises:
        InputError: No supercell with so many atoms comes close to the occupancies.
    """
    if round(crystal.atoms) > max_atoms:
        raise InputError(
            f"{crystal.name} is disordered ({_first(crystal)}) and its primitive cell has "
            f"{crystal.atoms:.4g} atoms, more than --order-max-atoms {max_atoms}: raise it (80 at most) or "
            "give an ordered structure."
        )
    found: list[Approximation] = []
    closest: tuple[float, UnitOrbit, float] | None = None
    largest = min(int(2 * max_atoms / crystal.atoms) + 1, MAX_SUPERCELL_SITES // len(crystal.positions))
    for cells in range(1, max(largest, 1) + 1):
        for item in _of_supercell(crystal, cells, max_atoms):
            if formula is None or _reduced(cell_content(crystal, item.cells, item.counts)) == dict(formula):
                found.append(item)
            if closest is None or item.error < closest[0]:
                closest = (item.error, *_worst(crystal, item))
    kept = [item for item in found if not item.lost]
    smallest = min(float(orbit.class_shares.min()) for orbit in crystal.units)
    tolerance = min(OCCUPANCY_ERROR, smallest / 2)
    close = [item for item in kept if item.error <= tolerance]
    near = [item for item in kept if tolerance < item.error <= LARGEST_ERROR]
    poor = [item for item in found if item.lost and item.error <= LARGEST_ERROR]
    close.sort(key=lambda item: (not item.balanced, item.cells, item.error))
    near.sort(key=lambda item: (not item.balanced, item.error, item.cells))
    poor.sort(key=lambda item: (item.lost, not item.balanced, item.error, item.cells))
    if chosen := [*close, *near, *poor][:MOST_APPROXIMATIONS]:
        return chosen
    if closest is None or closest[0] <= LARGEST_ERROR:
        raise InputError(
            f"{crystal.name} is disordered ({_first(crystal)}) and has no ordered approximant with up to "
            f"{max_atoms} atoms: raise --order-max-atoms or give an ordered structure."
        )
    _, orbit, value = closest
    raise InputError(
        f"{crystal.name} is disordered ({orbit.described()}), and cells of up to {max_atoms} atoms can only "
        f"approximate this by {value:.3g}: raise --order-max-atoms or give an ordered structure."
    )


def _reduced(content: Mapping[str, int]) -> dict[str, int]:
    divisor = gcd(*content.values())
    return {symbol: number // divisor for symbol, number in content.items()}


def _first(crystal: DisorderedCrystal) -> str:
    return crystal.units[0].described()


def _of_supercell(crystal: DisorderedCrystal, cells: int, max_atoms: int) -> Iterator[Approximation]:
    """Approximations by rounding each number of atoms up or down, in supercells of one size."""
    orbits = crystal.units
    options = [_roundings(orbit, cells) for orbit in orbits]
    if prod(map(len, options)) > _MOST_COMBINATIONS:
        options = [choices[:1] for choices in options]
    ordered = sum(len(orbit.members) for orbit in crystal.orbits if not orbit.disordered)
    for counts in product(*options):
        atoms = ordered * cells + sum(_atoms(orbit, n) for orbit, n in zip(orbits, counts, strict=True))
        if not 0 < atoms <= max_atoms:
            continue
        errors = [
            np.abs(n / (cells * len(orbit.units)) - orbit.class_shares).max()
            for orbit, n in zip(orbits, counts, strict=True)
        ]
        lost = sum(
            int(number == 0 and bool(content))
            for orbit, n in zip(orbits, counts, strict=True)
            for content, number in zip(orbit.contents, n.tolist(), strict=True)
        )
        content = cell_content(crystal, cells, counts)
        amounts = np.array([list(content.values())])
        balanced = bool(charge_imbalance(list(content), amounts)[0] < BALANCED)
        yield Approximation(cells, counts, float(max(errors)), lost, balanced)


def cell_content(crystal: DisorderedCrystal, cells: int, counts: tuple[IntArray, ...]) -> dict[str, int]:
    """Atoms of each element in a supercell."""
    content: dict[str, int] = {}
    for orbit in crystal.orbits:
        if not orbit.disordered:
            (symbol,) = orbit.states
            content[symbol] = content.get(symbol, 0) + cells * len(orbit.members)
    for units, numbers in zip(crystal.units, counts, strict=True):
        for atoms, number in zip(units.contents, numbers.tolist(), strict=True):
            for symbol, amount in atoms.items() if number else ():
                content[symbol] = content.get(symbol, 0) + amount * number
    return content


def _atoms(orbit: UnitOrbit, counts: IntArray) -> int:
    return sum(n * sum(content.values()) for content, n in zip(orbit.contents, counts.tolist(), strict=True))


def _roundings(orbit: UnitOrbit, cells: int) -> list[IntArray]:
    """Whole numbers of units in each class of states, each rounded up or down; the nearest first."""
    exact = cells * len(orbit.units) * orbit.class_shares
    lower = np.floor(exact + 1e-6).astype(np.int64)
    missing = cells * len(orbit.units) - int(lower.sum())
    choices = []
    for raised in combinations(range(len(exact)), missing):
        counts = lower.copy()
        counts[list(raised)] += 1
        choices.append(counts)
    return sorted(choices, key=lambda counts: float(np.abs(counts - exact).max()))


def _worst(crystal: DisorderedCrystal, item: Approximation) -> tuple[UnitOrbit, float]:
    """The orbit with the largest error, and the approximated occupancy there."""
    worst: tuple[float, UnitOrbit, float] | None = None
    for orbit, counts in zip(crystal.units, item.counts, strict=True):
        shares = counts / (item.cells * len(orbit.units))
        differences = np.abs(shares - orbit.class_shares)
        place = int(differences.argmax())
        error = float(differences[place])
        if worst is None or error > worst[0]:
            worst = (error, orbit, float(shares[place]))
    assert worst is not None
    return worst[1:]
