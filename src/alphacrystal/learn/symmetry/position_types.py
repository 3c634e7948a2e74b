"""Derive structure types from the occupied Wyckoff positions of known types with other stoichiometries.

The positions of a known crystal with as many atoms are distributed over the elements of the composition in
other ways than exchanges and splits of elements (``derivative_types``) do, for example spinel positions with
three elements or with one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice

import numpy as np

from alphacrystal.crystal import canonical_letters, multiplicities
from alphacrystal.learn.structure_types import StructureType, positions_key
from alphacrystal.learn.symmetry.network import SymmetryNet
from alphacrystal.typing import FloatArray

MAX_POSITIONS = 300  # sets of occupied positions that are distributed over the elements
MAX_DISTRIBUTIONS = 12  # of one set of positions


def position_types(
    net: SymmetryNet,
    counts: Sequence[int],
    units: Sequence[int],
    group: int | None,
    group_probabilities: FloatArray | None,
) -> dict[StructureType, float]:
    """Types outside the vocabulary on the occupied positions of known types.

    Args:
        net: The symmetry network.
        counts: Reduced counts of the elements.
        units: Formula units Z of the primitive cell to consider.
        group: Only this space group.
        group_probabilities: Probabilities of the space groups, shape (231,), which help to choose the
            positions.

    Returns:
        Types in canonical setting, each with the logarithm of the number of training compounds on its
        positions.
    """
    atoms, groups = net.table.arrays["atoms"], net.table.arrays["space_group"]
    cells = [z * sum(counts) for z in units]
    chosen = np.isin(atoms, cells) if group is None else np.isin(atoms, cells) & (groups == group)
    rows = np.flatnonzero(chosen)
    popularity: Counter[tuple[int, str]] = Counter()
    examples: dict[tuple[int, str], int] = {}
    for row in rows.tolist():
        key = positions_key(net.types[row])
        popularity[key] += int(net.members_of_types[row])
        examples.setdefault(key, row)
    keys = list(popularity)
    scores = np.array([np.log(popularity[key]) for key in keys])
    if group_probabilities is not None and keys:
        scores = scores + np.log(group_probabilities[[key[0] for key in keys]] + 1e-4)
    derived: dict[StructureType, float] = {}
    for index in np.argsort(-scores, kind="stable")[:MAX_POSITIONS].tolist():
        number, letters = keys[index]
        z = int(atoms[examples[keys[index]]]) // sum(counts)
        for distribution in _distributions(number, letters, tuple(z * count for count in counts)):
            structure_type = StructureType(number, distribution)
            if structure_type not in net.rows:
                derived.setdefault(structure_type, float(np.log(popularity[keys[index]])))
    return derived


@lru_cache(20_000)
def _distributions(number: int, letters: str, counts: tuple[int, ...]) -> tuple[tuple[str, ...], ...]:
    """Ways to give each element orbits with its number of atoms, in canonical setting."""
    sizes = multiplicities(number)
    available = Counter(letters)
    found = islice(_complete(tuple(available), available, sizes, counts), 4 * MAX_DISTRIBUTIONS)
    distinct = dict.fromkeys(canonical_letters(number, distribution) for distribution in found)
    return tuple(distinct)[:MAX_DISTRIBUTIONS]


def _complete(
    letters: Sequence[str], available: dict[str, int], sizes: dict[str, int], counts: tuple[int, ...]
) -> Iterator[tuple[str, ...]]:
    """Yield the letters of each element; all available orbits are used."""
    if len(counts) == 1:
        if sum(sizes[letter] * available[letter] for letter in letters) == counts[0]:
            yield ("".join(letter * available[letter] for letter in letters),)
        return
    for taken in _subsets(letters, available, sizes, counts[0]):
        left = {letter: available[letter] - taken.count(letter) for letter in letters}
        for rest in _complete(letters, left, sizes, counts[1:]):
            yield (taken, *rest)


def _subsets(
    letters: Sequence[str], available: dict[str, int], sizes: dict[str, int], atoms: int
) -> Iterator[str]:
    """Yield sets of available orbits that hold this number of atoms."""
    if atoms == 0:
        yield ""
        return
    if not letters:
        return
    letter = letters[0]
    for number in range(min(available[letter], atoms // sizes[letter]), -1, -1):
        for rest in _subsets(letters[1:], available, sizes, atoms - number * sizes[letter]):
            yield letter * number + rest
