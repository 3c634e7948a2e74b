"""Bond-valence parameters R0 of cations and anions, fitted to crystals, and the shipped table of them.

Valences of bonds are exp((R0 - d) / b) with b = 0.37 Å, as those of N. E. Brese and M. O'Keeffe,
doi:10.1107/S0108768190011041. Here R0 is fitted to crystals relaxed with DFT (PBE), whose bonds are 1 to 2 %
longer than measured ones: the R0 contain this difference.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from alphacrystal.crystal._coordination import neighbours_within_reach
from alphacrystal.crystal._oxidation import SOFTNESS, bonded_with_itself, only_oxidation_states

if TYPE_CHECKING:
    from pymatgen.core import Structure

TABLE = "bond_valence_r0.json"
LEAST_FORMULAS = 5  # of a pair in the table
MOST_SPREAD = 0.1  # Å; a larger one, 30 % of a valence, is that of states that the crystals do not have
SOURCE = (
    "Materials Project data (Jain et al., doi:10.1063/1.4812323, CC BY 4.0), training split without the "
    "formulas of benchmarks; alphacrystal data bond-valences"
)

#: Cation, its oxidation state, anion.
IonPair = tuple[str, int, str]
#: R0 of crystals by pair and formula.
_Values = dict[IonPair, dict[str, list[float]]]


@dataclass(frozen=True, slots=True)
class BondValenceParameter:
    """The R0 of a pair.

    Attributes:
        r0: In Å: a bond of this length has a valence of one.
        formulas: Number of formulas it is fitted to.
        spread: Half the distance between the quartiles of the R0 of single formulas, in Å.
    """

    r0: float
    formulas: int
    spread: float


def site_parameters(structure: Structure) -> dict[IonPair, float]:
    """R0 in Å with which the valence sums of the sites equal the oxidation states; medians over the sites.

    R0 = b ln(V / sum exp(-d / b)) for a cation of oxidation state V; the sum runs over all anions up to 6 Å.

    Returns:
        The R0 by pair; empty unless the crystal has one anion, `only_oxidation_states` finds the states and
        no two atoms of an element that can be an anion are bonded.
    """
    symbols = np.array([site.specie.symbol for site in structure])
    counts = {str(symbol): int((symbols == symbol).sum()) for symbol in dict.fromkeys(symbols.tolist())}
    states = only_oxidation_states(counts)
    if states is None:
        return {}
    around = neighbours_within_reach(structure, list(structure))
    for symbol in counts:
        same = (symbols[around.site] == symbol) & (symbols[around.atom] == symbol)
        if same.any() and bonded_with_itself(symbol, float(around.distances[same].min())):
            return {}
    (anion,) = (symbol for symbol, state in states.items() if state < 0)
    near = symbols[around.atom] == anion
    weights = np.exp(-around.distances[near] / SOFTNESS)
    sums = np.bincount(around.site[near], weights=weights, minlength=len(symbols))  # (atoms,)
    return {
        (symbol, state, anion): SOFTNESS * math.log(state / float(np.median(sums[symbols == symbol])))
        for symbol, state in states.items()
        if symbol != anion and np.median(sums[symbols == symbol]) > 0
    }


def fit_bond_valences(crystals: Iterable[tuple[Structure, bool]]) -> dict[IonPair, BondValenceParameter]:
    """R0 of the pairs of ions in crystals: medians over formulas.

    Other crystals than experimental ones count only for pairs in fewer than LEAST_FORMULAS experimental
    formulas.

    Args:
        crystals: Structures, and whether each is experimental.

    Returns:
        The parameters of pairs that occur in at least LEAST_FORMULAS formulas with a spread of at most
        MOST_SPREAD, in alphabetic order.
    """
    experimental_values: _Values = defaultdict(lambda: defaultdict(list))
    all_values: _Values = defaultdict(lambda: defaultdict(list))
    for structure, experimental in crystals:
        for pair, r0 in site_parameters(structure).items():
            formula = structure.composition.reduced_formula
            all_values[pair][formula].append(r0)
            if experimental:
                experimental_values[pair][formula].append(r0)
    table: dict[IonPair, BondValenceParameter] = {}
    for pair, values in sorted(all_values.items()):
        measured = experimental_values[pair]
        chosen = measured if len(measured) >= LEAST_FORMULAS else values
        if len(chosen) >= LEAST_FORMULAS:
            low, middle, high = np.quantile([np.median(r0) for r0 in chosen.values()], [0.25, 0.5, 0.75])
            spread = round(float(high - low) / 2, 3)
            if spread <= MOST_SPREAD:
                table[pair] = BondValenceParameter(round(float(middle), 3), len(chosen), spread)
    return table


def bond_valence_table_json(table: Mapping[IonPair, BondValenceParameter]) -> str:
    """The table as JSON text, one pair a line."""
    head = {"source": SOURCE, "unit": "Å", "b": SOFTNESS}
    rows = ",\n".join(
        "  "
        + json.dumps(
            {
                "cation": cation,
                "state": state,
                "anion": anion,
                "r0": found.r0,
                "formulas": found.formulas,
                "spread": found.spread,
            }
        )
        for (cation, state, anion), found in table.items()
    )
    start = json.dumps(head, indent=1, ensure_ascii=False).removesuffix("\n}")
    return f'{start},\n "pairs": [\n{rows}\n ]\n}}\n'


@cache
def bond_valence_table() -> Mapping[IonPair, BondValenceParameter]:
    """The shipped table, fitted to crystals of the Materials Project (CC BY 4.0)."""
    text = files("alphacrystal.crystal").joinpath("data", TABLE).read_text(encoding="utf-8")
    return {
        (row["cation"], row["state"], row["anion"]): BondValenceParameter(
            row["r0"], row["formulas"], row["spread"]
        )
        for row in json.loads(text)["pairs"]
    }


def bond_valence_r0(cation: str, state: float, anion: str) -> float | None:
    """R0 of a pair in Å from the shipped table; None without one.

    Args:
        cation: Symbol.
        state: Oxidation state; for a mean of two states, R0 is interpolated between theirs.
        anion: Symbol.
    """
    table = bond_valence_table()
    low, high = (table.get((cation, round_to(state), anion)) for round_to in (math.floor, math.ceil))
    if low is None or high is None:
        return None
    return low.r0 + (state - math.floor(state)) * (high.r0 - low.r0)
