"""Ratios of atoms of a chemical system, and their charge balance."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alphacrystal.typing import FloatArray, IntArray

#: Atoms in the formula unit up to which all ratios are possible; larger ones need charge balance.
ANY_RATIO_ATOMS = 20
#: Charge per atom below which the common oxidation states balance.
BALANCED = 1e-9


@lru_cache(maxsize=32)
def reduced_ratios(elements: int, max_atoms: int) -> IntArray:
    """All ratios of whole numbers of atoms without a common divisor.

    Args:
        elements: Number of elements, at least 1; each has at least one atom.
        max_atoms: Largest sum of the numbers.

    Returns:
        Shape (ratios, elements), read-only; by number of atoms, then by the numbers.
    """
    import numpy as np

    rows: IntArray = np.arange(1, max_atoms + 1)[:, None]
    for slot in range(1, elements):
        left = max_atoms - (elements - 1 - slot)  # each later element has an atom
        rows = np.column_stack(
            [np.repeat(rows, max_atoms, axis=0), np.tile(np.arange(1, max_atoms + 1), len(rows))]
        )
        rows = rows[rows.sum(1) <= left]
    rows = rows[np.gcd.reduce(rows, axis=1) == 1]
    rows = rows[np.lexsort((*rows.T[::-1], rows.sum(1)))]
    rows.flags.writeable = False
    return rows


@lru_cache(maxsize=128)
def oxidation_states(symbol: str) -> tuple[int, ...]:
    """Common oxidation states of an element as pymatgen lists them; empty for noble gases."""
    from pymatgen.core import Element

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return tuple(map(int, Element(symbol).common_oxidation_states))


def charge_imbalance(symbols: Sequence[str], counts: IntArray) -> FloatArray:
    """Smallest absolute charge per atom over the common oxidation states; 0 is charge balance.

    Atoms of one element have one oxidation state.

    Args:
        symbols: Elements.
        counts: Atoms of each, shape (compositions, elements).

    Returns:
        Elementary charges per atom, shape (compositions,); 1 if an element has no oxidation state.
    """
    import numpy as np

    counts = np.asarray(counts)
    choices = list(product(*map(oxidation_states, symbols)))
    if not choices:
        return np.ones(len(counts))
    charges = np.abs(counts @ np.array(choices).T).min(axis=1)
    return np.asarray(charges / counts.sum(1))


def system_ratios(symbols: Sequence[str], max_atoms: int) -> IntArray:
    """Ratios of the atoms of a chemical system at which a compound is considered.

    All reduced ratios with up to ANY_RATIO_ATOMS atoms, and the charge-balanced ones among larger ones.

    Args:
        symbols: Elements; each has at least one atom.
        max_atoms: Atoms in the formula unit at most.

    Returns:
        Shape (ratios, elements), in the order of ``reduced_ratios``.
    """
    import numpy as np

    ratios = reduced_ratios(len(symbols), max_atoms)
    small = ratios.sum(1) <= ANY_RATIO_ATOMS
    return ratios[small | (charge_imbalance(symbols, ratios) < BALANCED)] if not np.all(small) else ratios
