"""Which element of a template an element of the formula takes the place of, and whether it may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np

from alphacrystal.typing import FloatArray

if TYPE_CHECKING:
    from pathlib import Path

    from alphacrystal.composition import Formula

Counts = tuple[tuple[str, int], ...]  # of a reduced formula, sorted

MIN_PROBABILITY = 1e-5  # of a substitution that is not in pymatgen's statistics
MAX_PERMUTATIONS = 720


def pairings(formula: Formula, counts: Mapping[str, int]) -> list[tuple[str, ...]]:
    """Elements of a template in the roles of the formula's elements, in all ways that keep the counts."""
    slots = list(formula.counts.values())
    orders = []
    for order in permutations(counts):
        if [counts[element] for element in order] == slots:
            orders.append(order)
            if len(orders) == MAX_PERMUTATIONS:
                break
    return orders


def learned_distances(formula: Formula, orders: Sequence[tuple[str, ...]], models: Path | None) -> FloatArray:
    """Learned squared distance of the formula and of templates in these roles, shape (orders,)."""
    from ase.data import atomic_numbers

    from alphacrystal.learn import composition_distances

    target = np.array([atomic_numbers[symbol] for symbol in formula.elements], dtype=np.int64)
    template = np.array([[atomic_numbers[symbol] for symbol in order] for order in orders], dtype=np.int64)
    return composition_distances(target, template, list(formula.counts.values()), models)


def substitution_distances(formula: Formula, orders: Sequence[tuple[str, ...]]) -> FloatArray:
    """Minus the log of pymatgen's substitution probability, summed over the elements, shape (orders,).

    Hautier et al., Inorg. Chem. 50, 656 (2011), doi:10.1021/ic102031h. Each element takes its most frequent
    oxidation state in a charge-balanced reading of the formula, or its commonest one.
    """
    target = _states(_key(formula.counts))
    distances = []
    for order in orders:
        counts = dict(zip(order, formula.counts.values(), strict=True))
        template = _states(_key(counts))
        distances.append(
            sum(
                _substitution((new, target[new]), (old, template[old]))
                for new, old in zip(formula.elements, order, strict=True)
            )
        )
    return np.array(distances)


def states_agree(formula: Formula, order: tuple[str, ...]) -> bool:
    """True where both have charge-balanced oxidation states that are equal role by role.

    Where one of them has none (intermetallics) nothing speaks against the substitution.
    """
    counts = dict(zip(order, formula.counts.values(), strict=True))
    target, template = _guesses(_key(formula.counts)), _guesses(_key(counts))
    if not target or not template:
        return True
    target_states = {tuple(guess[symbol] for symbol in formula.elements) for guess in target}
    return any(tuple(guess[symbol] for symbol in order) in target_states for guess in template)


def _key(counts: Mapping[str, int]) -> Counts:
    return tuple(sorted(counts.items()))


@lru_cache(50_000)
def _guesses(counts: Counts) -> tuple[dict[str, float], ...]:
    """Charge-balanced oxidation states, most probable first (pymatgen)."""
    from pymatgen.core import Composition

    if len(counts) == 1:
        return ()
    return tuple(Composition(dict(counts)).oxi_state_guesses())


@lru_cache(50_000)
def _states(counts: Counts) -> dict[str, float]:
    from pymatgen.core import Element

    guesses = _guesses(counts)
    if guesses:
        return guesses[0]
    return {symbol: float((*Element(symbol).common_oxidation_states, 0)[0]) for symbol, _ in counts}


@cache
def _statistics() -> Any:
    from pymatgen.analysis.structure_prediction.substitution_probability import SubstitutionProbability

    return SubstitutionProbability()  # type: ignore[no-untyped-call]


@lru_cache(100_000)
def _substitution(new: tuple[str, float], old: tuple[str, float]) -> float:
    """Minus the log of the probability of a substitution relative to staying the same."""
    from pymatgen.core import Species

    table = _statistics()
    one, other = Species(*new), Species(*old)
    if one == other:
        return 0.0
    if one not in table.species or other not in table.species:
        return float(-np.log(MIN_PROBABILITY))
    return float(min(-np.log(MIN_PROBABILITY), -np.log(max(table.cond_prob(one, other), 1e-300))))
