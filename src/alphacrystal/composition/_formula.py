"""Formulas and cell contents, and how typed text becomes one."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from alphacrystal.composition._elements import element_order
from alphacrystal.composition._parser import MAX_COUNT, Amount, parse_amounts
from alphacrystal.composition._reading import SEPARATOR, Reading, legible, read, shown
from alphacrystal.composition._whole_numbers import MAX_APPROXIMATE_COUNT, whole_numbers
from alphacrystal.errors import InputError

_SYMBOL = re.compile(r"[A-Z][a-z]?")
_PLAIN = re.compile(rf"[A-Za-z0-9()\[\]{SEPARATOR}]+")
#: Largest change of an amount of the typed formula, e.g. of the 0.7 in La0.7Sr0.3MnO3.
LARGEST_CHANGE = Fraction(1, 20)


@dataclass(frozen=True, slots=True)
class Formula:
    """A chemical formula reduced to its smallest whole numbers. Two are equal when their counts are.

    Attributes:
        text: As the user typed it.
        counts: Atoms of each element in one formula unit, without a common divisor; the elements are in
            order of Pauling electronegativity, then atomic number (He, Ne and Ar, which have none, first).
        notes: Notes for the user on the reading of the text, one sentence each.
        spelling: The reduced formula as the user writes it; "" if it is ``reduced_formula``.
    """

    text: str = field(compare=False)
    counts: Mapping[str, int]
    notes: tuple[str, ...] = field(default=(), compare=False)
    spelling: str = field(default="", compare=False)

    def __hash__(self) -> int:
        return hash(tuple(self.counts.items()))

    @property
    def elements(self) -> tuple[str, ...]:
        """The elements, least electronegative first."""
        return tuple(self.counts)

    @property
    def num_atoms(self) -> int:
        """Atoms in one formula unit."""
        return sum(self.counts.values())

    @property
    def reduced_formula(self) -> str:
        """The name pymatgen's ``Composition.reduced_formula`` gives, e.g. "LiFe2(ClO)2"; but "O", not "O2".

        As in pymatgen, peroxides keep their usual name: Na1O1 is "Na2O2" although its counts are 1 and 1.
        """
        return _reduced_formula(tuple(self.counts.items()))

    @property
    def name(self) -> str:
        """The reduced formula as the user writes it, e.g. "BiVO4" (pymatgen: VBiO4) or "Ba(ClO3)2"."""
        return self.spelling or self.reduced_formula

    def cell(self, formula_units: int) -> CellContent:
        """The content of a cell that holds this many formula units.

        Raises:
            InputError: fewer than one formula unit.
        """
        if formula_units < 1:
            raise InputError(
                f"A cell cannot hold {formula_units} formula units of {_name(self.counts)}; give 1 or more."
            )
        return CellContent(self, formula_units)

    @property
    def file_name(self) -> str:
        """The name of files: as the user writes the formula, with brackets multiplied out, e.g. "BaCl2O6"."""
        return self.name if self.name.isalnum() else flat_name(self.counts, self.name)


@dataclass(frozen=True, slots=True)
class CellContent:
    """The content of one primitive cell.

    Attributes:
        formula: The reduced formula.
        formula_units: Formula units Z in the primitive cell, 1 or more.
    """

    formula: Formula
    formula_units: int

    @property
    def counts(self) -> dict[str, int]:
        """Atoms of each element in the cell, in the formula's order of elements."""
        return {symbol: count * self.formula_units for symbol, count in self.formula.counts.items()}

    @property
    def num_atoms(self) -> int:
        """Atoms in the cell."""
        return self.formula.num_atoms * self.formula_units

    @property
    def name(self) -> str:
        """Elements in the order of the formula's name, with counts above one, e.g. "Zr8Al6"."""
        return flat_name(self.counts, self.formula.name)


def parse_formula(text: str) -> Formula:
    """Read a chemical formula in any of the ways people write them.

    Brackets of all kinds, spaces, Unicode subscripts, LaTeX and HTML, decimals and fractions ("Fe0.5O0.5"),
    and hydrates ("CaSO4·2H2O", "CaSO4.2H2O") are understood. A "." before digits is a decimal point, except
    before water at the end; "·" and "*" always separate parts. Decimals become whole numbers exactly, or as
    the nearest small ones with a note.

    Raises:
        InputError: the text is no formula, carries a charge, has an element beyond 1-103, a count that is
            zero, negative or above 1000, or amounts that no small whole numbers match.
    """
    reading = read(text, "Formula")
    amounts = _amounts_within_limit(reading)
    reduced = whole_numbers(amounts)
    if reduced is None:
        raise reading.error(
            f"matches no whole-number counts up to {MAX_APPROXIMATE_COUNT}; "
            "write the whole-number formula of an ordered cell"
        )
    counts, exact = reduced
    ordered = {symbol: counts[symbol] for symbol in sorted(counts, key=element_order)}
    typed, name = legible(text), flat_name(ordered, "".join(amounts))
    notes = list(reading.notes)
    if not exact:
        notes.append(f"{typed} was read as {name}, the nearest small whole numbers")
    elif any(amount.value.denominator != 1 for amount in amounts.values()):
        notes.append(f"{typed} was read as {name}")
    elif any(amounts[symbol].value != count for symbol, count in counts.items()):
        notes.append(f"{typed} was reduced to {name}; use --cell to fix the cell content")
    if typed == "NaN":
        notes.append("NaN was read as sodium and nitrogen, 1 to 1, not as a missing value")
    return Formula(
        text=text, counts=ordered, notes=tuple(notes), spelling=_spelling(reading, amounts, ordered)
    )


def _spelling(reading: Reading, amounts: Mapping[str, Amount], counts: Mapping[str, int]) -> str:
    """The reduced formula as typed, or with the elements in the typed order; "" if that is the usual one."""
    typed = reading.chars.replace(" ", "")
    values = {symbol: amount.value for symbol, amount in amounts.items()}
    if _PLAIN.fullmatch(typed) and values in (counts, _usual_amounts(counts)):
        return typed
    return "" if list(amounts) == list(counts) else flat_name(counts, "".join(amounts))


def _usual_amounts(counts: Mapping[str, int]) -> dict[str, int]:
    """Amounts in the usual formula, which are not reduced for peroxides such as Na2O2."""
    factor = 2 if len(counts) == 2 and set(counts.values()) == {1} else 1
    if factor == 2 and _reduced_formula(tuple(counts.items())) == _name(counts):
        factor = 1
    return {symbol: factor * count for symbol, count in counts.items()}


def parse_cell(text: str, formula: Formula | None = None) -> CellContent:
    """Read the content of a primitive cell, e.g. "Pb4O4", as given with ``--cell``.

    Args:
        text: Whole numbers of atoms, in any of the spellings ``parse_formula`` understands.
        formula: The formula it belongs to; taken from the cell content itself when not given.

    Raises:
        InputError: the text is no formula, has fractional counts, or is not a multiple of ``formula``.
    """
    reading = read(text, "Cell content")
    amounts = _amounts_within_limit(reading)
    for symbol, amount in amounts.items():
        if amount.value.denominator != 1:
            raise reading.error(f"has {float(amount.value):g} atoms of {symbol}; a cell holds whole atoms")
    reduced = whole_numbers(amounts)
    assert reduced is not None  # whole amounts always reduce
    counts = {symbol: reduced[0][symbol] for symbol in sorted(reduced[0], key=element_order)}
    if formula is not None and counts != formula.counts:
        example = " or ".join(formula.cell(units).name for units in (1, 2))
        raise reading.error(f"is not a multiple of {_name(formula.counts)}; write for example {example}")
    first = next(iter(counts))
    units = int(amounts[first].value) // counts[first]
    return CellContent(formula or Formula(text=text, counts=counts, notes=reading.notes), units)


def formula_units_within(formula: Formula, max_atoms: int) -> list[int]:
    """The numbers of formula units, 1 to k, whose cells hold at most ``max_atoms`` atoms.

    Raises:
        InputError: even one formula unit has more atoms than that.
    """
    most = max_atoms // formula.num_atoms
    if most < 1:
        raise InputError(
            f"Formula {shown(formula.text)} has {formula.num_atoms} atoms in one formula unit and the limit "
            f"is {max_atoms}; raise it with --max-atoms {formula.num_atoms}."
        )
    return list(range(1, most + 1))


def _amounts_within_limit(reading: Reading) -> dict[str, Amount]:
    amounts = parse_amounts(reading)
    for symbol, amount in amounts.items():
        if amount.value > MAX_COUNT:
            raise reading.error(f"has {float(amount.value):g} atoms of {symbol}; the limit is {MAX_COUNT}")
    return amounts


def flat_name(counts: Mapping[str, int], order: str) -> str:
    """Elements with their counts, in the order of their first mention in a formula, e.g. "BaCl2O6".

    Args:
        counts: Atoms of each element; a count of one is not written.
        order: A formula; elements that it does not mention come last.
    """
    mentioned = list(dict.fromkeys(_SYMBOL.findall(order)))
    places = {symbol: mentioned.index(symbol) if symbol in mentioned else len(mentioned) for symbol in counts}
    return _name({symbol: counts[symbol] for symbol in sorted(counts, key=places.__getitem__)})


def _name(counts: Mapping[str, int]) -> str:
    return "".join(f"{symbol}{count if count > 1 else ''}" for symbol, count in counts.items())


@lru_cache(maxsize=4096)
def _reduced_formula(counts: tuple[tuple[str, int], ...]) -> str:
    if len(counts) == 1:
        return counts[0][0]
    from pymatgen.core import Composition

    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", UserWarning
        )  # pymatgen warns that He, Ne and Ar have no electronegativity
        return str(Composition(dict(counts)).reduced_formula)


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
