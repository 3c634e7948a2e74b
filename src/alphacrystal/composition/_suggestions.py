"""Explains a symbol that is no element, and finds the formula that was probably meant."""

from __future__ import annotations

import re

from alphacrystal.composition._elements import element_keys, element_names
from alphacrystal.composition._reading import Reading
from alphacrystal.errors import InputError

_MAX_SUGGESTIONS = 3  # in one message
_SUPPORTED = "the elements 1-103 (H to Lr) are supported"
_LETTERS = re.compile(r"[A-Za-z]+")
_TOO_HEAVY = ("Rf", "Db", "Sg", "Bh", "Hs", "Mt", "Ds", "Rg", "Cn", "Nh", "Fl", "Mc", "Lv", "Ts", "Og")


def symbol_problem(reading: Reading, symbol: str, index: int) -> InputError:
    """The error for ``symbol`` at ``reading.chars[index]``, which is not a supported element."""
    where = reading.at(index)
    word = _LETTERS.match(reading.chars, index)
    if word and (named := element_names().get(word[0].lower())):
        return reading.error(f"has an element's name, {word[0]!r}, {where}; write its symbol, {named}")
    if symbol in ("D", "T"):
        isotope = {"D": "deuterium", "T": "tritium"}[symbol]
        return reading.error(f"has {symbol} ({isotope}) {where}; write H, isotopes form the same crystals")
    if symbol in _TOO_HEAVY:
        number = len(element_keys()) + 1 + _TOO_HEAVY.index(symbol)
        return reading.error(f"has {symbol} (element {number}) {where}; {_SUPPORTED}")
    if symbol[:-1] in element_keys() and symbol[-1] in "xyz":
        return reading.error(f"has a variable amount, {symbol[-1]!r}, behind {symbol[:-1]}; write a number")
    if meant := suggestions(reading.chars):
        return reading.error(f"has an unknown element {symbol!r} {where}; did you mean {' or '.join(meant)}?")
    return reading.error(f"has an unknown element {symbol!r} {where}; {_SUPPORTED}")


def suggestions(chars: str) -> list[str]:
    """The formula with other capitals, where that makes every run of letters a row of element symbols.

    At most three, those that change the fewest letters first.
    """
    runs = [_capitalisations(run) for run in _LETTERS.findall(chars)]
    if not all(runs):
        return []
    formulas = [(0, "")]
    for between, run in zip(_LETTERS.split(chars), [*runs, [(0, "")]], strict=True):
        longer = [
            (changed + more, formula + between + spelling)
            for changed, formula in formulas
            for more, spelling in run
        ]
        formulas = sorted(longer)[:_MAX_SUGGESTIONS]
    return [formula for _, formula in formulas]


def _capitalisations(run: str) -> list[tuple[int, str]]:
    """Letters read as element symbols in any case: (letters changed, spelling), best first."""
    best: list[list[tuple[int, str]]] = [[] for _ in run] + [[(0, "")]]  # of what follows each letter
    for start in reversed(range(len(run))):
        readings = []
        for length in (1, 2):
            typed = run[start : start + length]
            symbol = typed.capitalize()
            if len(typed) == length and symbol in element_keys():
                changed = sum(a != b for a, b in zip(typed, symbol, strict=True))
                readings += [(changed + rest, symbol + tail) for rest, tail in best[start + length]]
        best[start] = sorted(readings)[:_MAX_SUGGESTIONS]
    return best[0]
