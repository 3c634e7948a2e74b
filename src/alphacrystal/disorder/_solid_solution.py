"""Solid solutions in the structure of a parent compound or on the lattice of a metal."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING, Literal

import numpy as np

from alphacrystal.errors import InputError

if TYPE_CHECKING:
    from pymatgen.core import Structure

#: Amounts for each formula unit of the parent that differ by less are equal.
_EQUAL = 5e-3
_MOST_ASSIGNMENTS = 100_000
AlloyLattice = Literal["fcc", "bcc", "hcp"]
#: Primitive cells of unit edge of the cube (fcc, bcc) or of the ideal hexagonal packing, and their sites.
_CUBIC = {
    "fcc": [[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]],
    "bcc": [[-0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.5, 0.5, -0.5]],
}
_HEXAGONAL = [[1, 0, 0], [-0.5, 3**0.5 / 2, 0], [0, 0, (8 / 3) ** 0.5]]


def solid_solution(parent: Structure, amounts: Mapping[str, float], name: str, text: str) -> Structure:
    """The parent with the elements of a formula on its sites, as far as they are mixed.

    The formula is scaled so that it has no more atoms of any element of the parent than this has. Elements
    that the parent lacks share the sites of the elements that fall short; the rest of those sites is vacant.

    Args:
        parent: An ordered structure.
        amounts: Of each element of the formula, in any unit.
        name: Of the parent, in messages.
        text: The formula, in messages.

    Raises:
        InputError: The formula is that of the parent, has more atoms than the parent has sites for them, or
            fits in several ways.
    """
    from pymatgen.core import Structure

    sites = parent.composition.reduced_composition.get_el_amt_dict()
    shared = amounts.keys() & sites.keys()
    if not shared:
        raise InputError(f"{name} has no element of {text}: give the structure of a parent of {text}.")
    scale = min(sites[symbol] / amounts[symbol] for symbol in shared)
    missing = {symbol: number - scale * amounts.get(symbol, 0.0) for symbol, number in sites.items()}
    missing = {symbol: number for symbol, number in missing.items() if number > _EQUAL}
    added = {symbol: scale * amount for symbol, amount in amounts.items() if symbol not in sites}
    if not missing and not added:
        raise InputError(
            f"{name} has the composition {text} already: give the formula of a solid solution, or relax the "
            "file with alphacrystal relax."
        )
    placed = _placed(missing, added)
    if placed is None:
        raise InputError(
            f"{text} does not fit on the sites of {name} in one way ({_text(missing) or 'no site'} free for "
            f"{_text(added)}): give a structure with partial occupancies (--from FILE)."
        )
    contents: dict[str, dict[str, float]] = {}
    for symbol, number in sites.items():
        kept = {symbol: 1.0 - missing[symbol] / number} if symbol in missing else {symbol: 1.0}
        kept |= {other: added[other] / number for other, place in placed.items() if place == symbol}
        contents[symbol] = {key: share for key, share in kept.items() if share > _EQUAL}
    symbols = [site.specie.symbol for site in parent]
    return Structure(
        parent.lattice, [contents[symbol] for symbol in symbols], parent.frac_coords, labels=symbols
    )


def _placed(missing: Mapping[str, float], added: Mapping[str, float]) -> dict[str, str] | None:
    """Element of the parent whose sites each added element takes; None where there is not one way."""
    if len(missing) ** len(added) > _MOST_ASSIGNMENTS:
        return None
    fitting = []
    for choice in product(missing, repeat=len(added)):
        left = dict(missing)
        for symbol, place in zip(added, choice, strict=True):
            left[place] -= added[symbol]
        if min(left.values(), default=0.0) >= -_EQUAL:
            fitting.append(
                (sum(number > _EQUAL for number in left.values()), dict(zip(added, choice, strict=True)))
            )
    # Where every site can be filled, vacancies are not meant.
    fewest = min((vacant for vacant, _ in fitting), default=0)
    best = [placed for vacant, placed in fitting if vacant == fewest]
    return best[0] if len(best) == 1 else None


def _text(amounts: Mapping[str, float]) -> str:
    return ", ".join(f"{amount:.3g} {symbol}" for symbol, amount in amounts.items())


def alloy_structure(lattice: AlloyLattice, amounts: Mapping[str, float], volume_per_atom: float) -> Structure:
    """A lattice whose sites hold the elements of an alloy at random.

    Args:
        lattice: fcc, bcc, or hcp with the ideal axial ratio.
        amounts: Of each element, in any unit.
        volume_per_atom: Å³.
    """
    from pymatgen.core import Lattice, Structure

    vectors = np.array(_CUBIC.get(lattice, _HEXAGONAL), dtype=np.float64)
    sites = [[1 / 3, 2 / 3, 0.25], [2 / 3, 1 / 3, 0.75]] if lattice == "hcp" else [[0.0, 0.0, 0.0]]
    vectors *= (volume_per_atom * len(sites) / abs(np.linalg.det(vectors))) ** (1 / 3)
    total = sum(amounts.values())
    shares = {symbol: amount / total for symbol, amount in amounts.items()}
    return Structure(Lattice(vectors), [shares] * len(sites), sites, labels=["M"] * len(sites))
