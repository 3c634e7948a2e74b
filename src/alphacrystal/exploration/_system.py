"""Chemical systems: their elements, and the compositions at which a compound is considered."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations
from typing import TYPE_CHECKING

from alphacrystal.composition import element_order
from alphacrystal.errors import InputError, one_line

if TYPE_CHECKING:
    from pathlib import Path

    from alphacrystal.typing import FloatArray

MIN_ELEMENTS, MAX_ELEMENTS = 2, 4
_SEPARATORS = re.compile(r"[\s,;/–-]+")


@dataclass(frozen=True, slots=True)
class ChemicalSystem:
    """The elements of a chemical system, least electronegative first."""

    elements: tuple[str, ...]

    @property
    def name(self) -> str:
        """Elements with hyphens, e.g. "Li-P-S"."""
        return "-".join(self.elements)

    @property
    def subsystems(self) -> tuple[tuple[str, ...], ...]:
        """All sets of at least two of the elements, the smallest first."""
        return tuple(
            chosen
            for size in range(2, len(self.elements) + 1)
            for chosen in combinations(self.elements, size)
        )

    def fractions(self, counts: Mapping[str, float]) -> list[float]:
        """Atomic fraction of each element of the system."""
        total = sum(counts.values())
        return [counts.get(symbol, 0.0) / total for symbol in self.elements]


def parse_system(text: str | Sequence[str]) -> ChemicalSystem:
    """A chemical system from "Li-P-S", "Li P S" or a list of symbols.

    Raises:
        InputError: A symbol is no element, is repeated, or there are fewer than two or more than four.
    """
    words = _SEPARATORS.split(text.strip()) if isinstance(text, str) else [word.strip() for word in text]
    symbols = [word for word in words if word]
    for symbol in symbols:
        try:
            element_order(symbol)
        except InputError:
            hint = "write the elements with hyphens, e.g. Li-P-S"
            raise InputError(f"{one_line(symbol[:20])!r} is no element symbol: {hint}.") from None
    if repeated := next((symbol for symbol in symbols if symbols.count(symbol) > 1), None):
        raise InputError(f"{repeated} is in the chemical system twice: name each element once.")
    if not MIN_ELEMENTS <= len(symbols) <= MAX_ELEMENTS:
        raise InputError(
            f"A chemical system has two to four elements, not {len(symbols)}: "
            "name it with hyphens, e.g. Li-P-S."
        )
    return ChemicalSystem(tuple(sorted(symbols, key=element_order)))


@dataclass(frozen=True, eq=False)
class Compositions:
    """Compositions at which a compound is considered, the most probable first.

    Attributes:
        system: The chemical system.
        counts: Atoms in the reduced formula, by symbol, of each.
        probabilities: That a compound exists there, shape (n,), descending.
    """

    system: ChemicalSystem
    counts: tuple[Mapping[str, int], ...]
    probabilities: FloatArray

    def __len__(self) -> int:
        return len(self.counts)

    @cached_property
    def formulas(self) -> tuple[str, ...]:
        """Reduced formulas."""
        return tuple(map(plain_formula, self.counts))

    def probability(self, formula: str) -> float | None:
        """Probability that a compound exists at a formula; None for elements and formulas of more atoms."""
        index = self._places.get(formula)
        return None if index is None else round(float(self.probabilities[index]), 4)

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {formula: index for index, formula in enumerate(self.formulas)}

    @cached_property
    def fractions(self) -> FloatArray:
        """Atomic fractions, shape (n, elements)."""
        import numpy as np

        return np.array([self.system.fractions(counts) for counts in self.counts])

    @cached_property
    def atoms(self) -> tuple[int, ...]:
        """Atoms in the reduced formula."""
        return tuple(sum(counts.values()) for counts in self.counts)


def plain_formula(counts: Mapping[str, int]) -> str:
    """The formula without brackets, least electronegative element first, e.g. "Li3PS4".

    As in pymatgen, peroxides keep their usual name: "Li2O2" for the counts 1 and 1.
    """
    name = "".join(f"{symbol}{count if count > 1 else ''}" for symbol, count in counts.items())
    return name if len(counts) == 1 else _usual_names().get(name, name)


@cache
def _usual_names() -> Mapping[str, str]:
    from pymatgen.core import Composition

    return dict(Composition.special_formulas)


def enumerate_compositions(
    system: ChemicalSystem, max_atoms: int, models: Path | None = None
) -> Compositions:
    """Compositions of a system and of the systems within it, the most probable first.

    The ratios of `alphacrystal.learn.compound_ratios` for each set of elements; pure elements are left out.

    Args:
        system: The chemical system.
        max_atoms: Atoms in the formula unit at most.
        models: Folder of weights instead of the shipped ones.

    Raises:
        WeightsError: The weights of the existence network are missing or damaged.
    """
    import numpy as np

    from alphacrystal.learn import compound_ratios, existence_probabilities

    counts: list[Mapping[str, int]] = []
    probabilities: list[float] = []
    for symbols in system.subsystems:
        ratios = compound_ratios(symbols, max_atoms, models)
        counts += [dict(zip(symbols, row, strict=True)) for row in ratios.tolist()]
        probabilities += existence_probabilities(symbols, ratios, models).tolist()
    probabilities = [round(value, 9) for value in probabilities]  # equal on all processors
    order = sorted(range(len(counts)), key=lambda i: (-probabilities[i], i))
    return Compositions(
        system, tuple(counts[i] for i in order), np.array([probabilities[i] for i in order], dtype=np.float64)
    )
