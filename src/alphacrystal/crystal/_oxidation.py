"""Bond valences, and the charge-balanced oxidation states that agree with them."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import product

import numpy as np
from ase.data import atomic_numbers, covalent_radii

from alphacrystal.typing import FloatArray

ELEMENT_BOND = 1.2  # times the sum of the covalent radii: longest bond of an element with itself
LEAST_BONDS = 0.5  # mean number of such bonds that changes the oxidation state
SOFTNESS = 0.37  # Å; I. D. Brown and D. Altermatt, doi:10.1107/S0108768185002063
#: Cost of an oxidation state, in squared valence units for each atom: usual, known in the ICSD, other.
_USUAL, _KNOWN, _RARE = 0.0, 0.3, 1.0
_FRACTIONAL = 1.0  # cost of a mean of two states
_MOST_COMBINATIONS = 100_000
#: As the most electronegative elements, these form metals and covalent compounds without oxidation states.
_NO_ANIONS = frozenset({"B", "Si", "Ge"})


#: Elements that can be anions; two others, such as Li and Nb in LiNbO3, have no bond with a valence.
_ANIONS = frozenset({"H", "B", "C", "Si", "N", "P", "As", "Sb", "O", "S", "Se", "Te", "F", "Cl", "Br", "I"})


@cache
def _parameters() -> Mapping[str, tuple[float, float]]:
    """Sizes r in Å and electronegativities c: M. O'Keeffe and N. E. Brese, doi:10.1021/ja00009a002."""
    text = files("alphacrystal.crystal").joinpath("data/bond_valence.csv").read_text(encoding="utf-8")
    return {row["element"]: (float(row["r"]), float(row["c"])) for row in csv.DictReader(io.StringIO(text))}


def bond_valences(one: str, other: str, distances: FloatArray) -> FloatArray:
    """Valences of bonds of two elements in valence units; 0 without parameters, and for two metals.

    exp((R - d) / 0.37 Å) with the R of O'Keeffe and Brese from sizes and electronegativities. These
    general R are less accurate than those fitted to one pair (`bond_valence_r0`): a sum may be a quarter too
    large. Oxidation states are chosen with them, as they do not depend on the states.

    Args:
        one: Symbol.
        other: Symbol.
        distances: Lengths in Å, any shape.
    """
    table = _parameters()
    if one not in table or other not in table or not {one, other} & _ANIONS:
        return np.zeros_like(distances)
    (r1, c1), (r2, c2) = table[one], table[other]
    length = r1 + r2 - r1 * r2 * (c1**0.5 - c2**0.5) ** 2 / (c1 * r1 + c2 * r2)
    return np.asarray(np.exp((length - distances) / SOFTNESS))


@cache
def electronegativity(symbol: str) -> float:
    """Pauling's electronegativity; 0 for elements without one."""
    from pymatgen.core import Element

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of pymatgen, for noble gases
        value = float(Element(symbol).X)
    return value if np.isfinite(value) else 0.0


def bonded_with_itself(symbol: str, distance: float) -> bool:
    """Whether two atoms of an element that can be an anion have a bond, e.g. S-S in pyrite.

    Args:
        symbol: Of the element.
        distance: Between the atoms in Å.
    """
    return symbol in _ANIONS and distance < ELEMENT_BOND * 2 * float(covalent_radii[atomic_numbers[symbol]])


def oxidation_states(
    counts: Mapping[str, int], valences: Mapping[str, float], bonds: Mapping[str, float] | None = None
) -> dict[str, float] | None:
    """Charge-balanced oxidation states nearest to bond-valence sums; None for metals and where none balance.

    Each element has one state; where that cannot balance, one element has the mean of two states, e.g. 8/3
    for Fe in Fe3O4. A bond of an anion with an atom of the same element takes the place of one electron from
    a cation: S is 1- in pyrite, and O in peroxides.

    Args:
        counts: Atoms of each element.
        valences: Mean bond-valence sum of each element, negative for anions.
        bonds: Mean number of bonds of an atom with others of its element, see `bonded_with_itself`.
    """
    from pymatgen.core import Element

    symbols = list(counts)
    if len(symbols) < 2 or all(Element(symbol).is_metal for symbol in symbols):
        return None
    if max(symbols, key=lambda symbol: float(Element(symbol).mendeleev_no)) in _NO_ANIONS:
        return None
    options = [_states_with_bonds(symbol, (bonds or {}).get(symbol, 0.0)) for symbol in symbols]
    if np.prod([len(states) for states in options]) > _MOST_COMBINATIONS:
        options = [states[:4] for states in options]
    best: tuple[float, tuple[float, ...]] | None = None
    for chosen in product(*options):
        charge = sum(state * counts[symbol] for symbol, (state, _) in zip(symbols, chosen, strict=True))
        if charge == 0:
            best = _better(best, _cost(symbols, chosen, counts, valences), chosen)
    if best is None:
        best = _with_a_mean(symbols, options, counts, valences)
    return None if best is None else dict(zip(symbols, best[1], strict=True))


def only_oxidation_states(counts: Mapping[str, int]) -> dict[str, int] | None:
    """The oxidation states of a salt of one anion, where no other combination of known states balances.

    One state of each element, of those that are usual or occur in the ICSD. The anion is the most
    electronegative element and has the charge of a closed shell, e.g. O 2-.

    Args:
        counts: Atoms of each element.

    Returns:
        The states; None for metals, several anions, and where no combination or several ones balance.
    """
    from pymatgen.core import Element

    symbols = list(counts)
    anion = max(symbols, key=electronegativity)
    if anion not in _ANIONS - _NO_ANIONS:
        return None
    options = [[state for state, cost in _states(symbol) if cost < _RARE] for symbol in symbols]
    if np.prod([len(states) for states in options]) > _MOST_COMBINATIONS:
        return None
    balanced = [
        dict(zip(symbols, chosen, strict=True))
        for chosen in product(*options)
        if sum(state * counts[symbol] for symbol, state in zip(symbols, chosen, strict=True)) == 0
    ]
    if len(balanced) != 1:
        return None
    closed_shell = Element(anion).group - 18 if anion != "H" else -1
    negative = {symbol: state for symbol, state in balanced[0].items() if state <= 0}
    return balanced[0] if negative == {anion: closed_shell} else None


def _with_a_mean(
    symbols: Sequence[str],
    options: Sequence[Sequence[tuple[int, float]]],
    counts: Mapping[str, int],
    valences: Mapping[str, float],
) -> tuple[float, tuple[float, ...]] | None:
    """The cheapest combination in which one element has a state between two of its states."""
    best: tuple[float, tuple[float, ...]] | None = None
    for place, symbol in enumerate(symbols):
        known = [state for state, _ in options[place]]
        others = [states if other != place else [(0, 0.0)] for other, states in enumerate(options)]
        for chosen in product(*others):
            charge = sum(state * counts[name] for name, (state, _) in zip(symbols, chosen, strict=True))
            mean = -charge / counts[symbol]
            if min(known) < mean < max(known):
                full = tuple((mean, _FRACTIONAL) if i == place else item for i, item in enumerate(chosen))
                best = _better(best, _cost(symbols, full, counts, valences), full)
    return best


def _better(
    best: tuple[float, tuple[float, ...]] | None, cost: float, chosen: Sequence[tuple[float, float]]
) -> tuple[float, tuple[float, ...]]:
    states = tuple(float(state) for state, _ in chosen)
    return (cost, states) if best is None or cost < best[0] - 1e-9 else best


def _cost(
    symbols: Sequence[str],
    chosen: Sequence[tuple[float, float]],
    counts: Mapping[str, int],
    valences: Mapping[str, float],
) -> float:
    """Squared differences from the bond valences plus the costs of the states, for each atom."""
    total = sum(counts.values())
    return sum(
        counts[symbol] / total * ((state - valences[symbol]) ** 2 + cost)
        for symbol, (state, cost) in zip(symbols, chosen, strict=True)
    )


def _states_with_bonds(symbol: str, bonds: float) -> list[tuple[int, float]]:
    """Oxidation states of an element with their costs, without those that its bonds with itself exclude."""
    from pymatgen.core import Element

    states = _states(symbol)
    if bonds < LEAST_BONDS or symbol not in _ANIONS:
        return states
    lowest = Element(symbol).group - 18 if symbol != "H" else -1  # of the anion without such bonds
    allowed = [(state, cost) for state, cost in states if state >= lowest + bonds - 0.5]
    bonded = min(round(lowest + bonds), 0)
    if bonded < 0:
        allowed = [(bonded, _USUAL), *(item for item in allowed if item[0] != bonded)]
    return allowed or states


@cache
def _states(symbol: str) -> list[tuple[int, float]]:
    """Oxidation states of an element with their costs, usual ones first."""
    from pymatgen.core import Element

    element = Element(symbol)
    costs: dict[int, float] = {}
    for states, cost in (
        (element.common_oxidation_states, _USUAL),
        (element.icsd_oxidation_states, _KNOWN),
        (element.oxidation_states, _RARE),
    ):
        for state in states:
            if state != 0:
                costs.setdefault(int(state), cost)
    return list(costs.items()) or [(0, 0.0)]
