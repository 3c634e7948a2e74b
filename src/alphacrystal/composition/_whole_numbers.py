"""Turns the amounts of a formula into the smallest whole numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

from alphacrystal.composition._parser import Amount

MAX_APPROXIMATE_COUNT = 100
TOLERANCE = Fraction(1, 1000)  # in the atomic fraction of each element


def whole_numbers(amounts: Mapping[str, Amount]) -> tuple[dict[str, int], bool] | None:
    """Smallest whole numbers in the ratio of the amounts, and whether that ratio is exactly the typed one.

    Whole amounts are divided by their greatest common divisor. Others are read, in this order, as thirds or
    sixths that were rounded to two or more decimals (0.33, 0.667), as the exact decimals if no count is
    above 100, or as the smallest counts up to 100 that keep every atomic fraction within 0.001. None if
    there are none.
    """
    values = {symbol: amount.value for symbol, amount in amounts.items()}
    exact = _exact(values)
    if all(value.denominator == 1 for value in values.values()):
        return exact, True
    for counts in (_thirds(amounts), exact if max(exact.values()) <= MAX_APPROXIMATE_COUNT else None):
        if counts is not None:
            return counts, counts == exact
    approximate = _approximate(values)
    return None if approximate is None else (approximate, False)


def _exact(values: Mapping[str, Fraction]) -> dict[str, int]:
    scale = math.lcm(*(value.denominator for value in values.values()))
    return _reduced({symbol: int(value * scale) for symbol, value in values.items()})


def _reduced(counts: Mapping[str, int]) -> dict[str, int]:
    divisor = math.gcd(*counts.values())
    return {symbol: count // divisor for symbol, count in counts.items()}


def _thirds(amounts: Mapping[str, Amount]) -> dict[str, int] | None:
    for multiple in (3, 6):
        counts = {symbol: round(amount.value * multiple) for symbol, amount in amounts.items()}
        if all(
            counts[symbol] > 0 and abs(amount.value * multiple - counts[symbol]) <= amount.rounding * multiple
            for symbol, amount in amounts.items()
        ):
            return _reduced(counts)
    return None


def _approximate(values: Mapping[str, Fraction]) -> dict[str, int] | None:
    largest, total = max(values.values()), sum(values.values())
    for count_of_largest in range(1, MAX_APPROXIMATE_COUNT + 1):
        counts = {symbol: round(value / largest * count_of_largest) for symbol, value in values.items()}
        atoms = sum(counts.values())
        if all(
            counts[symbol] > 0 and abs(Fraction(counts[symbol], atoms) - value / total) <= TOLERANCE
            for symbol, value in values.items()
        ):
            return _reduced(counts)
    return None
