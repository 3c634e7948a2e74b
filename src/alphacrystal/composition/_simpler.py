"""Compositions with fewer atoms near a formula with decimals."""

from __future__ import annotations

from fractions import Fraction

from alphacrystal.composition._formula import Formula, flat_name, parse_formula
from alphacrystal.composition._parser import parse_amounts
from alphacrystal.composition._reading import read
from alphacrystal.errors import InputError

#: Largest change of an amount of the typed formula, e.g. of the 0.7 in La0.7Sr0.3MnO3.
LARGEST_CHANGE = Fraction(1, 20)


def typed_fractions(formula: Formula) -> dict[str, Fraction]:
    """Amounts of the typed formula that are no whole numbers, by element."""
    return {symbol: value for symbol, value in _typed(formula).items() if value.denominator != 1}


def simpler_formula(formula: Formula) -> Formula | None:
    """The composition with the fewest atoms that changes no typed amount by more than `LARGEST_CHANGE`.

    For example La2SrMn3O9 for La0.7Sr0.3MnO3.

    Returns:
        None for formulas without decimals, and where the formula itself has the fewest atoms.
    """
    if not typed_fractions(formula):
        return None
    amounts = _typed(formula)
    for units in range(1, formula.num_atoms + 1):
        counts = {symbol: round(amount * units) for symbol, amount in amounts.items()}
        if sum(counts.values()) >= formula.num_atoms:
            return None
        changes = [abs(Fraction(counts[symbol], units) - amount) for symbol, amount in amounts.items()]
        if all(counts.values()) and max(changes) <= LARGEST_CHANGE:
            return parse_formula(flat_name(counts, "".join(amounts)))
    return None


def _typed(formula: Formula) -> dict[str, Fraction]:
    """Amount of each element as typed; empty where the text of a stored formula is none."""
    try:
        amounts = parse_amounts(read(formula.text, "Formula"))
    except InputError:
        return {}
    return {symbol: amount.value for symbol, amount in amounts.items()}
